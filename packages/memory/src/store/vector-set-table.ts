/**
 * Sets of vectors. A space answers from one set: 0 is the vectors beside its chunks, any other is in a table of its own. Another set is
 * made in bounded commits that no reader sees; making it the space's is one row; what is then unused goes in bounded commits.
 */
import type { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { rowOf, rowsOf } from "@millrace/stream";
import { COMMIT_CHUNKS_MAX } from "../limits.ts";
import { HIDDEN } from "./chunk-table.ts";
import type { SpaceRow } from "./memory-module.ts";

/** A SpaceRow. */
export const SPACE_FIELDS = "id, name, provider, model, dims, created_ms AS createdMs, vector_set AS vectorSet";

export const VECTOR_SET_SCHEMA = `
ALTER TABLE spaces ADD COLUMN vector_set INTEGER NOT NULL DEFAULT 0;
CREATE TABLE vector_sets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  run TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  dims INTEGER NOT NULL,
  state TEXT NOT NULL,
  swept INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE vectors (
  id INTEGER PRIMARY KEY,
  vector_set INTEGER NOT NULL,
  chunk INTEGER NOT NULL REFERENCES chunks (id) ON DELETE CASCADE,
  vector BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX vectors_by_set ON vectors (vector_set, chunk);
CREATE INDEX vectors_by_chunk ON vectors (chunk);
`;

/** `making` until it is adopted or given up; `leaving` while it is taken out, `leaving_chunks` for the one beside the chunks. */
type SetState = "making" | "leaving" | "leaving_chunks";

/** What the vectors of a set are. */
type SetContent = { readonly provider: string; readonly model: string; readonly dims: number };
/** `run` names what makes them. */
export type VectorSetArgs = SetContent & { readonly space: number; readonly run: string };
/** A frame about the set goes into the space's stream with the call: `stream`. */
export type SetArgs = { readonly space: number; readonly set: number; readonly stream: string };
export type AddVectorsArgs = {
  readonly space: number;
  readonly set: number;
  readonly chunks: readonly number[];
  /** chunks.length × dims little-endian float32. */
  readonly vectors: Float32Array;
  readonly stream?: string;
};
export type UnfinishedSet = {
  readonly set: number;
  readonly space: number;
  readonly name: string;
  readonly run: string;
};
/** What is embedded of a chunk; `headings` is JSON. */
export type PassageRow = {
  readonly id: number;
  readonly document: string;
  readonly title: string;
  readonly headings: string;
  readonly text: string;
};

export type VectorSetWrites = {
  beginSet: (args: VectorSetArgs & { readonly stream: string }) => number;
  /** Which of the chunks are still there, in their order: those have their vector now. `not_found` when the set is gone. */
  addVectors: (args: AddVectorsArgs) => readonly number[];
  /** The set becomes the space's. `conflict` unless it has exactly one vector for each chunk that readers see. */
  adoptSet: (args: SetArgs) => SpaceRow;
  giveUpSet: (args: SetArgs) => void;
  /** Takes up to COMMIT_CHUNKS_MAX vectors of sets that are no longer used out; whether there is more. */
  sweepVectors: (args: null) => boolean;
};
export type VectorSetReads = {
  unfinishedSets: (args: null) => readonly UnfinishedSet[];
  /** Passages of a space that readers see, in order of document and id, after that one. */
  passages: (args: { space: number; document: string; after: number; limit: number }) => readonly PassageRow[];
  /** Those of the chunks that readers see. */
  passagesOf: (args: { space: number; chunks: readonly number[] }) => readonly PassageRow[];
};

/** `mark` says that the space's views have caught up with its stream. */
export function vectorSetWrites(db: DatabaseSync, mark: (space: number, stream: string) => void): VectorSetWrites {
  const insert = db.prepare(
    `INSERT INTO vector_sets (space, run, provider, model, dims, state) SELECT id, ?, ?, ?, ?, 'making' FROM spaces WHERE id = ?
    RETURNING id`,
  );
  const making = db.prepare(
    "SELECT provider, model, dims FROM vector_sets WHERE id = ? AND space = ? AND state = 'making'",
  );
  const add = db.prepare(`INSERT INTO vectors (vector_set, chunk, vector) SELECT ?1, id, ?3 FROM chunks
    WHERE id = ?2 AND space = ?4 ON CONFLICT DO NOTHING`);
  const chunkThere = db.prepare("SELECT 1 FROM chunks WHERE id = ? AND space = ?");
  const setState = db.prepare("UPDATE vector_sets SET state = ? WHERE id = ?");
  const checkMade = (space: number, set: number): SetContent => {
    const row = rowOf<SetContent>(making, set, space);
    if (row) return row;
    throw setGone();
  };
  return {
    beginSet({ space, run, provider, model, dims, stream }) {
      const id = insert.get(run, provider, model, dims, space)?.id;
      if (id === undefined) throw setGone();
      mark(space, stream);
      return Number(id);
    },
    addVectors({ space, set, chunks, vectors, stream }) {
      const { dims } = checkMade(space, set);
      if (stream !== undefined) mark(space, stream);
      return chunks.filter((chunk, at) => {
        if (!chunkThere.get(chunk, space)) return false;
        add.run(set, chunk, bytesOf(vectors.subarray(at * dims, (at + 1) * dims)), space);
        return true;
      });
    },
    adoptSet: createAdopt(db, ({ space, set, stream }) => {
      const content = checkMade(space, set);
      mark(space, stream);
      return content;
    }),
    giveUpSet({ space, set, stream }) {
      checkMade(space, set);
      mark(space, stream);
      setState.run("leaving" satisfies SetState, set);
    },
    sweepVectors: createSweep(db),
  };
}

function createAdopt(db: DatabaseSync, check: (args: SetArgs) => SetContent): VectorSetWrites["adoptSet"] {
  const counts = db.prepare(`SELECT chunks, vector_set AS live, provider, model, dims,
    (SELECT count(*) FROM vectors WHERE vector_set = ?2 AND chunk NOT IN (SELECT id FROM ${HIDDEN})) AS made
    FROM spaces WHERE id = ?1`);
  const adopt = db.prepare(
    `UPDATE spaces SET vector_set = ?, provider = ?, model = ?, dims = ? WHERE id = ? RETURNING ${SPACE_FIELDS}`,
  );
  const forget = db.prepare("DELETE FROM vector_sets WHERE id = ?");
  const leave = db.prepare(
    "INSERT INTO vector_sets (id, space, run, provider, model, dims, state) VALUES (?, ?, '', ?, ?, ?, ?)",
  );
  type Counts = SetContent & { readonly chunks: number; readonly made: number; readonly live: number };
  return (args) => {
    const { space, set } = args;
    const to = check(args);
    const from = rowOf<Counts>(counts, space, set) as Counts;
    if (from.made !== from.chunks) {
      const message = `${from.made} of ${from.chunks} chunks have their new vector; all must have one`;
      throw new MillraceError("conflict", message, { retryable: true });
    }
    const state: SetState = from.live === 0 ? "leaving_chunks" : "leaving";
    leave.run(from.live === 0 ? null : from.live, space, from.provider, from.model, from.dims, state);
    forget.run(set);
    return adopt.get(set, to.provider, to.model, to.dims, space) as unknown as SpaceRow;
  };
}

function createSweep(db: DatabaseSync): VectorSetWrites["sweepVectors"] {
  const leaving = db.prepare("SELECT id, space, state, swept FROM vector_sets WHERE state <> 'making' LIMIT 1");
  const drop = db.prepare("DELETE FROM vectors WHERE id IN (SELECT id FROM vectors WHERE vector_set = ? LIMIT ?)");
  // By id through all spaces: the index by space would be sorted anew for every step.
  const next = db.prepare(
    "SELECT max(id) AS last, count(*) AS count FROM (SELECT id FROM chunks WHERE id > ? ORDER BY id LIMIT ?)",
  );
  const empty = db.prepare(
    "UPDATE chunks SET vector = x'' WHERE +space = ? AND id > ? AND id <= ? AND length(vector) > 0",
  );
  const setSwept = db.prepare("UPDATE vector_sets SET swept = ? WHERE id = ?");
  const forget = db.prepare("DELETE FROM vector_sets WHERE id = ?");
  const sweepChunks = (set: number, space: number, swept: number): boolean => {
    const { last, count } = rowOf<{ last: number | null; count: number }>(next, swept, COMMIT_CHUNKS_MAX) as never;
    if (last !== null) empty.run(space, swept, last);
    setSwept.run(last ?? swept, set);
    return count === COMMIT_CHUNKS_MAX;
  };
  return () => {
    const row = rowOf<{ id: number; space: number; state: SetState; swept: number }>(leaving);
    if (!row) return false;
    const isMore =
      row.state === "leaving_chunks"
        ? sweepChunks(row.id, row.space, row.swept)
        : drop.run(row.id, COMMIT_CHUNKS_MAX).changes === COMMIT_CHUNKS_MAX;
    if (!isMore) forget.run(row.id);
    return isMore || rowOf(leaving) !== undefined;
  };
}

export function vectorSetReads(db: DatabaseSync): VectorSetReads {
  const fields = "id, document, title, headings, text";
  const unfinished =
    db.prepare(`SELECT v.id AS "set", v.space, s.name, v.run FROM vector_sets v JOIN spaces s ON s.id = v.space
    WHERE v.state = 'making'`);
  const seen = `id NOT IN (SELECT id FROM ${HIDDEN})`;
  const passages =
    db.prepare(`SELECT ${fields} FROM chunks WHERE space = ?1 AND document >= ?2 AND (document > ?2 OR id > ?3)
    AND ${seen} ORDER BY document, id LIMIT ?4`);
  const passageOf = db.prepare(`SELECT ${fields} FROM chunks WHERE id = ? AND space = ? AND ${seen}`);
  return {
    unfinishedSets: () => rowsOf<UnfinishedSet>(unfinished),
    passages: ({ space, document, after, limit }) => rowsOf<PassageRow>(passages, space, document, after, limit),
    passagesOf: ({ space, chunks }) => chunks.flatMap((chunk) => rowOf<PassageRow>(passageOf, chunk, space) ?? []),
  };
}

function setGone(): MillraceError {
  return new MillraceError("not_found", "the space was deleted, or its other vectors were given up");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
