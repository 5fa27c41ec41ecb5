/**
 * nDCG@10 and recall@10 of full text, vectors and their fusion over the corpus of make-corpus.ts, with the engine's own parts:
 * @millrace/extract's chunks, SQLite FTS5, the embedding provider, the vector index and the fusion.
 *
 *     node --conditions=source bench/retrieval/evaluate.ts --corpus DIR [--set dev|judge] [--json] [--out FILE]
 *         [--provider static|openai|transformers] [--url URL] [--model NAME] [--model-directory DIR]
 */
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import {
  createFullTextSql,
  createProvider,
  type EmbeddingProvider,
  FullTextTable,
  fuse,
  type ProviderSpec,
  type TextHit,
  toMatchQuery,
  type VectorHit,
} from "@millrace/memory";
import { createIndex, K_MAX } from "@millrace/vector";
import { mean, ndcgAt10, pairedDifference, recallAt10 } from "./measures.ts";
import { gradesOf, type Question, type QuestionSet, readQuestions } from "./questions.ts";
import { type CorpusChunk, readCorpus } from "./read-corpus.ts";

const MODES = ["text", "vector", "hybrid"] as const;
type Mode = (typeof MODES)[number];
/** What one list brings to the fusion, as the engine asks for k = 10. */
const CANDIDATES = 100;
const BATCH = 1_000;

type Searcher = { readonly search: (question: string) => Promise<Record<Mode, readonly number[]>> };

const { values } = parseArgs({
  options: {
    corpus: { type: "string" },
    set: { type: "string", default: "dev" },
    json: { type: "boolean", default: false },
    out: { type: "string" },
    provider: { type: "string", default: "static" },
    url: { type: "string" },
    model: { type: "string" },
    "model-directory": { type: "string" },
  },
});
if (values.corpus === undefined || (values.set !== "dev" && values.set !== "judge")) {
  console.error("usage: evaluate.ts --corpus DIR [--set dev|judge] [--json] [--out FILE] [--provider NAME …]");
  process.exit(2);
}
await main(values.corpus, values.set);

