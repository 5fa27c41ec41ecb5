import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { createFullTextSql, dropFullTextSql, FullTextTable, toMatchQuery } from "../../src/retrieval/full-text.ts";
import { toHighlights } from "../../src/retrieval/highlights.ts";

type Row = { readonly id: number; readonly title?: string; readonly headings?: string; readonly text: string };

function open(...rows: Row[]): { db: DatabaseSync; table: FullTextTable } {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE chunks (id INTEGER PRIMARY KEY, title TEXT, headings TEXT, text TEXT)");
  db.exec(createFullTextSql(1));
  const table = new FullTextTable(db, 1);
  for (const row of rows) add(db, table, row);
  return { db, table };
}

function add(db: DatabaseSync, table: FullTextTable, { id, title = "", headings = "", text }: Row): void {
  db.prepare("INSERT INTO chunks VALUES (?, ?, ?, ?)").run(id, title, headings, text);
  table.insert({ id, title, headings, text });
}

const found = (table: FullTextTable, question: string) => table.search(toMatchQuery(question), 10).map(({ id }) => id);

test("the best match comes first, inflected words match, scores are positive", () => {
  const { table } = open(
    { id: 1, text: "The cache is purged when an object expires." },
    { id: 2, text: "Purging the cache removes cached objects; purge by ban or by header." },
    { id: 3, text: "Nothing of the kind." },
  );
  const hits = table.search(toMatchQuery("How do I purge caches?"), 10);
  assert.deepEqual(hits.map(({ id }) => id).sort(), [1, 2]);
  assert.ok(hits.every(({ bm25 }) => bm25 > 0));
  assert.ok((hits[0]?.bm25 ?? 0) >= (hits[1]?.bm25 ?? 0));
});

test("a word in the headings or the title finds the chunk", () => {
  const { table } = open(
    { id: 1, headings: "Guide\nReplication", text: "Set two hosts." },
    { id: 2, title: "Backups", text: "Copy the file." },
  );
  assert.deepEqual(found(table, "replication"), [1]);
  assert.deepEqual(found(table, "backup"), [2]);
});

test("an identifier counts as a whole and by its parts", () => {
  const { table } = open(
    { id: 1, text: "The length has a max that sqlite keeps." },
    { id: 2, text: "Raise SQLITE_MAX_LENGTH at compile time." },
  );
  assert.deepEqual(found(table, "SQLITE_MAX_LENGTH"), [2, 1]);
});

test("what stands in quotes must occur as it stands", () => {
  const { table } = open({ id: 1, text: "a slow reader of one stream" }, { id: 2, text: "a reader that is slow" });
  assert.deepEqual(found(table, '"slow reader" stream'), [1]);
  assert.deepEqual(found(table, '"reader slow"'), []);
});

test("a NUL in quotes parts words and is no end of the question", () => {
  const { table } = open({ id: 1, text: "a b" }, { id: 2, text: "b a" });
  assert.deepEqual(found(table, '"a\0b"'), [1]);
});

test("stop words are left out unless there is nothing else", () => {
  assert.equal(toMatchQuery("how to do it"), '"how" OR "to" OR "do" OR "it"');
  assert.equal(toMatchQuery("How do I resume?"), '"resume"');
  assert.equal(toMatchQuery(" … "), "");
});

test("no question is a syntax error, whatever it holds", () => {
  const { table } = open({ id: 1, text: "some text" });
  const question = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc
      .array(
        fc.constantFrom(
          '"',
          "'",
          "*",
          "^",
          "(",
          ")",
          "AND",
          "OR",
          "NOT",
          "NEAR",
          ":",
          "-",
          "+",
          "title:",
          "{",
          "}",
          "a",
          "\0",
          " ",
        ),
      )
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(question, (text) => {
      table.search(toMatchQuery(text), 5);
    }),
    { numRuns: 500 },
  );
});

test("a pasted page asks for a bounded number of words", () => {
  const many = Array.from({ length: 5_000 }, (_, at) => `word${at}`).join(" ");
  assert.equal(toMatchQuery(many).split(" OR ").length, 64);
});

test("a removed chunk is found no more, and a search reads one space only", () => {
  const { db, table } = open({ id: 1, title: "T", headings: "H", text: "alpha" }, { id: 2, text: "alpha beta" });
  db.exec(createFullTextSql(2));
  const other = new FullTextTable(db, 2);
  add(db, other, { id: 3, text: "alpha" });
  table.remove({ id: 1, title: "T", headings: "H", text: "alpha" });
  assert.deepEqual(found(table, "alpha"), [2]);
  assert.deepEqual(found(other, "alpha"), [3]);
  db.exec(dropFullTextSql(2));
  assert.throws(() => found(other, "alpha"), /no such table/);
});

test("matched words are marked at their offsets in the text", () => {
  const text = "Größe: a reader resumes; readers resume.";
  const { table } = open({ id: 1, text }, { id: 2, text: "other" });
  const [hit, ...rest] = table.mark(toMatchQuery("resume reader"), [1, 2, 99]);
  assert.equal(rest.length, 0);
  const marked = toHighlights(hit?.marked ?? "").map(([start, end]) => text.slice(start, end));
  assert.deepEqual(marked, ["reader", "resumes", "readers", "resume"]);
});
