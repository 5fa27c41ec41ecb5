import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { createStaticProvider } from "../../src/embedding/static-provider.ts";
import { createFullTextSql, FullTextTable, toMatchQuery } from "../../src/retrieval/full-text.ts";
import { type Fused, fuse, type VectorHit } from "../../src/retrieval/fusion.ts";

/** Ten small documents and what is asked of them: by other words than theirs, and by their very words. */
const QUESTIONS: readonly (readonly [question: string, document: string])[] = [
  ["How do I save everything in case the disk fails?", "backups.md"],
  ["shut down the daemon and reboot it", "restart.md"],
  ["a person cannot log in any more because the credentials are lost", "passwords.md"],
  ["MAX_UPLOAD_BYTES", "limits.md"],
  ["too_large", "limits.md"],
  ["99th percentile", "latency.md"],
  ["when should vegetables be harvested", "garden.md"],
  ["cooking a loaf", "bread.md"],
  ["maintaining a bike", "cycling.md"],
  ["railway journey with kids", "travel.md"],
  ["synchronise time between computers", "clocks.md"],
];

const directory = join(import.meta.dirname, "../fixtures/retrieval");
const documents = readdirSync(directory).sort();
const provider = createStaticProvider();
const db = new DatabaseSync(":memory:");
let vectors: Float32Array;

before(async () => {
  db.exec("CREATE TABLE chunks (id INTEGER PRIMARY KEY, title TEXT, headings TEXT, text TEXT)");
  db.exec(createFullTextSql(1));
  const texts = documents.map((name) => readFileSync(join(directory, name), "utf8"));
  const table = new FullTextTable(db, 1);
  texts.forEach((text, id) => {
    table.insert({ id, title: "", headings: "", text });
  });
  vectors = await provider.embed(texts, { kind: "passage" });
});

async function recall(question: string, mode: "hybrid" | "text" | "vector"): Promise<Fused[]> {
  const query = await provider.embed([question], { kind: "query" });
  const similar: VectorHit[] = documents.map((_, id) => {
    let similarity = 0;
    for (let dim = 0; dim < provider.dims; dim++)
      similarity += (query[dim] as number) * (vectors[id * provider.dims + dim] as number);
    return { id, similarity };
  });
  const texts = new FullTextTable(db, 1).search(toMatchQuery(question), 10);
  return fuse(texts, similar, { provider: provider.name, mode });
}

async function reciprocalRank(mode: "hybrid" | "text" | "vector"): Promise<number> {
  let sum = 0;
  for (const [question, document] of QUESTIONS) {
    const at = (await recall(question, mode)).findIndex(({ id }) => documents[id] === document);
    sum += at < 0 ? 0 : 1 / (at + 1);
  }
  return sum / QUESTIONS.length;
}

test("each question finds its document among the first three", async () => {
  for (const [question, document] of QUESTIONS) {
    const first = (await recall(question, "hybrid")).slice(0, 3).map(({ id }) => documents[id]);
    assert.ok(first.includes(document), `"${question}" found ${first}`);
  }
});

test("the fusion is well above full text where questions are put in other words", async () => {
  const [hybrid, text] = [await reciprocalRank("hybrid"), await reciprocalRank("text")];
  assert.ok(hybrid > text + 0.2, `hybrid ${hybrid}, text ${text}`);
  assert.ok(hybrid > 0.8, `hybrid ${hybrid}`);
});

test("a document that full text has no word of is found by its meaning", async () => {
  const [first] = await recall("railway journey with kids", "hybrid");
  assert.equal(documents[first?.id ?? -1], "travel.md");
  assert.deepEqual(await recall("railway journey with kids", "text"), []);
});
