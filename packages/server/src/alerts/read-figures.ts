import type { Observations } from "@millrace/memory";
import type { Figures } from "./figures.ts";

/** Reads what alerts look at. `deathsOf`: how often each index worker has ended. O(workers × spaces with observations). */
export function readFigures({ ingest }: Observations, deathsOf: (worker: number) => number): Figures {
  const { accepted, durable, searchable, indexed } = ingest.counts;
  const { durableMicros, searchableMicros, waitMicros } = ingest;
  return {
    ...{ accepted, durable, searchable, indexed, durableMicros, searchableMicros, waitMicros },
    refused: [...ingest.refusals.values()].reduce((sum, count) => sum + count, 0),
    logFailures: ingest.logFailures,
    deadLetters: ingest.letters.count,
    depth: ingest.admission.lanes.reduce((sum, { depth }) => sum + depth, 0),
    rssBytes: process.memoryUsage.rss(),
    workers: ingest.workers.figures.map(({ busyMs }, worker) => ({ busyMs, deaths: deathsOf(worker) })),
  };
}
