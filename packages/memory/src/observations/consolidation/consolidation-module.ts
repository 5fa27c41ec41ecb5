/** Consolidation in SQLite: how far each space is looked through, the neighbours found, the concepts. Deleted with the space. */
import type { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";
import { LIST_PAGES_AT_ONCE } from "./limits.ts";

const SCHEMA = `
CREATE TABLE consolidations (
  space INTEGER PRIMARY KEY REFERENCES spaces (id) ON DELETE CASCADE,
  looked INTEGER NOT NULL DEFAULT 0,
  floor REAL NOT NULL,
  report TEXT
) STRICT;
CREATE TABLE neighbour_lists (
  space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  page INTEGER NOT NULL,
  words BLOB NOT NULL,
  PRIMARY KEY (space, page)
) STRICT;
CREATE TABLE concepts (
  space INTEGER NOT NULL REFERENCES spaces (id) ON DELETE CASCADE,
  key INTEGER NOT NULL,
  representative TEXT NOT NULL,
  members TEXT NOT NULL,
  count INTEGER NOT NULL,
  digest INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
`;

/** Rows below `looked` have their lists, of neighbours at least as similar as `floor`. `report`: JSON of the last run that ended. */
export type ConsolidationRow = { readonly looked: number; readonly floor: number; readonly report: string | null };

export type ConceptRow = {
  readonly key: number;
  readonly representative: string;
  /** JSON of their ids. */
  readonly members: string;
  readonly count: number;
  readonly createdMs: number;
};
export type ConceptInput = ConceptRow & { readonly digest: number };

/** The keys above `after` up to `until`. */
export type KeyRange = { readonly space: number; readonly after: number; readonly until: number };

export type ConsolidationWrites = {
  /** `not_found` when there is no such space. */
  begin: (args: { space: number; floor: number }) => void;
  /** Enters what was found of rows up to `looked`, after what the page has. */
  addLists: (args: { space: number; page: number; words: Uint32Array; looked: number }) => void;
  /** Takes some lists out, so that all rows are looked at anew; whether there are more. */
  dropLists: (args: { space: number }) => boolean;
  dropPages: (args: { space: number; pages: readonly number[] }) => void;
  /** Of the concepts in a range leaves those of `keep`; then puts some, which keep the time they were made at. */
  putConcepts: (args: KeyRange & { keep: readonly number[]; concepts: readonly ConceptInput[] }) => void;
  /** `not_found` when there is no such space. */
  finish: (args: { space: number; report: string }) => void;
};
export type ConsolidationReads = {
  state: (args: { space: number }) => ConsolidationRow | undefined;
  /** Some pages after `after`, in order; none: that was all. */
  lists: (args: { space: number; after: number }) => readonly { page: number; words: Uint8Array }[];
  /** How many concepts a range has, and the digests of those of `keys`. */
  digests: (args: KeyRange & { keys: readonly number[] }) => {
    readonly count: number;
    readonly known: readonly { key: number; digest: number }[];
  };
  concepts: (args: { space: number; after: number; limit: number }) => readonly ConceptRow[];
};

function writes(db: DatabaseSync): ConsolidationWrites {
  const isSpace = db.prepare("SELECT 1 FROM spaces WHERE id = ?");
  const begin = db.prepare(
    "INSERT INTO consolidations (space, floor) VALUES (?, ?) ON CONFLICT DO UPDATE SET floor = min(floor, excluded.floor)",
  );
  const page = db.prepare("SELECT words FROM neighbour_lists WHERE space = ? AND page = ?");
  const putPage = db.prepare(
    "INSERT INTO neighbour_lists VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET words = excluded.words",
  );
  const setLooked = db.prepare("UPDATE consolidations SET looked = ? WHERE space = ?");
  const dropSome = db.prepare(
    "DELETE FROM neighbour_lists WHERE rowid IN (SELECT rowid FROM neighbour_lists WHERE space = ? LIMIT ?)",
  );
  const dropPage = db.prepare("DELETE FROM neighbour_lists WHERE space = ? AND page = ?");
  const dropConcepts = db.prepare(
    "DELETE FROM concepts WHERE space = ? AND key > ? AND key <= ? AND key NOT IN (SELECT value FROM json_each(?))",
  );
  const putConcept = db.prepare(`INSERT INTO concepts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    representative = excluded.representative, members = excluded.members, count = excluded.count, digest = excluded.digest`);
  const report = db.prepare("UPDATE consolidations SET report = ? WHERE space = ?");
  return {
    begin({ space, floor }) {
      if (!rowOf(isSpace, space)) throw noSpace();
      begin.run(space, floor);
    },
    addLists({ space, page: number, words, looked }) {
      if (setLooked.run(looked, space).changes === 0) throw noSpace();
      if (words.length === 0) return;
      const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      const known = rowOf<{ words: Uint8Array }>(page, space, number);
      putPage.run(space, number, known ? Buffer.concat([known.words, bytes]) : bytes);
    },
    dropLists({ space }) {
      setLooked.run(0, space);
      return dropSome.run(space, LIST_PAGES_AT_ONCE).changes === LIST_PAGES_AT_ONCE;
    },
    dropPages({ space, pages }) {
      for (const number of pages) dropPage.run(space, number);
    },
    putConcepts({ space, after, until, keep, concepts }) {
      dropConcepts.run(space, after, until, JSON.stringify(keep));
      for (const { key, representative, members, count, digest, createdMs } of concepts) {
        putConcept.run(space, key, representative, members, count, digest, createdMs);
      }
    },
    finish({ space, report: json }) {
      if (report.run(json, space).changes === 0) throw noSpace();
    },
  };
}

function reads(db: DatabaseSync): ConsolidationReads {
  const state = db.prepare("SELECT looked, floor, report FROM consolidations WHERE space = ?");
  const lists = db.prepare(
    "SELECT page, words FROM neighbour_lists WHERE space = ? AND page > ? ORDER BY page LIMIT ?",
  );
  const count = db.prepare("SELECT count(*) AS count FROM concepts WHERE space = ? AND key > ? AND key <= ?");
  const digests = db.prepare(
    "SELECT key, digest FROM concepts WHERE space = ? AND key IN (SELECT value FROM json_each(?))",
  );
  const concepts = db.prepare(`SELECT key, representative, members, count, created_ms AS createdMs FROM concepts
    WHERE space = ? AND key > ? ORDER BY key LIMIT ?`);
  return {
    state: ({ space }) => rowOf<ConsolidationRow>(state, space),
    lists: ({ space, after }) => rowsOf<{ page: number; words: Uint8Array }>(lists, space, after, LIST_PAGES_AT_ONCE),
    digests: ({ space, after, until, keys }) => ({
      count: rowOf<{ count: number }>(count, space, after, until)?.count ?? 0,
      known: rowsOf<{ key: number; digest: number }>(digests, space, JSON.stringify(keys)),
    }),
    concepts: ({ space, after, limit }) => rowsOf<ConceptRow>(concepts, space, after, limit),
  };
}

function noSpace(): MillraceError {
  return new MillraceError("not_found", "the space was deleted");
}

export const storageModule: StorageModule = { name: "consolidation", migrations: [SCHEMA], writes, reads };
