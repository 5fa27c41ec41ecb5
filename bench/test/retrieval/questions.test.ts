import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gradesOf, type Question, readQuestions } from "../../retrieval/questions.ts";

const corpus = JSON.parse(readFileSync(join(import.meta.dirname, "../../retrieval/corpus.json"), "utf8")) as {
  packages: { package: string; files: string[]; license: string; version: string }[];
};
const sources = new Set(
  corpus.packages.flatMap(({ package: name, files }) => files.map((file) => `${name}/${file.replace(/\.gz$/, "")}`)),
);
const sourcesOf = (questions: readonly Question[]) =>
  new Set(questions.flatMap(({ relevant }) => relevant.map(({ source }) => source)));

test("the corpus has at least 200 files, each once, of packages with a version and a licence", () => {
  assert.ok(sources.size >= 200);
  assert.equal(
    sources.size,
    corpus.packages.reduce((sum, { files }) => sum + files.length, 0),
  );
  for (const { version, license } of corpus.packages) assert.ok(version !== "" && license !== "");
});

test("questions ask of files of the corpus, and the two sets of different files", async () => {
  const [dev, judge] = [await readQuestions("dev"), await readQuestions("judge")];
  assert.ok(dev.length >= 30 && judge.length >= 60);
  const all = [...dev, ...judge];
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  for (const source of sourcesOf(all)) assert.ok(sources.has(source), `${source} is not in the corpus`);
  const judged = sourcesOf(judge);
  assert.deepEqual(
    [...sourcesOf(dev)].filter((source) => judged.has(source)),
    [],
  );
});

test("a chunk answers when it is of the source and holds the phrase, white space aside", () => {
  const relevant = [
    { source: "a.md", contains: "two words", grade: 3 },
    { source: "b.md", contains: "gone", grade: 1 },
  ];
  const question: Question = { id: "q", kind: "keyword", question: "?", relevant };
  const chunks = [
    { source: "a.md", text: "has two\n words" },
    { source: "b.md", text: "two words" },
  ];
  const { grades, missing } = gradesOf(question, chunks);
  assert.deepEqual([...grades], [[0, 3]]);
  assert.deepEqual(
    missing.map(({ source }) => source),
    ["b.md"],
  );
});
