/** Generated pages of five sizes, one thread: bytes to a document with text, Markdown and metadata. */
import { extractOwn } from "../extract/own-extractor.ts";
import { type SyntheticKind, synthesizePage } from "../extract/synthetic-page.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { type CallTimes, timeCalls } from "../src/time.ts";

/** Pages of other seeds in turn, so that no call finds its page in the caches of the processor. */
const SEEDS = 16;
/** Bytes read by each measurement: seconds at the rates that are expected. */
const BYTES_READ = 40_000_000;
const CALLS_MAX = 5_000;
const URL_OF_PAGE = "https://mill.example/a/1";

/** Kilobytes, and the milliseconds within which half of the calls must end. */
const SIZES: readonly (readonly [kilobytes: number, p50Ms: number | undefined])[] = [
  [1, 0.1],
  [10, 0.4],
  [50, undefined],
  [100, 2],
  [500, 12],
];

type Pages = Readonly<Record<SyntheticKind, readonly Uint8Array[]>>;

function synthetic([kilobytes, p50Ms]: (typeof SIZES)[number]): BenchCase {
  const bytes = kilobytes * 1_000;
  const calls = Math.min(CALLS_MAX, Math.ceil(BYTES_READ / bytes));
  const bar = p50Ms === undefined ? {} : { bar: p50Ms };
  return defineCase({
    name: `extract/synthetic-${kilobytes}k`,
    title: `a generated page of ${kilobytes} KB; prose: one of nothing but text`,
    unit: "ms",
    figures: {
      p50: { kind: "latency", ...bar },
      p95: { kind: "latency" },
      throughput: { kind: "throughput", unit: "MB/s" },
      proseP50: { kind: "latency", ...bar },
      proseP95: { kind: "latency" },
      proseThroughput: { kind: "throughput", unit: "MB/s" },
      rss: { kind: "latency", unit: "MB" },
    },
    options: { bytes, calls, seeds: SEEDS },
    setup: (): Pages => ({ site: pagesOf(bytes, "site"), prose: pagesOf(bytes, "prose") }),
    run: ({ site, prose }) => {
      const own = measure(site, calls);
      const dear = measure(prose, calls);
      return {
        ...{ p50: own.p50, p95: own.p95, throughput: (own.perSecond * bytes) / 1e6 },
        ...{ proseP50: dear.p50, proseP95: dear.p95, proseThroughput: (dear.perSecond * bytes) / 1e6 },
        rss: process.memoryUsage.rss() / 1e6,
      };
    },
  });
}

function pagesOf(bytes: number, kind: SyntheticKind): Uint8Array[] {
  return Array.from({ length: SEEDS }, (_, at) =>
    new TextEncoder().encode(synthesizePage({ bytes, kind, seed: at + 1 }).html),
  );
}

function measure(
  pages: readonly Uint8Array[],
  calls: number,
): CallTimes & { readonly p50: number; readonly p95: number } {
  const milliseconds = new Float64Array(calls);
  const call = (at: number): void => {
    const bytes = pages[at % pages.length];
    if (!bytes) return;
    const startedMs = performance.now();
    extractOwn({ id: "synthetic", url: URL_OF_PAGE, bytes });
    milliseconds[at] = performance.now() - startedMs;
  };
  const times = timeCalls(calls, call);
  milliseconds.sort();
  const at = (share: number) => milliseconds[Math.ceil(share * calls) - 1] ?? 0;
  return { ...times, p50: at(0.5), p95: at(0.95) };
}

export const cases: readonly BenchCase[] = SIZES.map(synthetic);
