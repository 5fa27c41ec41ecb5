/** How extraction scales with worker threads: generated pages through the extractor, twice as many under way as there are threads. */
import { availableParallelism } from "node:os";
import { createExtractor, type Extractor } from "@millrace/extract";
import { synthesizePage } from "../extract/synthetic-page.ts";
import { type BenchCase, defineCase, type Measurement } from "../src/case.ts";
import { note } from "../src/note.ts";

const BYTES = 100_000;
const SEEDS = 16;
const WORKERS = [1, 2, 4, 8, 16] as const;
const TURNS = 3;
const PAGES_A_TURN = 200;
/** Before the clock starts: until each thread has compiled its hot paths. */
const WARM_UP_PAGES_A_WORKER = 40;
/** Fewest threads that reach this share of the best throughput. */
const KNEE_SHARE = 0.95;

type Round = {
  readonly pagesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly reuseRate: number;
};

/** One extractor of each size, warm; they take turns, so that a slow spell of the machine falls on all of them. */
async function measure(pages: readonly Uint8Array[]): Promise<Round[]> {
  const ways = WORKERS.map((workers) => ({ workers, extractor: createExtractor({ workers }), rates: [0], times: [0] }));
  for (const { workers, extractor } of ways)
    await readAll(extractor, { pages, count: WARM_UP_PAGES_A_WORKER * workers, underWay: workers });
  for (const way of ways) [way.rates, way.times] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { workers, extractor, rates, times } of ways) {
      const startMs = performance.now();
      times.push(...(await readAll(extractor, { pages, count: PAGES_A_TURN, underWay: workers * 2 })));
      rates.push((PAGES_A_TURN * 1_000) / (performance.now() - startMs));
    }
  }
  const rounds = ways.map(({ extractor, rates, times }) => ({
    pagesPerSecond: quantile(rates, 0.5),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    reuseRate: extractor.stats().parse.reuseRate,
  }));
  await Promise.all(ways.map(({ extractor }) => extractor[Symbol.asyncDispose]()));
  return rounds;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length * share)] ?? 0;
}

type Load = { readonly pages: readonly Uint8Array[]; readonly count: number; readonly underWay: number };

/** Milliseconds of each page, from the call to its document. */
async function readAll(extractor: Extractor, { pages, count, underWay }: Load): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const reader = async () => {
    for (let at = next++; at < count; at = next++) {
      const bytes = pages[at % pages.length] ?? new Uint8Array();
      const startMs = performance.now();
      await extractor.extract({ source: `https://mill.example/a/${at}`, bytes, contentType: "text/html" });
      times.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: underWay }, reader));
  return times;
}

function kneeOf(rounds: readonly Round[]): number {
  const best = Math.max(...rounds.map(({ pagesPerSecond }) => pagesPerSecond));
  return WORKERS[rounds.findIndex(({ pagesPerSecond }) => pagesPerSecond >= best * KNEE_SHARE)] ?? 0;
}

const scaling = defineCase({
  name: "extract/workers",
  title: `generated pages of ${BYTES / 1_000} KB through 1, 2, 4, 8 and 16 worker threads, and the knee: the fewest with ${KNEE_SHARE * 100} % of the best`,
  unit: "pages/s",
  isSelfWarming: true,
  figures: {
    ...Object.fromEntries(WORKERS.map((workers) => [`workers${workers}`, { kind: "throughput" as const }])),
    ...Object.fromEntries(WORKERS.map((workers) => [`p50At${workers}`, { kind: "latency" as const, unit: "ms" }])),
    ...Object.fromEntries(WORKERS.map((workers) => [`p99At${workers}`, { kind: "latency" as const, unit: "ms" }])),
    knee: { kind: "plain", unit: "workers" },
    reuseRate: { kind: "throughput", unit: "share", bar: 0.95 },
  },
  options: { bytes: BYTES, pages: TURNS * PAGES_A_TURN, turns: TURNS, seeds: SEEDS, underWayPerWorker: 2 },
  setup: () =>
    Array.from({ length: SEEDS }, (_, at) =>
      new TextEncoder().encode(synthesizePage({ bytes: BYTES, seed: at + 1 }).html),
    ),
  run: async (pages): Promise<Measurement> => {
    const rounds = await measure(pages);
    note(`on ${availableParallelism()} cores, one of them shared with the thread that hands out the pages`);
    const figures = (name: string, value: (round: Round) => number) =>
      Object.fromEntries(rounds.map((round, at) => [`${name}${WORKERS[at]}`, value(round)]));
    return {
      ...figures("workers", ({ pagesPerSecond }) => pagesPerSecond),
      ...figures("p50At", ({ p50 }) => p50),
      ...figures("p99At", ({ p99 }) => p99),
      knee: kneeOf(rounds),
      reuseRate: Math.min(...rounds.map(({ reuseRate }) => reuseRate)),
    };
  },
});

export const cases: readonly BenchCase[] = [scaling];
