import { Histogram } from "@millrace/core";
import { WORKER_REQUESTS_MAX } from "@millrace/memory";
import type { Latency, Overview } from "@millrace/protocol";
import { SOURCES_MAX } from "@millrace/protocol/schemas";
import { STORAGE_CALLS_MAX } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { JOBS_RUNNING_MAX, SOURCES_AT_ONCE } from "../limits.ts";
import { readExtract } from "./extract-overview.ts";
import { readIngest } from "./ingest-overview.ts";
import { readStreamFigures } from "./stream-figures.ts";

/** What the dashboard draws, every figure measured (I13). */
export async function readOverview(engine: Engine, about: { version: string; subscribers: number }): Promise<Overview> {
  const { meters, memory, storage, jobs, clock } = engine;
  const asked = [memory.stats(), engine.reader.count(), memory.totals(), readIngest(engine)] as const;
  const [stats, log, stored, ingest] = await Promise.all(asked);
  const memoryUsage = process.memoryUsage();
  // Each limit is the one that is enforced: past it the queue refuses.
  const queues = {
    sources: { depth: jobs.waiting, limit: JOBS_RUNNING_MAX * SOURCES_MAX },
    extract: { depth: jobs.inWork, limit: SOURCES_AT_ONCE },
    embed: { depth: stats.embedDepth, limit: WORKER_REQUESTS_MAX },
    storage: { depth: storage.depth, limit: STORAGE_CALLS_MAX },
  };
  return {
    version: about.version,
    startedMs: meters.startedMs,
    uptimeMs: clock.now() - meters.startedMs,
    pressure: Math.min(
      1,
      Math.max(storage.depth / STORAGE_CALLS_MAX, jobs.running / JOBS_RUNNING_MAX, ingest.pressure),
    ),
    rates: {
      sourcesPerSecond: meters.sources.perSecond,
      bytesPerSecond: meters.bytes.perSecond,
      documentsPerSecond: meters.documents.perSecond,
      chunksPerSecond: meters.chunks.perSecond,
      eventsPerSecond: meters.events.perSecond,
      framesPerSecond: meters.frames.perSecond,
      deliveriesPerSecond: meters.deliveries.perSecond,
      recallsPerSecond: meters.recalls.perSecond,
    },
    totals: {
      sources: meters.sources.total,
      documents: stored.documents,
      failed: meters.failed.total,
      chunks: stored.chunks,
      bytes: stored.bytes,
      frames: log.frames,
      deliveries: meters.deliveries.total,
      recalls: meters.recalls.total,
      spaces: stats.spaces,
      streams: log.streams,
    },
    latency: {
      extractMs: latencyOf(meters.extractMicros),
      embedMs: latencyOf(merged(stats.embedMicros)),
      consumeMs: latencyOf(engine.sequencer.consumeMicros),
      commitMs: latencyOf(storage.commitMicros),
      projectMs: latencyOf(storage.projectMicros),
      deliverMs: latencyOf(meters.deliverMicros),
      recallMs: latencyOf(stats.recallMicros),
    },
    queues,
    streams: streamsOf(engine),
    process: processOf(engine),
    subscribers: about.subscribers,
    memory: { rssBytes: memoryUsage.rss, heapBytes: memoryUsage.heapUsed, indexBytes: stats.indexBytes },
    jobs: { running: jobs.running },
    ingest,
    extract: readExtract(engine),
    alerts: [...engine.watch.alerts.active],
  };
}

function streamsOf(engine: Engine): Overview["streams"] {
  const { meters } = engine;
  const { evicted, ...figures } = readStreamFigures(engine);
  return { ...figures, evictedFrames: evicted, demotions: meters.demotions, duplicates: meters.duplicates };
}

function processOf({ process }: Engine): Overview["process"] {
  const { gcPauseMicros, loopDelayMs, allocatedBytesPerSecond } = process;
  return { gcPauseMs: latencyOf(gcPauseMicros), loopDelayMs, allocatedBytesPerSecond };
}

export function merged(histograms: readonly Histogram[]): Histogram {
  const all = new Histogram();
  for (const histogram of histograms) all.merge(histogram);
  return all;
}

function latencyOf(micros: Histogram): Latency {
  return {
    count: micros.count,
    p50: micros.quantile(0.5) / 1000,
    p95: micros.quantile(0.95) / 1000,
    p99: micros.quantile(0.99) / 1000,
  };
}
