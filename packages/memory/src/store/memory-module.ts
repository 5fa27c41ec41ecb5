/**
 * Spaces, documents and chunks in SQLite: the views from which a space answers, each rebuildable from the space's stream and its blobs. Runs
 * inside the storage threads.
 */
import type { DatabaseSync } from "node:sqlite";
import { assert, MillraceError } from "@millrace/core";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";
import { createFullTextSql, dropFullTextSql, FullTextTable } from "../retrieval/full-text.ts";
import { CHUNK_SCHEMA, createChunkTable, HIDDEN } from "./chunk-table.ts";
import {
  SPACE_FIELDS,
  VECTOR_SET_SCHEMA,
  type VectorSetReads,
  type VectorSetWrites,
  vectorSetReads,
  vectorSetWrites,
} from "./vector-set-table.ts";

const SCHEMA = `
CREATE TABLE spaces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  dims INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  indexed_seq INTEGER NOT NULL DEFAULT 0,
  documents INTEGER NOT NULL DEFAULT 0,
  chunks INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE blobs (hash TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE documents (
  space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  document TEXT NOT NULL,
  source TEXT NOT NULL,
  title TEXT NOT NULL,
  content_type TEXT NOT NULL,
  language TEXT,
  source_hash TEXT NOT NULL,
  content TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  chars INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  added_ms INTEGER NOT NULL,
  PRIMARY KEY (space, document)
) STRICT;
CREATE UNIQUE INDEX documents_by_source ON documents (space, source);
CREATE INDEX documents_by_content ON documents (content);
${CHUNK_SCHEMA}`;

export type SpaceRow = {
  readonly id: number;
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly dims: number;
  readonly createdMs: number;
  /** The set of vectors it answers from. */
  readonly vectorSet: number;
};

export type SpaceCounts = {
  readonly documents: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly indexedSeq: number;
  readonly headSeq: number;
};

export type ChunkInput = {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly page: number | null;
  readonly headings: readonly string[];
  readonly text: string;
};

/** Chunks to enter, with one vector each. */
export type ChunksArgs = {
  readonly space: number;
  /** The set that the vectors are of: refused when the space has another by now. */
  readonly vectorSet: number;
  readonly document: string;
  readonly title: string;
  readonly chunks: readonly ChunkInput[];
  /** chunks.length × dims little-endian float32, row by row. */
  readonly vectors: Float32Array;
};

/** A document as it is put: `content` is its extracted form as JSON, `contentHash` names it in the log. */
export type PutDocumentArgs = ChunksArgs & {
  readonly stream: string;
  readonly source: string;
  readonly contentType: string;
  readonly language: string | null;
  readonly sourceHash: string;
  readonly contentHash: string;
  readonly content: string;
  readonly bytes: number;
  readonly chars: number;
  readonly addedMs: number;
  /** Ids of its first chunks, entered by `stageChunks`; `chunks` are the rest. */
  readonly staged: readonly number[];
};
export type RemoveDocumentArgs = { readonly space: number; readonly stream: string; readonly document: string };

/** Chunk ids, for the vector index: those that are gone and those that came, in the order of the chunks. */
export type PutResult = {
  readonly removed: readonly number[];
  readonly added: readonly number[];
  /** Whether chunks are left for `sweep`. */
  readonly isSweepDue: boolean;
};

export type DocumentRow = {
  readonly document: string;
  readonly source: string;
  readonly title: string;
  readonly contentType: string;
  readonly language: string | null;
  readonly sourceHash: string;
  readonly content: string;
  readonly bytes: number;
  readonly chars: number;
  readonly chunks: number;
  readonly addedMs: number;
};

export type ChunkRow = {
  readonly id: number;
  readonly document: string;
  readonly source: string;
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly page: number | null;
  readonly title: string;
  readonly headings: string;
  readonly text: string;
};

export type CreateSpaceArgs = {
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly dims: number;
  readonly createdMs: number;
};

