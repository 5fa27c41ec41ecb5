/** One space of 100,000 rows, and one that grows to a million. */
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { openRows } from "../vector/data/data-set.ts";
import { type Contender, MillraceContender } from "../vector/measure/contender.ts";
import { optional, PEER_PREFIX, prefixed } from "../vector/measure/figure-names.ts";
import { type GrowthStep, growIndex } from "../vector/measure/grow.ts";
import { insertRows } from "../vector/measure/insert-rows.ts";
import { loadSetOrNote, openPeerOrNote } from "../vector/measure/or-note.ts";
import type { RowSource } from "../vector/measure/row-source.ts";
import { searchQueries } from "../vector/measure/search-queries.ts";
import { rowsIn, type VectorSet } from "../vector/measure/vector-set.ts";
import { warmUp } from "../vector/measure/warm-up.ts";

const MILLION = 1_000_000;
const STEP_ROWS = 100_000;
const MB = 1024 * 1024;

async function insertOwn(set: VectorSet, workers: number): Promise<Measurement> {
  const contender = new MillraceContender({ dims: set.dims, metric: set.metric, workers });
  const inserted = await insertRows(contender, set);
  const found = await searchQueries(contender, set);
  const bytes = contender.index.bytes / rowsIn(set);
  const notIndexed = rowsIn(set) - contender.index.indexed;
  await contender.close();
  return {
    inserts: inserted.perSecond,
    perCore: inserted.perCore,
    recall: found.recall,
    queries: found.queriesPerSecond,
    bytes,
    notIndexed,
  };
}

const INSERT: Readonly<Record<string, Figure>> = {
  inserts: { kind: "throughput" },
  perCore: { kind: "throughput", unit: "rows/s a core", bar: 35_000 },
  recall: { kind: "throughput", unit: "recall@10" },
  queries: { kind: "throughput", unit: "queries/s" },
  bytes: { kind: "latency", unit: "bytes a row" },
  notIndexed: { kind: "latency", unit: "rows", bar: 0 },
};

/** Builder threads 0: all inside `add`. */
function insertCase(workers: number): BenchCase {
  return defineCase({
    name: workers === 0 ? "vector/insert-100k" : `vector/insert-100k-workers-${workers}`,
    title: `one space of 100,000 embeddings, ${workers === 0 ? "one thread" : `${workers} builder threads`}`,
    unit: "rows/s",
    isSelfWarming: true,
    figures: optional({
      ...INSERT,
      ...(workers === 0
        ? {
            usearchB1Inserts: { kind: "plain", unit: "rows/s a core" },
            usearchB1Recall: { kind: "plain", unit: "recall@10" },
            usearchB1Queries: { kind: "plain", unit: "queries/s" },
          }
        : {}),
    }),
    options: { set: "bge-100k", workers, usearchB1EfConstruction: 32, usearchB1Effort: 100 },
    setup: () => loadSetOrNote("bge-100k"),
    run: async (set) => {
      if (!set) return {};
      await warmUp({ dims: set.dims, metric: set.metric }, set);
      const own = await insertOwn(set, workers);
      return workers === 0 ? { ...own, ...(await insertSigns(set)) } : own;
    },
  });
}

/** The fastest peer: signs, a narrow beam. */
async function insertSigns(set: VectorSet): Promise<Measurement> {
  const peer = await openPeerOrNote("usearch-b1", set, { efConstruction: 32 });
  if (!peer) return {};
  const { perCore } = await insertRows(peer, set);
  peer.setEffort(100);
  const { recall, queriesPerSecond } = await searchQueries(peer, set);
  await peer.close();
  return prefixed(PEER_PREFIX["usearch-b1"], { inserts: perCore, recall, queries: queriesPerSecond });
}

const GROWTH: Readonly<Record<string, Figure>> = {
  inserts: { kind: "throughput" },
  insertsFirst: { kind: "throughput" },
  insertsLast: { kind: "throughput" },
  recall: { kind: "throughput", unit: "recall@10" },
  queriesFirst: { kind: "throughput", unit: "queries/s" },
  queriesLast: { kind: "throughput", unit: "queries/s" },
  p99: { kind: "latency", unit: "ms" },
  rss: { kind: "latency", unit: "MB", bar: 1_331 },
  peakRss: { kind: "latency", unit: "MB" },
};

function growthFigures(steps: readonly GrowthStep[]): Measurement {
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last) return {};
  return {
    inserts: steps.length / steps.reduce((sum, { insertsPerSecond }) => sum + 1 / insertsPerSecond, 0),
    insertsFirst: first.insertsPerSecond,
    insertsLast: last.insertsPerSecond,
    recall: last.recall,
    queriesFirst: first.queriesPerSecond,
    queriesLast: last.queriesPerSecond,
    p99: last.p99Ms,
    rss: last.rssBytes / MB,
    peakRss: (process.resourceUsage().maxRSS * 1024) / MB,
  };
}

type GrowthInput = { readonly source: RowSource; readonly query: Float32Array };

async function openInput(): Promise<GrowthInput | undefined> {
  const real = await loadSetOrNote("bge-768", { queries: 200 });
  if (!real) return undefined;
  const rows = await openRows("bge", { count: MILLION });
  const source = { name: "bge", dims: rows.dims, metric: real.metric, rows: rows.rows };
  return { source, query: real.query };
}

function growthCase(
  name: string,
  title: string,
  open: (input: GrowthInput) => Promise<Contender | undefined>,
): BenchCase {
  return defineCase({
    name,
    title,
    unit: "rows/s",
    isSelfWarming: true,
    figures: optional(GROWTH),
    options: { rows: MILLION, stepRows: STEP_ROWS, dims: 768, data: "bge, seed 1" },
    setup: openInput,
    run: async (input) => {
      const contender = input && (await open(input));
      if (!contender) return {};
      const options = { rows: MILLION, stepRows: STEP_ROWS, query: input.query };
      const steps: GrowthStep[] = [];
      for await (const step of growIndex(contender, input.source, options)) {
        steps.push(step);
        console.error(`${name} ${JSON.stringify(step)}`);
      }
      await contender.close();
      return growthFigures(steps);
    },
  });
}

export const cases: readonly BenchCase[] = [
  insertCase(0),
  insertCase(2),
  growthCase("vector/growth-1m", "one space from 0 to 1,000,000 embeddings, one thread", async ({ source }) => {
    const { dims, metric } = source;
    return new MillraceContender({ dims, metric });
  }),
  growthCase("vector/growth-1m-usearch-b1", "the same by usearch over signs, efConstruction 32", async ({ source }) => {
    const set = { base: new Float32Array(0), dims: source.dims, metric: source.metric };
    return await openPeerOrNote("usearch-b1", set, { capacity: MILLION, efConstruction: 32 });
  }),
];
