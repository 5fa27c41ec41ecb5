import { Histogram } from "@millrace/core";
import type { Contender } from "./contender.ts";
import { type FoundIds, recallAt } from "./recall.ts";
import { rowOf, rowsIn, type VectorSet } from "./vector-set.ts";

/** Results of a search: recall@10 is what is measured. */
export const K = 10;

/** Fewest queries that a point is measured with, whatever they cost. */
const QUERIES_MIN = 50;

export type SearchOptions = {
  /** Seconds after which no further query is made. Default 2. */
  readonly secondsMax?: number;
  /** Seconds before which the queries are gone through again. Default 0: once. */
  readonly secondsMin?: number;
};

/** One thread, one query after the other. */
export type SearchRate = {
  readonly recall: number;
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Searches timed. */
  readonly queries: number;
};

/** Searches with the set's queries as the contender is set, after as many unmeasured ones as one pass has, at most 200. */
export async function searchQueries(
  contender: Pick<Contender, "search">,
  set: VectorSet,
  options: SearchOptions = {},
): Promise<SearchRate> {
  const count = rowsIn({ base: set.query, dims: set.dims });
  for (let at = 0; at < Math.min(count, 200); at++) {
    const made = contender.search(rowOf(set.query, at, set.dims), K);
    if (made instanceof Promise) await made;
  }
  const timed = await timeSearches(contender, set, options);
  return rateOf(recallAt(K, set, timed.found), [timed]);
}

/** The rate of searches of one thread, or of several that took turns. */
export function rateOf(recall: number, parts: readonly TimedSearches[]): SearchRate {
  const times = new Histogram();
  let seconds = 0;
  for (const part of parts) {
    seconds += part.seconds;
    for (const one of part.nanoseconds) times.record(one);
  }
  return {
    recall,
    queriesPerSecond: times.count / seconds,
    p50Ms: times.quantile(0.5) / 1e6,
    p99Ms: times.quantile(0.99) / 1e6,
    queries: times.count,
  };
}

/** What the first pass found, and the time of each search. Plain, so that threads can send it. */
export type TimedSearches = {
  readonly found: FoundIds;
  readonly nanoseconds: readonly number[];
  readonly seconds: number;
};

/** The searches alone, without a warm-up. */
export async function timeSearches(
  contender: Pick<Contender, "search">,
  { query, dims }: Pick<VectorSet, "query" | "dims">,
  { secondsMax = 2, secondsMin = 0 }: SearchOptions = {},
): Promise<TimedSearches> {
  const count = query.length / dims;
  const found: Uint32Array[] = [];
  const nanoseconds: number[] = [];
  const startedMs = performance.now();
  let endedMs = startedMs;
  for (let made = 0; ; made++) {
    const elapsed = (endedMs - startedMs) / 1_000;
    if (made >= count && elapsed >= secondsMin) break;
    if (made >= Math.min(count, QUERIES_MIN) && elapsed >= secondsMax) break;
    const beforeMs = performance.now();
    const answer = contender.search(rowOf(query, made % count, dims), K);
    const ids = answer instanceof Promise ? await answer : answer;
    endedMs = performance.now();
    nanoseconds.push((endedMs - beforeMs) * 1e6);
    if (made < count) found.push(ids);
  }
  return { found, nanoseconds, seconds: (endedMs - startedMs) / 1_000 };
}
