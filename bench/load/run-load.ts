import { setTimeout as sleep } from "node:timers/promises";
import type { FromGenerator, GeneratorReport, LoadPlan } from "./generator-messages.ts";
import { GeneratorProcess } from "./generator-process.ts";
import { LatencyTable } from "./latency-table.ts";
import { DRAIN_MS_MAX, START_MS } from "./limits.ts";
import { nowMicros } from "./now.ts";
import { cpuMicrosOf, rssBytesOf } from "./process-meter.ts";
import { type SpawnedServer, spawnServer } from "./spawn-server.ts";
import { chooseTarget } from "./targets/choose-target.ts";

export type LoadOptions = Omit<LoadPlan, "streams"> & {
  readonly subscribers: number;
  readonly streams: number;
  readonly generators: number;
  /** When readers see a frame; absent: as the server is set. */
  readonly mode?: "strict" | "relaxed";
  /** A server that runs already, and its process. */
  readonly url?: string;
  readonly pid?: number;
};

/** What a run measured. Deliveries are those of frames whose sending was intended in the measured time; latency is from that intended time. */
export type LoadResult = {
  readonly deliveriesPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  /** Of the server's process, all threads, user and system; null when its process is not known. */
  readonly cpuMicrosPerDelivery: number | null;
  /** Most memory the server's process had; null when its process is not known. */
  readonly rssMb: number | null;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly subscribers: number;
  /** Frames published, warm-up included. */
  readonly sent: number;
  readonly deliveries: number;
  /** Subscribers the server cut off, and why the first was. */
  readonly cut: number;
  readonly cutReason?: string;
  /** Frames whose append was answered, measured ones only, by the measured seconds. */
  readonly ackedPerSecond: number;
  /** From the intended time of an append to its answer. */
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** How late the generator sent: a part of the latency that is not the server's. */
  readonly lateMs: { readonly p50: number; readonly p99: number };
  /** Cores used while measured: the busiest generator, and the server with all its threads. A generator near 1 was the limit. */
  readonly generatorCpu: number;
  readonly serverCpu: number | null;
};

/** Time between "all follow" and the first frame, for every process to be told. */
const START_LEAD_MICROS = 50_000;

/** Done to a server while it is measured, from the first measured frame on; `signal` aborts when writing is over. */
export type Disturbance = (server: SpawnedServer, signal: AbortSignal) => Promise<void>;

/** One run: a server and generators, each a process of its own. */
export async function runLoad(options: LoadOptions, disturb?: Disturbance): Promise<LoadResult> {
  const { url, pid, mode, target } = options;
  if (url !== undefined) return runAgainst({ url, ...(pid === undefined ? {} : { pid }) }, options);
  await using server = await spawnServer({ target, serveArgs: mode === undefined ? [] : ["--stream-mode", mode] });
  return await runAgainst(server, options, disturb && ((signal) => disturb(server, signal)));
}

async function runAgainst(
  { url, pid }: { readonly url: string; readonly pid?: number },
  options: LoadOptions,
  disturb: (signal: AbortSignal) => Promise<void> = async () => {},
): Promise<LoadResult> {
  const { subscribers, generators: parts, warmupSeconds, seconds } = options;
  await using stack = new AsyncDisposableStack();
  const generators = Array.from({ length: parts }, () => stack.use(new GeneratorProcess()));
  const run = `load-${Date.now().toString(36)}`;
  const streams = Array.from({ length: options.streams }, (_, at) => `${run}-${at}`);
  await chooseTarget(options).prepare?.(new URL(url), streams);
  for (const [part, generator] of generators.entries()) {
    generator.tell({ kind: "open", options: { ...options, streams, url, subscribers, part, parts } });
  }
  await Promise.all(generators.map((generator) => generator.wait("following", START_MS)));
  const startMicros = nowMicros() + START_LEAD_MICROS;
  for (const generator of generators) generator.tell({ kind: "go", startMicros });
  const measureFromMicros = startMicros + warmupSeconds * 1e6;
  const measuring = sleep(Math.max(0, (measureFromMicros - nowMicros()) / 1_000));
  const cpuBefore = measuring.then(() => pid && cpuMicrosOf(pid));
  const over = new AbortController();
  const disturbed = measuring.then(() => disturb(over.signal));
  const [writing] = generators;
  if (!writing) throw new RangeError("a run has at least one generator");
  // Seen below unless the run has failed before.
  disturbed.catch(() => {});
  const writingMs = (warmupSeconds + seconds) * 1_000 + START_MS;
  const written = await writing.wait("written", writingMs).finally(() => over.abort());
  await disturbed;
  for (const generator of generators) generator.tell({ kind: "drain", heads: written.heads });
  const reports = await Promise.all(
    generators.map(async (generator) => (await generator.wait("report", DRAIN_MS_MAX + START_MS)).report),
  );
  const cpuMicros = usedSince(await cpuBefore, pid);
  const wallMicros = nowMicros() - measureFromMicros;
  return summarise({ written, reports, subscribers, seconds, measureFromMicros, wallMicros, cpuMicros, pid });
}

function usedSince(before: number | undefined, pid: number | undefined): number | undefined {
  const after = pid === undefined ? undefined : cpuMicrosOf(pid);
  return before === undefined || after === undefined ? undefined : after - before;
}

type Measured = {
  readonly written: Extract<FromGenerator, { kind: "written" }>;
  readonly reports: readonly GeneratorReport[];
  readonly subscribers: number;
  readonly seconds: number;
  readonly measureFromMicros: number;
  readonly wallMicros: number;
  readonly cpuMicros: number | undefined;
  readonly pid: number | undefined;
};

function summarise({
  written,
  reports,
  subscribers,
  seconds,
  measureFromMicros,
  wallMicros,
  cpuMicros,
  pid,
}: Measured): LoadResult {
  const latencies = new LatencyTable();
  for (const report of reports) latencies.add(report.latencies);
  const sum = (of: (report: GeneratorReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const lastMicros = Math.max(measureFromMicros, ...reports.map(({ lastDeliveryMicros }) => lastDeliveryMicros));
  const deliveries = latencies.count;
  const measuredSeconds = (lastMicros - measureFromMicros) / 1e6;
  const rss = pid === undefined ? undefined : rssBytesOf(pid, "peak");
  const cutReason = reports.find((report) => report.cutReason !== undefined)?.cutReason;
  return {
    deliveriesPerSecond: measuredSeconds > 0 ? Math.round(deliveries / measuredSeconds) : 0,
    latencyMs: { p50: latencies.quantileMs(0.5), p99: latencies.quantileMs(0.99) },
    cpuMicrosPerDelivery: cpuMicros === undefined || deliveries === 0 ? null : round(cpuMicros / deliveries),
    rssMb: rss === undefined ? null : round(rss / 1024 ** 2),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    reordered: sum(({ reordered }) => reordered),
    subscribers,
    sent: written.sent,
    deliveries,
    cut: sum(({ cut }) => cut),
    ...(cutReason === undefined ? {} : { cutReason }),
    ackedPerSecond: Math.round(written.acked / seconds),
    ackMs: written.ackMs,
    lateMs: written.lateMs,
    generatorCpu: round(Math.max(...reports.map(({ cpuShare }) => cpuShare))),
    serverCpu: cpuMicros === undefined ? null : round(cpuMicros / wallMicros),
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
