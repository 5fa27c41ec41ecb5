import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRng, Histogram, type Rng } from "@millrace/core";
import { cacheKey, createPageCache, type PageCache } from "@millrace/extract";
import { defineCase } from "../src/case.ts";

const PAGES = 10_000;
const REQUESTS = 100_000;
/** Compiled code before the clock starts. */
const WARMUP_REQUESTS = 2_000;

type Page = { readonly markdown: string; readonly links: readonly string[] };
type Replay = {
  readonly pages: readonly Page[];
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly ranks: Uint32Array;
  readonly directory: string;
};

/** Ranks by Zipf's law with exponent `alpha`, the first the most frequent. */
function zipf(alpha: number, rng: Rng): Uint32Array {
  const sums = new Float64Array(PAGES);
  let sum = 0;
  for (let rank = 0; rank < PAGES; rank++) {
    sum += (rank + 1) ** -alpha;
    sums[rank] = sum;
  }
  return Uint32Array.from({ length: REQUESTS }, () => firstAbove(sums, rng() * sum));
}

function firstAbove(sums: Float64Array, wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Words with Zipf's frequencies, so that pages compress as text does. */
function textOf(chars: number, rng: Rng): string {
  const words: string[] = [];
  for (let length = 0; length < chars; ) {
    const word = Math.floor(4_000 ** rng())
      .toString(36)
      .padStart(2, "e");
    words.push(word);
    length += word.length + 1;
  }
  return words.join(" ");
}

/** Sizes are log-normal around 8 KB, as extracted pages' are. */
function makePages(rng: Rng): Page[] {
  const text = textOf(4_000_000, rng);
  return Array.from({ length: PAGES }, (_, n) => {
    const gauss = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
    const chars = Math.min(400_000, Math.round(8_000 * Math.exp(gauss)));
    const from = Math.floor(rng() * (text.length - chars));
    return { markdown: `# Page ${n}\n\n${text.slice(from, from + chars)}`, links: [`https://example.com/${n}/next`] };
  });
}

function prepare(alpha: number): Replay {
  const rng = createRng(11);
  const pages = makePages(rng);
  const keys = pages.map((_, n) =>
    cacheKey({ url: `https://example.com/pages/${n}`, options: { mode: "article" }, version: "1" }),
  );
  const bytes = pages.reduce((sum, { markdown }) => sum + markdown.length + 600, 0);
  return { pages, keys, bytes, ranks: zipf(alpha, rng), directory: mkdtempSync(join(tmpdir(), "millrace-bench-")) };
}

/** Hits of a least-recently-used list of the same bytes: what the admission policy is measured against. */
function plainLruHits({ pages, ranks }: Replay, bytesMax: number): number {
  const held = new Map<number, number>();
  let bytes = 0;
  let hits = 0;
  for (const rank of ranks) {
    const weight = held.get(rank) ?? (pages[rank]?.markdown.length ?? 0) + 600;
    if (held.delete(rank)) hits++;
    else bytes += weight;
    held.set(rank, weight);
    for (const [oldest, size] of held) {
      if (bytes <= bytesMax) break;
      held.delete(oldest);
      bytes -= size;
    }
  }
  return hits / ranks.length;
}

/** Nanoseconds of a request by the layer that answered, and of the loop's turns between, in which values are written. */
type Times = {
  readonly memory: Histogram;
  readonly disk: Histogram;
  readonly none: Histogram;
  readonly turn: Histogram;
};

async function play(cache: PageCache<Page>, { pages, keys, ranks }: Replay): Promise<Times> {
  const times: Times = { memory: new Histogram(), disk: new Histogram(), none: new Histogram(), turn: new Histogram() };
  for (const [at, rank] of ranks.entries()) {
    const page = pages[rank];
    const key = keys[rank];
    if (!page || !key) throw new Error(`no page of rank ${rank}`);
    const before = process.hrtime.bigint();
    const { cache: note } = await cache.get(key, async () => ({ value: page }));
    if (at >= WARMUP_REQUESTS) times[note.layer].record(Number(process.hrtime.bigint() - before));
    const between = process.hrtime.bigint();
    await new Promise((resolve) => setImmediate(resolve));
    if (at >= WARMUP_REQUESTS) times.turn.record(Number(process.hrtime.bigint() - between));
  }
  return times;
}

function zipfCase(alpha: number) {
  return defineCase({
    name: `extract/cache-zipf-${alpha * 100}`,
    title: `${REQUESTS} requests over ${PAGES} pages under Zipf's law (${alpha}), memory for a tenth of the bytes, disk for all`,
    unit: "µs",
    figures: {
      hitRate: { kind: "throughput", unit: "%", bar: 85 },
      memoryHitRate: { kind: "throughput", unit: "%" },
      plainLruHitRate: { kind: "plain", unit: "%" },
      memoryP50: { kind: "latency" },
      memoryP99: { kind: "latency" },
      diskP50: { kind: "latency" },
      diskP99: { kind: "latency" },
      missP50: { kind: "latency" },
      missP99: { kind: "latency" },
      turnP999: { kind: "latency" },
    },
    options: { pages: PAGES, requests: REQUESTS, alpha, memoryShare: 0.1 },
    isSelfWarming: true,
    setup: () => prepare(alpha),
    teardown: ({ directory }) => rmSync(directory, { recursive: true, force: true }),
    run: async (replay) => {
      const memoryBytesMax = Math.floor(replay.bytes / 10);
      const directory = mkdtempSync(join(replay.directory, "run-"));
      await using cache = createPageCache<Page>({ memoryBytesMax, disk: { directory } });
      const { memory, disk, none, turn } = await play(cache, replay);
      const { hits, hitRate } = cache.stats();
      const micros = (times: Histogram, share: number) => times.quantile(share) / 1_000;
      return {
        hitRate: hitRate * 100,
        memoryHitRate: (hits.memory / REQUESTS) * 100,
        plainLruHitRate: plainLruHits(replay, memoryBytesMax) * 100,
        memoryP50: micros(memory, 0.5),
        memoryP99: micros(memory, 0.99),
        diskP50: micros(disk, 0.5),
        diskP99: micros(disk, 0.99),
        missP50: micros(none, 0.5),
        missP99: micros(none, 0.99),
        turnP999: micros(turn, 0.999),
      };
    },
  });
}

export const cases = [zipfCase(0.9), zipfCase(1)];
