/**
 * Full text of one space: an FTS5 table over the chunk table, whose row id is the chunk's id. One table a space, so that a
 * search reads one space's postings only (I10). The table holds no text of its own: it reads `chunks` when it marks matches.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { checkInteger } from "@millrace/core";
import { MARK_END, MARK_START } from "./highlights.ts";
import { MATCH_TERMS_MAX, TEXT_HITS_MAX } from "./limits.ts";
import { STOP_WORDS } from "./stop-words.ts";

/** What is indexed of a chunk; `headings` is the heading path, one a line. */
export type FullTextRow = {
  readonly id: number;
  readonly title: string;
  readonly headings: string;
  readonly text: string;
};

/** `bm25` is positive, higher is better, and comparable inside one search only. */
export type FullTextHit = { readonly id: number; readonly bm25: number };

/** A chunk's text with the matched words between MARK_START and MARK_END; `toHighlights` reads it. */
export type MarkedHit = { readonly id: number; readonly marked: string };

/** Weights of title, headings, text in bm25: chosen on the dev questions (docs/decisions/0006-hybrid-fusion.md). */
const COLUMN_WEIGHTS = [0.5, 1, 1] as const;
/** Porter stems beat plain words on the dev questions, as one would expect of questions put in other words. */
const TOKENIZER = "porter unicode61 remove_diacritics 2";

/** The statement that makes the table of `space`. `chunks` must exist. */
export function createFullTextSql(space: number): string {
  return `CREATE VIRTUAL TABLE ${tableOf(space)} USING fts5(
    title, headings, text, content='chunks', content_rowid='id', tokenize='${TOKENIZER}')`;
}

export function dropFullTextSql(space: number): string {
  return `DROP TABLE IF EXISTS ${tableOf(space)}`;
}

/** The full-text table of one space over an open database. Holds nothing but prepared statements: make one where needed. */
export class FullTextTable {
  readonly #db: DatabaseSync;
  readonly #table: string;
  readonly #isVisible: string;
  #insert: StatementSync | undefined;
  #remove: StatementSync | undefined;

  /** `hidden` is a table whose `id`s are chunks that a search passes over. */
  constructor(db: DatabaseSync, space: number, { hidden }: { readonly hidden?: string } = {}) {
    this.#db = db;
    this.#table = tableOf(space);
    this.#isVisible = hidden === undefined ? "" : `AND rowid NOT IN (SELECT id FROM ${hidden})`;
  }

  /** Indexes a chunk; its row in `chunks` may come before or after, in the same transaction. */
  insert({ id, title, headings, text }: FullTextRow): void {
    this.#insert ??= this.#db.prepare(`INSERT INTO ${this.#table} (rowid, title, headings, text) VALUES (?, ?, ?, ?)`);
    this.#insert.run(id, title, headings, text);
  }

  /** Takes a chunk out. Every column must be what `insert` was given: FTS5 finds the postings to delete by them. */
  remove({ id, title, headings, text }: FullTextRow): void {
    this.#remove ??= this.#db.prepare(
      `INSERT INTO ${this.#table} (${this.#table}, rowid, title, headings, text) VALUES ('delete', ?, ?, ?, ?)`,
    );
    this.#remove.run(id, title, headings, text);
  }

  /** The best `limit` chunks for a query of `toMatchQuery`, best first, equal scores by id. */
  search(match: string, limit: number): FullTextHit[] {
    checkInteger("limit", limit, { min: 1, max: TEXT_HITS_MAX });
    if (match === "") return [];
    const score = `bm25(${this.#table}, ${COLUMN_WEIGHTS.join(", ")})`;
    const statement = this.#db.prepare(
      `SELECT rowid AS id, -${score} AS bm25 FROM ${this.#table} WHERE ${this.#table} MATCH ? ${this.#isVisible}
       ORDER BY ${score}, rowid LIMIT ?`,
    );
    return statement.all(match, limit) as unknown as FullTextHit[];
  }

  /** The texts of those of `ids` that match, with the matched words marked. */
  mark(match: string, ids: readonly number[]): MarkedHit[] {
    if (match === "" || ids.length === 0) return [];
    const statement = this.#db.prepare(
      `SELECT rowid AS id, highlight(${this.#table}, 2, ?, ?) AS marked FROM ${this.#table}
       WHERE ${this.#table} MATCH ? AND rowid IN (SELECT value FROM json_each(?))`,
    );
    return statement.all(MARK_START, MARK_END, match, JSON.stringify(ids)) as unknown as MarkedHit[];
  }
}

/**
 * A question as an FTS5 query. Words are joined by OR and bm25 sorts them out; stop words go, unless nothing else is left.
 * What stands in double quotes must occur as it stands. An identifier (`SQLITE_MAX_LENGTH`, `db.sublevel`) counts as a whole
 * and by its parts. Every term is quoted, so no FTS5 syntax of the question is ever run. "" when the question has no word.
 */
export function toMatchQuery(question: string): string {
  const phrases: string[] = [];
  const rest = question.normalize("NFC").replace(/"([^"]+)"/g, (_, phrase: string) => {
    const parts = phrase.match(PART);
    if (parts) phrases.push(parts.join(" "));
    return " ";
  });
  const terms = termsOf(rest);
  const required = phrases.slice(0, MATCH_TERMS_MAX).map(quote);
  const optional = [...new Set([...required, ...terms.map(quote)])].slice(0, MATCH_TERMS_MAX).join(" OR ");
  if (required.length === 0) return optional;
  return `${required.join(" AND ")} AND (${optional})`;
}

const PART = /[\p{L}\p{M}\p{N}]+/gu;

function termsOf(text: string): string[] {
  const terms: string[] = [];
  const stops: string[] = [];
  for (const piece of text.split(/\s+/)) {
    const parts = piece.match(PART) ?? [];
    if (parts.length > 1) terms.push(parts.join(" "));
    for (const part of parts) (STOP_WORDS.has(part.toLowerCase()) ? stops : terms).push(part.toLowerCase());
  }
  return terms.length > 0 ? terms : stops;
}

/** Between double quotes FTS5 reads any text as words; a quote inside is doubled. */
function quote(term: string): string {
  return `"${term.replaceAll('"', '""')}"`;
}

function tableOf(space: number): string {
  return `chunk_text_${checkInteger("space", space, { min: 0, max: Number.MAX_SAFE_INTEGER })}`;
}
