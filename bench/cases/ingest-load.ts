/** Observations put on the engine in ever other amounts, batches and lanes. */
import { ingestCase } from "../ingest/ingest-case.ts";
import type { BenchCase } from "../src/case.ts";

const RATES = [10_000, 25_000, 50_000, 100_000, 150_000, 200_000];
const WORKERS = [1, 2];
const BATCHES = [5, 50, 250, 1_000];
const LANES = [1_000, 10_000, 50_000, 100_000];

const short = (count: number) => (count % 1_000 === 0 ? `${count / 1_000}k` : String(count));

export const cases: readonly BenchCase[] = [
  ...RATES.map((rate) =>
    ingestCase({ name: `rate-${short(rate)}`, title: `${short(rate)} observations/s into 8 spaces`, run: { rate } }),
  ),
  ingestCase({
    name: "sustained",
    title: "100,000 observations/s for a minute into 64 spaces and 100 recalls/s, then a minute of rest",
    run: { seconds: 60, recalls: 100, settleSeconds: 60, spaces: 64 },
    // Six million observations in memory are more than `production` gives itself.
    engine: { profile: "high-throughput" },
    bars: {
      ...{ indexed: 99_000, accepted: 99_000, durable: 99_000 },
      ...{ recall: 0.95, searchableP99: 50, recallP99: 20, rssGrowth: 2 },
    },
  }),
  ...WORKERS.map((workers) =>
    ingestCase({
      name: `workers-${workers}`,
      title: `${workers} index ${workers === 1 ? "thread" : "threads"}, more than they can take`,
      run: { rate: 150_000 },
      engine: { workers },
    }),
  ),
  ...BATCHES.map((batch) =>
    ingestCase({ name: `batch-${short(batch)}`, title: `batches of ${batch} observations`, run: { batch } }),
  ),
  ...LANES.map((laneCapacity) =>
    ingestCase({
      name: `lane-${short(laneCapacity)}`,
      title: `a lane that holds ${short(laneCapacity)} observations, and more than the engine can take`,
      run: { rate: 150_000 },
      engine: { laneCapacity },
    }),
  ),
  ingestCase({
    name: "wire",
    title: "over a WebSocket from a process of its own",
    run: { rate: 20_000 },
    isWire: true,
  }),
];
