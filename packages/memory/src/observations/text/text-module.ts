/** Full text of observations in SQLite, a view of the log: one contentless FTS5 table a space, whose row id is the row's number plus one. */
import type { DatabaseSync } from "node:sqlite";
import { checkInteger } from "@millrace/core";
import { rowOf, rowsOf, type StorageModule } from "@millrace/stream";

const SCHEMA = `
CREATE TABLE observation_texts (
  space INTEGER PRIMARY KEY,
  rows INTEGER NOT NULL
) STRICT;
`;

export type ObservationText = { readonly row: number; readonly text: string; readonly labels: string };

export type TextWrites = {
  /** Enters texts, each in place of what its row had; rows below `rows` are then entered. */
  putTexts: (args: { space: number; texts: readonly ObservationText[]; rows: number }) => void;
  removeTexts: (args: { space: number; rows: readonly number[] }) => void;
  /** Takes out what a crash left of rows from `rows` on. */
  trimTexts: (args: { space: number; rows: number }) => void;
  dropTexts: (args: { space: number }) => void;
};
export type TextReads = {
  /** Spaces with texts, and the rows up to which they are entered. */
  textRows: (args: null) => readonly { space: number; rows: number }[];
  matchTexts: (args: { space: number; match: string; limit: number }) => readonly { id: number; bm25: number }[];
};

function tableOf(space: number): string {
  return `observation_text_${checkInteger("space", space, { min: 0, max: Number.MAX_SAFE_INTEGER })}`;
}

function writes(db: DatabaseSync): TextWrites {
  const known = db.prepare("SELECT rows FROM observation_texts WHERE space = ?");
  const enter = db.prepare(
    "INSERT INTO observation_texts VALUES (?, ?) ON CONFLICT (space) DO UPDATE SET rows = max(rows, excluded.rows)",
  );
  const lower = db.prepare("UPDATE observation_texts SET rows = min(rows, ?) WHERE space = ?");
  const forget = db.prepare("DELETE FROM observation_texts WHERE space = ?");
  const has = (space: number) => rowOf<{ rows: number }>(known, space) !== undefined;
  const removeFrom = (space: number, where: string, value: number) =>
    db.prepare(`DELETE FROM ${tableOf(space)} WHERE rowid ${where} ?`).run(value);
  return {
    putTexts({ space, texts, rows }) {
      if (!has(space)) {
        db.exec(`CREATE VIRTUAL TABLE ${tableOf(space)} USING fts5(text, labels, content='', contentless_delete=1,
          tokenize='porter unicode61 remove_diacritics 2')`);
      }
      const remove = db.prepare(`DELETE FROM ${tableOf(space)} WHERE rowid = ?`);
      const insert = db.prepare(`INSERT INTO ${tableOf(space)} (rowid, text, labels) VALUES (?, ?, ?)`);
      for (const { row, text, labels } of texts) {
        remove.run(row + 1);
        insert.run(row + 1, text, labels);
      }
      enter.run(space, rows);
    },
    removeTexts({ space, rows }) {
      if (has(space)) for (const row of rows) removeFrom(space, "=", row + 1);
    },
    trimTexts({ space, rows }) {
      if (!has(space)) return;
      removeFrom(space, ">", rows);
      lower.run(rows, space);
    },
    dropTexts({ space }) {
      if (has(space)) db.exec(`DROP TABLE ${tableOf(space)}`);
      forget.run(space);
    },
  };
}

function reads(db: DatabaseSync): TextReads {
  const all = db.prepare("SELECT space, rows FROM observation_texts");
  const known = db.prepare("SELECT rows FROM observation_texts WHERE space = ?");
  return {
    textRows: () => rowsOf<{ space: number; rows: number }>(all),
    matchTexts({ space, match, limit }) {
      if (match === "" || !rowOf(known, space)) return [];
      const table = tableOf(space);
      const statement = db.prepare(
        `SELECT rowid - 1 AS id, -bm25(${table}) AS bm25 FROM ${table} WHERE ${table} MATCH ? ORDER BY rank, rowid LIMIT ?`,
      );
      return rowsOf<{ id: number; bm25: number }>(statement, match, limit);
    },
  };
}

export const storageModule: StorageModule = { name: "observations", migrations: [SCHEMA], writes, reads };