export type MemoryWrites = VectorSetWrites & {
  createSpace: (args: CreateSpaceArgs) => SpaceRow;
  removeSpace: (args: { space: number }) => void;
  stageChunks: (args: ChunksArgs) => readonly number[];
  putDocument: (args: PutDocumentArgs) => PutResult;
  /** Gives up staged chunks that were not shown: those of `ids`, or, at a start, all that a crash left. */
  abandonChunks: (args: { ids?: readonly number[] }) => void;
  /** One step of taking out what is removed; whether there is more. */
  sweep: (args: null) => boolean;
  removeDocument: (args: RemoveDocumentArgs) => PutResult;
};
export type MemoryReads = VectorSetReads & {
  spaces: (args: null) => readonly SpaceRow[];
  counts: (args: { space: number; stream: string }) => SpaceCounts;
  totals: (args: null) => { documents: number; chunks: number; bytes: number };
  document: (args: { space: number; document: string }) => DocumentRow | undefined;
  documents: (args: { space: number; after: string; limit: number }) => readonly DocumentRow[];
  content: (args: { hash: string }) => string | undefined;
  match: (args: { space: number; match: string; limit: number }) => readonly { id: number; bm25: number }[];
  chunks: (args: { space: number; ids: readonly number[] }) => readonly ChunkRow[];
  marked: (args: { space: number; match: string; ids: readonly number[] }) => readonly { id: number; marked: string }[];
};

const DOCUMENT_FIELDS = `document, source, title, content_type AS contentType, language, source_hash AS sourceHash, content, bytes, chars,
  chunks, added_ms AS addedMs`;

function writes(db: DatabaseSync): MemoryWrites {
  const createSpace = db.prepare(
    `INSERT INTO spaces (name, provider, model, dims, created_ms) VALUES (?, ?, ?, ?, ?) RETURNING ${SPACE_FIELDS}`,
  );
  const hasSpace = db.prepare("SELECT vector_set AS vectorSet FROM spaces WHERE id = ?");
  const removeSpace = db.prepare("DELETE FROM spaces WHERE id = ?");
  const removeBlobs = db.prepare(`DELETE FROM blobs WHERE hash IN (SELECT content FROM documents WHERE space = ?1)
    AND NOT EXISTS (SELECT 1 FROM documents WHERE content = hash AND space <> ?1)`);
  const chunkTable = createChunkTable(db);
  const documents = createDocumentTable(db);
  /** What was under way when its space was deleted: the space's tables are gone, and its id is never used again. */
  const checkSpace = (space: number): number => {
    const row = rowOf<{ vectorSet: number }>(hasSpace, space);
    if (!row) throw spaceGone();
    return row.vectorSet;
  };
  const checkSet = ({ space, vectorSet }: ChunksArgs) => {
    if (checkSpace(space) === vectorSet) return;
    throw new MillraceError("conflict", "the space was given another model meanwhile; put it again", {
      retryable: true,
    });
  };
  return {
    ...vectorSetWrites(db, documents.markIndexed),
    createSpace({ name, provider, model, dims, createdMs }) {
      const space = createSpace.get(name, provider, model, dims, createdMs) as unknown as SpaceRow;
      db.exec(createFullTextSql(space.id));
      return space;
    },
    removeSpace({ space }) {
      db.exec(dropFullTextSql(space));
      removeBlobs.run(space);
      removeSpace.run(space);
    },
    stageChunks(args) {
      checkSet(args);
      const ids = chunkTable.enter(args);
      chunkTable.hide(ids);
      return ids;
    },
    putDocument(put) {
      const { space, document, staged } = put;
      checkSet(put);
      const removed = chunkTable.visible(space, document);
      documents.remove(space, document);
      const isSweepDue = chunkTable.remove(removed);
      chunkTable.show(staged);
      const added = [...staged, ...chunkTable.enter(put)];
      documents.add(put, added.length);
      return { removed, added, isSweepDue };
    },
    removeDocument({ space, stream, document }) {
      checkSpace(space);
      const removed = chunkTable.visible(space, document);
      documents.remove(space, document);
      documents.markIndexed(space, stream);
      return { removed, added: [], isSweepDue: chunkTable.remove(removed) };
    },
    abandonChunks: ({ ids }) => chunkTable.abandon(ids),
    sweep: () => chunkTable.sweep(),
  };
}

