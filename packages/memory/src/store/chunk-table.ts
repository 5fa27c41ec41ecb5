/** The chunks of all spaces with their full text, on the writing thread. */
import type { DatabaseSync } from "node:sqlite";
import { rowOf, rowsOf } from "@millrace/stream";
import { COMMIT_CHUNKS_MAX } from "../limits.ts";
import { FullTextTable } from "../retrieval/full-text.ts";
import type { ChunksArgs } from "./memory-module.ts";

/**
 * Chunks no reader sees: those of a large document that is still being entered, and those of one that was replaced or removed and are not
 * taken out yet. So a document of any size changes in one short commit.
 */
export const HIDDEN = "hidden_chunks";

export const CHUNK_SCHEMA = `
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  document TEXT NOT NULL,
  number INTEGER NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  page INTEGER,
  title TEXT NOT NULL,
  headings TEXT NOT NULL,
  text TEXT NOT NULL,
  vector BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_by_document ON chunks (space, document);
CREATE TABLE ${HIDDEN} (
  id INTEGER PRIMARY KEY REFERENCES chunks (id) ON DELETE CASCADE,
  is_removed INTEGER NOT NULL
) STRICT;
CREATE INDEX hidden_chunks_by_removed ON ${HIDDEN} (is_removed);
`;

/** Beside a chunk whose space answers from another set of vectors. */
const NO_VECTOR = new Uint8Array();

type IndexedRow = { id: number; space: number; title: string; headings: string; text: string };

export type ChunkTable = {
  /** Enters chunks and gives their ids, in their order. */
  enter(args: ChunksArgs): number[];
  /** Keeps entered chunks from every reader until they are shown. */
  hide(ids: readonly number[]): void;
  show(ids: readonly number[]): void;
  /** The chunks of a document that readers see. */
  visible(space: number, document: string): number[];
  /** Takes chunks out of every view: the first COMMIT_CHUNKS_MAX now, the others are hidden until `sweep`. Says whether some are left. */
  remove(ids: readonly number[]): boolean;
  /** Marks hidden chunks that were never shown as removed: those of `ids`, or all there are. */
  abandon(ids?: readonly number[]): void;
  /** Takes out up to COMMIT_CHUNKS_MAX removed chunks; whether some are left. */
  sweep(): boolean;
};

export function createChunkTable(db: DatabaseSync): ChunkTable {
  const insert = db.prepare("INSERT INTO chunks VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
  const insertVector = db.prepare("INSERT INTO vectors (vector_set, chunk, vector) VALUES (?, ?, ?)");
  const hide = db.prepare(`INSERT INTO ${HIDDEN} VALUES (?, ?)`);
  const show = db.prepare(`DELETE FROM ${HIDDEN} WHERE id = ?`);
  const visible = db.prepare(
    `SELECT id FROM chunks WHERE space = ? AND document = ? AND id NOT IN (SELECT id FROM ${HIDDEN}) ORDER BY id`,
  );
  const indexed = db.prepare("SELECT id, space, title, headings, text FROM chunks WHERE id = ?");
  const drop = db.prepare("DELETE FROM chunks WHERE id = ?");
  const abandon = db.prepare(`UPDATE ${HIDDEN} SET is_removed = 1 WHERE id = ? AND is_removed = 0`);
  const abandonAll = db.prepare(`UPDATE ${HIDDEN} SET is_removed = 1 WHERE is_removed = 0`);
  const removed = db.prepare(`SELECT id FROM ${HIDDEN} WHERE is_removed = 1 LIMIT ?`);

  const takeOut = (ids: readonly number[]): void => {
    const tables = new Map<number, FullTextTable>();
    for (const id of ids) {
      const row = rowOf<IndexedRow>(indexed, id);
      if (!row) continue;
      const table = tables.get(row.space) ?? new FullTextTable(db, row.space);
      tables.set(row.space, table);
      table.remove({ ...row, headings: headingLines(JSON.parse(row.headings) as string[]) });
      drop.run(id);
    }
  };
  return {
    enter({ space, vectorSet, document, title, chunks, vectors }) {
      const fullText = new FullTextTable(db, space);
      const dims = vectors.length / Math.max(1, chunks.length);
      return chunks.map(({ number, start, end, page, headings, text }, at) => {
        const vector = vectors.subarray(at * dims, (at + 1) * dims);
        const raw = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
        const place = [space, document, number, start, end, page] as const;
        const beside = vectorSet === 0 ? raw : NO_VECTOR;
        const id = Number(insert.get(...place, title, JSON.stringify(headings), text, beside)?.id);
        if (vectorSet !== 0) insertVector.run(vectorSet, id, raw);
        fullText.insert({ id, title, headings: headingLines(headings), text });
        return id;
      });
    },
    hide(ids) {
      for (const id of ids) hide.run(id, 0);
    },
    show(ids) {
      for (const id of ids) show.run(id);
    },
    visible: (space, document) => rowsOf<{ id: number }>(visible, space, document).map(({ id }) => id),
    remove(ids) {
      takeOut(ids.slice(0, COMMIT_CHUNKS_MAX));
      for (const id of ids.slice(COMMIT_CHUNKS_MAX)) hide.run(id, 1);
      return ids.length > COMMIT_CHUNKS_MAX;
    },
    abandon(ids) {
      if (!ids) abandonAll.run();
      else for (const id of ids) abandon.run(id);
    },
    sweep() {
      const ids = rowsOf<{ id: number }>(removed, COMMIT_CHUNKS_MAX).map(({ id }) => id);
      takeOut(ids);
      return ids.length === COMMIT_CHUNKS_MAX;
    },
  };
}

function headingLines(headings: readonly string[]): string {
  return headings.join("\n");
}
