/** One index from nothing to a million rows: what an insert, a search and a row's memory cost at each size. */
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Contender } from "./contender.ts";
import { addRows } from "./insert-rows.ts";
import { NearestSoFar } from "./nearest-so-far.ts";
import type { RowSource } from "./row-source.ts";
import { K, rateOf, timeSearches } from "./search-queries.ts";
import { type Spent, spend } from "./spend.ts";

/** Rows made at a time: 25 MB of 768 dimensions, so that the input weighs little in the process's memory. */
const PIECE_ROWS = 8_192;
/** Queries whose exact answers are kept up with: the standard error of a recall of 0.95 is below 0.02. */
const EXACT_QUERIES = 16;

export type GrowOptions = {
  readonly rows: number;
  /** Rows of one step; after each the index is searched. */
  readonly stepRows: number;
  /** Queries that searches are timed with; recall is that of the first 16. */
  readonly query: Float32Array;
};

export type GrowthStep = {
  /** Rows in the index. */
  readonly rows: number;
  /** Of this step alone, by the clock, until all were indexed. */
  readonly insertsPerSecond: number;
  /** The same by processor time. */
  readonly insertsPerCore: number;
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly recall: number;
  /** Memory of the whole process, its code and the piece of input included. */
  readonly rssBytes: number;
};

/**
 * Steps until all rows are indexed. Making the rows is in no figure; a contender that builds in the background would work meanwhile
 * and so appear too fast.
 */
export async function* growIndex(
  contender: Contender,
  source: RowSource,
  options: GrowOptions,
): AsyncGenerator<GrowthStep> {
  const { dims, metric } = source;
  const exactQuery = options.query.subarray(0, EXACT_QUERIES * dims);
  const nearest = new NearestSoFar(exactQuery, { dims, metric, k: K });
  for (let from = 0; from < options.rows; from += options.stepRows) {
    const until = Math.min(options.rows, from + options.stepRows);
    const { seconds, cpuSeconds } = await addStep(contender, { source, nearest, from, until });
    const timed = await timeSearches(contender, { query: options.query, dims });
    yield {
      ...rateOf(nearest.recallOf(timed.found.slice(0, exactQuery.length / dims)), [timed]),
      rows: until,
      insertsPerSecond: (until - from) / seconds,
      insertsPerCore: (until - from) / cpuSeconds,
      rssBytes: await residentBytes(),
    };
  }
}

type Step = {
  readonly source: RowSource;
  readonly nearest: NearestSoFar;
  readonly from: number;
  readonly until: number;
};

async function addStep(contender: Contender, { source, nearest, from, until }: Step): Promise<Spent> {
  const spent = [];
  for (let at = from; at < until; at += PIECE_ROWS) {
    const base = await source.rows(at, Math.min(PIECE_ROWS, until - at));
    nearest.add(at, base);
    spent.push(await spend(() => addRows(contender, { base, dims: source.dims }, { firstId: at })));
  }
  spent.push(await spend(() => contender.finish()));
  return {
    seconds: spent.reduce((sum, { seconds }) => sum + seconds, 0),
    cpuSeconds: spent.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Resident memory of what is in use: segments that were copied to their size are garbage until some collections later. */
async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await setImmediate();
  }
  return process.memoryUsage.rss();
}