/** Rows of documents, with the blobs they name and the counts of their space. */
function createDocumentTable(db: DatabaseSync) {
  const insertBlob = db.prepare("INSERT INTO blobs VALUES (?, ?) ON CONFLICT DO NOTHING");
  const insert = db.prepare("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM documents WHERE space = ? AND document = ? RETURNING content, chunks, bytes");
  const removeBlob = db.prepare(
    "DELETE FROM blobs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM documents WHERE content = ?1)",
  );
  const count = db.prepare(
    "UPDATE spaces SET documents = documents + ?, chunks = chunks + ?, bytes = bytes + ? WHERE id = ?",
  );
  const headOf = db.prepare("SELECT head FROM streams WHERE name = ?");
  const setWatermark = db.prepare("UPDATE spaces SET indexed_seq = ? WHERE id = ?");

  const markIndexed = (space: number, stream: string): number => {
    const head = rowOf<{ head: number }>(headOf, stream)?.head;
    assert(head !== undefined, "the frame of a document is appended before its rows");
    setWatermark.run(head, space);
    return head;
  };
  return {
    markIndexed,
    add(put: PutDocumentArgs, chunks: number): void {
      const { space, document, source, title, contentType, language, sourceHash, contentHash, bytes, chars } = put;
      const seq = markIndexed(space, put.stream);
      insertBlob.run(contentHash, put.content);
      const about = [source, title, contentType, language, sourceHash, contentHash, bytes, chars] as const;
      insert.run(space, document, ...about, chunks, seq, put.addedMs);
      count.run(1, chunks, bytes, space);
    },
    /** Nothing happens when it is not there. */
    remove(space: number, document: string): void {
      const found = rowOf<{ content: string; chunks: number; bytes: number }>(remove, space, document);
      if (!found) return;
      removeBlob.run(found.content);
      count.run(-1, -found.chunks, -found.bytes, space);
    },
  };
}

function reads(db: DatabaseSync): MemoryReads {
  const spaces = db.prepare(`SELECT ${SPACE_FIELDS} FROM spaces ORDER BY name`);
  const counts = db.prepare(`SELECT documents, chunks, bytes, indexed_seq AS indexedSeq,
    coalesce((SELECT head FROM streams WHERE name = ?1), 0) AS headSeq FROM spaces WHERE id = ?2`);
  const totals = db.prepare(`SELECT coalesce(sum(documents), 0) AS documents, coalesce(sum(chunks), 0) AS chunks,
    coalesce(sum(bytes), 0) AS bytes FROM spaces`);
  const document = db.prepare(`SELECT ${DOCUMENT_FIELDS} FROM documents WHERE space = ? AND document = ?`);
  const documents = db.prepare(
    `SELECT ${DOCUMENT_FIELDS} FROM documents WHERE space = ? AND source > ? ORDER BY source LIMIT ?`,
  );
  const content = db.prepare("SELECT json FROM blobs WHERE hash = ?");
  const chunk =
    db.prepare(`SELECT c.id, c.document, d.source, c.number, c.start, c."end", c.page, c.title, c.headings, c.text
    FROM chunks c JOIN documents d ON d.space = c.space AND d.document = c.document 
    WHERE c.id = ? AND c.space = ? AND c.id NOT IN (SELECT id FROM ${HIDDEN})`);
  return {
    ...vectorSetReads(db),
    spaces: () => rowsOf<SpaceRow>(spaces),
    counts({ space, stream }) {
      const found = rowOf<SpaceCounts>(counts, stream, space);
      if (!found) throw spaceGone();
      return found;
    },
    totals: () => rowOf<ReturnType<MemoryReads["totals"]>>(totals) as ReturnType<MemoryReads["totals"]>,
    document: ({ space, document: id }) => rowOf<DocumentRow>(document, space, id),
    documents: ({ space, after, limit }) => rowsOf<DocumentRow>(documents, space, after, limit),
    content: ({ hash }) => rowOf<{ json: string }>(content, hash)?.json,
    match: ({ space, match, limit }) =>
      guarded(() => new FullTextTable(db, space, { hidden: HIDDEN }).search(match, limit)),
    chunks: ({ space, ids }) => ids.flatMap((id) => rowOf<ChunkRow>(chunk, id, space) ?? []),
    marked: ({ space, match, ids }) => guarded(() => new FullTextTable(db, space).mark(match, ids)),
  };
}

/** A space deleted between look-up and query has no table any more. */
function guarded<T>(query: () => T): T {
  try {
    return query();
  } catch (error) {
    if (error instanceof Error && error.message.includes("no such table")) throw spaceGone();
    throw error;
  }
}

function spaceGone(): MillraceError {
  return new MillraceError("not_found", "the space was deleted");
}

export const storageModule: StorageModule = { name: "memory", migrations: [SCHEMA, VECTOR_SET_SCHEMA], writes, reads };
