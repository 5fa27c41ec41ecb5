/** What a cache did and holds, for metrics. */
import type { DiskLayer } from "./disk-layer.ts";
import type { MemoryLayer } from "./memory-layer.ts";
import type { Refresher } from "./refresher.ts";

/** Counts since the cache was made. */
export type CacheTally = {
  memory: number;
  disk: number;
  misses: number;
  joined: number;
  loads: number;
  stale: number;
  negative: number;
  bypassed: number;
  faults: number;
};

export type CacheStats = {
  /** Requests answered by each layer, stale ones included. */
  readonly hits: { readonly memory: number; readonly disk: number };
  /** Requests that waited for a load, or found nothing in mode `only`. */
  readonly misses: number;
  /** Of the misses: those that waited for a load already under way. */
  readonly joined: number;
  /** Loads begun, refreshes included. */
  readonly loads: number;
  /** Of the hits: those past their time to live. */
  readonly stale: number;
  readonly refreshes: number;
  readonly refreshFailures: number;
  /** Requests answered with a kept failure. */
  readonly negative: number;
  /** Requests with mode `none`, and values above the size limit. */
  readonly bypassed: number;
  readonly bytes: { readonly memory: number; readonly disk: number };
  readonly entries: { readonly memory: number; readonly disk: number; readonly failures: number };
  readonly evictions: { readonly memory: number; readonly disk: number };
  /** Values that did not reach the disk because too much was on its way. */
  readonly dropped: number;
  /** Faults of the disk layer: damaged, full, busy, started empty. */
  readonly faults: number;
  /** Share of requests answered without waiting for a load; 0 before the first. */
  readonly hitRate: number;
};

export function emptyTally(): CacheTally {
  return {
    memory: 0,
    disk: 0,
    misses: 0,
    joined: 0,
    loads: 0,
    stale: 0,
    negative: 0,
    bypassed: 0,
    faults: 0,
  };
}

type Held = {
  readonly memory: Pick<MemoryLayer<{ readonly bytes: number }>, "bytes" | "size" | "evictions">;
  readonly disk: DiskLayer | undefined;
  readonly refresher: Refresher;
  readonly failures: number;
  readonly dropped: number;
};

export function statsOf(tally: CacheTally, { memory, disk, refresher, failures, dropped }: Held): CacheStats {
  const answered = tally.memory + tally.disk + tally.negative;
  const totals = disk?.totals() ?? { bytes: 0, entries: 0 };
  return {
    hits: { memory: tally.memory, disk: tally.disk },
    misses: tally.misses,
    joined: tally.joined,
    loads: tally.loads,
    stale: tally.stale,
    refreshes: refresher.started,
    refreshFailures: refresher.failed,
    negative: tally.negative,
    bypassed: tally.bypassed,
    bytes: { memory: memory.bytes, disk: totals.bytes },
    entries: { memory: memory.size, disk: totals.entries, failures },
    evictions: { memory: memory.evictions, disk: disk?.evictions ?? 0 },
    dropped,
    faults: tally.faults + (disk?.faults ?? 0),
    hitRate: answered === 0 ? 0 : answered / (answered + tally.misses),
  };
}