async function main(directory: string, set: QuestionSet): Promise<void> {
  const corpus = await readCorpus(directory);
  const spec = {
    provider: values.provider,
    model: values.model,
    url: values.url,
    modelDirectory: values["model-directory"],
  };
  const provider = await createProvider(spec as ProviderSpec);
  const { searcher, embedMs } = await index(corpus.chunks, provider);
  const questions = await readQuestions(set);
  const perQuestion = [];
  for (const question of questions) perQuestion.push(await judge(question, corpus.chunks, searcher));
  const report = {
    set,
    questions: questions.length,
    documents: corpus.documents,
    failed: corpus.failed,
    chunks: corpus.chunks.length,
    provider: { name: provider.name, model: provider.model, dims: provider.dims },
    embedTextsPerSecond: Math.round(corpus.chunks.length / (embedMs / 1000)),
    machine: { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version },
    ...summaryOf(perQuestion),
    perQuestion,
  };
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(report, null, 1)}\n`);
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
}

/** Full text in SQLite and vectors in the engine's own index. */
async function index(chunks: readonly CorpusChunk[], provider: EmbeddingProvider) {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE chunks (id INTEGER PRIMARY KEY, title TEXT, headings TEXT, text TEXT)");
  db.exec(createFullTextSql(1));
  const table = new FullTextTable(db, 1);
  db.exec("BEGIN");
  chunks.forEach(({ title, headings, text }, id) => {
    table.insert({ id, title, headings: headings.join("\n"), text });
  });
  db.exec("COMMIT");
  const texts = chunks.map(({ title, headings, text }) =>
    [title, ...headings.filter((heading) => heading !== title), text].join("\n"),
  );
  const flat = createIndex({ dims: provider.dims, metric: "cosine" });
  let embedMs = 0;
  for (let at = 0; at < texts.length; at += BATCH) {
    const batch = texts.slice(at, at + BATCH);
    const startedMs = performance.now();
    const vectors = await provider.embed(batch, { kind: "passage" });
    embedMs += performance.now() - startedMs;
    flat.addMany(
      batch.map((_, index) => at + index),
      vectors,
    );
  }

  const searcher: Searcher = {
    async search(question) {
      const texts: TextHit[] = table.search(toMatchQuery(question), CANDIDATES);
      const wanted = new Set(texts.map(({ id }) => id));
      const { ids, scores } = flat.search(await provider.embed([question], { kind: "query" }), K_MAX);
      const all = Array.from(ids, (id, at): VectorHit => ({ id, similarity: scores[at] as number }));
      // As the engine does: the nearest, and the similarity of each text hit that is not among them.
      const vectors = all.filter(({ id }, at) => at < CANDIDATES || wanted.has(id));
      const ranking = (mode: Mode) => fuse(texts, vectors, { provider: provider.name, mode }).map(({ id }) => id);
      const vector = all.slice(0, CANDIDATES).map(({ id }) => id);
      return { text: ranking("text"), vector, hybrid: ranking("hybrid") };
    },
  };
  return { searcher, embedMs };
}

type Judged = {
  readonly id: string;
  readonly kind: Question["kind"];
  readonly ndcg: Record<Mode, number>;
  readonly recall: Record<Mode, number>;
};

async function judge(question: Question, chunks: readonly CorpusChunk[], searcher: Searcher): Promise<Judged> {
  const { grades, missing } = gradesOf(question, chunks);
  for (const { source, contains } of missing)
    console.error(`${question.id}: no chunk of ${source} holds "${contains}"`);
  const found = await searcher.search(question.question);
  const per = (measure: typeof ndcgAt10) =>
    Object.fromEntries(MODES.map((mode) => [mode, measure(found[mode], grades)])) as Record<Mode, number>;
  return { id: question.id, kind: question.kind, ndcg: per(ndcgAt10), recall: per(recallAt10) };
}

function summaryOf(judged: readonly Judged[]) {
  const means = (chosen: readonly Judged[], measure: "ndcg" | "recall") =>
    Object.fromEntries(MODES.map((mode) => [mode, mean(chosen.map((one) => one[measure][mode]))])) as Record<
      Mode,
      number
    >;
  const differences = (other: Mode) => ({
    ndcg: pairedDifference(
      judged.map(({ ndcg }) => ndcg.hybrid),
      judged.map(({ ndcg }) => ndcg[other]),
    ),
    recall: pairedDifference(
      judged.map(({ recall }) => recall.hybrid),
      judged.map(({ recall }) => recall[other]),
    ),
  });
  const kinds = [...new Set(judged.map(({ kind }) => kind))];
  return {
    ndcgAt10: means(judged, "ndcg"),
    recallAt10: means(judged, "recall"),
    byKind: Object.fromEntries(
      kinds.map((kind) => [
        kind,
        means(
          judged.filter((one) => one.kind === kind),
          "ndcg",
        ),
      ]),
    ),
    hybridMinusText: differences("text"),
    hybridMinusVector: differences("vector"),
  };
}

function print(
  report: ReturnType<typeof summaryOf> & { set: string; questions: number; documents: number; chunks: number },
): void {
  const row = (name: string, numbers: Record<Mode, number>) =>
    console.log(name.padEnd(16), ...MODES.map((mode) => numbers[mode].toFixed(4).padStart(8)));
  console.log(`${report.set}: ${report.questions} questions, ${report.documents} documents, ${report.chunks} chunks`);
  console.log("".padEnd(16), ...MODES.map((mode) => mode.padStart(8)));
  row("nDCG@10", report.ndcgAt10);
  row("recall@10", report.recallAt10);
  for (const [kind, numbers] of Object.entries(report.byKind)) row(`  ${kind}`, numbers);
  for (const [name, { ndcg }] of [
    ["text", report.hybridMinusText],
    ["vector", report.hybridMinusVector],
  ] as const)
    console.log(`hybrid − ${name}: ${ndcg.mean.toFixed(4)} (95 % ${ndcg.low.toFixed(4)} … ${ndcg.high.toFixed(4)})`);
}
