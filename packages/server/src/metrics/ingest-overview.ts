import type { IngestOverview } from "@millrace/protocol/schemas";
import type { Times } from "../alerts/figures.ts";
import { WINDOW_SHOWN_MS } from "../alerts/limits.ts";
import type { Span } from "../alerts/samples.ts";
import type { Engine } from "../engine.ts";
import { LOG_FIGURES_WAIT_MS } from "../limits.ts";

const PERCENT = 100;

/** How observations fare, every figure measured (I13); rates, latencies and utilisations over the last 10 s. */
export async function readIngest(engine: Engine): Promise<IngestOverview> {
  const { profile, ingest } = engine.memory.ingest;
  const { state, pressure } = ingest.admission;
  const span = engine.watch.alerts.span(WINDOW_SHOWN_MS);
  const { steals, moves, deaths } = ingest.workers;
  return {
    profile: profile.name,
    state,
    pressure,
    windowMs: span?.ms ?? 0,
    rates: ratesOf(span),
    totals: {
      ...ingest.counts,
      refused: [...ingest.refusals.values()].reduce((sum, count) => sum + count, 0),
      deadLetters: ingest.letters.count,
    },
    latency: {
      waitMs: latencyOf(span, "waitMicros"),
      durableMs: latencyOf(span, "durableMicros"),
      searchableMs: latencyOf(span, "searchableMicros"),
    },
    lanes: lanesOf(engine),
    workers: workersOf(engine, span),
    ...{ steals, moves, deaths },
    sessions: ingest.sessionsOpen,
    logBytes: await logBytes(engine),
    indexBytes: indexBytes(engine),
  };
}

function ratesOf(span: Span | undefined): IngestOverview["rates"] {
  const rate = (counter: "accepted" | "durable" | "searchable" | "indexed" | "refused") =>
    span?.perSecond(counter) ?? 0;
  return {
    acceptedPerSecond: rate("accepted"),
    durablePerSecond: rate("durable"),
    searchablePerSecond: rate("searchable"),
    indexedPerSecond: rate("indexed"),
    refusedPerSecond: rate("refused"),
  };
}

function latencyOf(span: Span | undefined, times: Times): IngestOverview["latency"]["waitMs"] {
  if (!span) return { count: 0, p50: 0, p99: 0 };
  return { count: span.records(times), p50: span.quantileMs(times, 0.5), p99: span.quantileMs(times, 0.99) };
}

function lanesOf({ memory }: Engine): IngestOverview["lanes"] {
  const { profile, ingest } = memory.ingest;
  return ingest.admission.lanes.map(({ lane, depth, bytes, drainPerS }) => {
    const { countMax, bytesMax } = profile.limits.lanes[lane];
    return { lane, depth, limit: countMax, bytes, bytesLimit: bytesMax, drainPerSecond: drainPerS };
  });
}

function workersOf({ memory }: Engine, span: Span | undefined): IngestOverview["workers"] {
  const utilisations = span?.utilisations() ?? [];
  return memory.ingest.ingest.workers.figures.map(({ depth, questions, spaces }, worker) => ({
    utilisation: (utilisations[worker] ?? 0) / PERCENT,
    ...{ depth, questions, spaces },
  }));
}

function indexBytes({ memory }: Engine): number {
  const { ingest } = memory.ingest;
  return ingest.spaces().reduce((sum, space) => sum + (ingest.spaceState(space).progress?.bytes ?? 0), 0);
}

/** While the log's thread waits for the disk, what it said last. */
async function logBytes({ memory, meters, clock }: Engine): Promise<number> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(LOG_FIGURES_WAIT_MS, resolve);
  });
  const told = memory.ingest.log.figures().then(
    ({ bytes }) => {
      meters.logBytes = bytes;
    },
    () => {},
  );
  await Promise.race([told, late]).finally(() => cancel());
  return meters.logBytes;
}
