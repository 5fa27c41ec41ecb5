/** Fan-out over real sockets: the server and the load generator are processes of their own (bench/load). */
import { LOAD_DEFAULTS } from "../load/load-defaults.ts";
import { type LoadOptions, type LoadResult, runLoad } from "../load/run-load.ts";
import type { TargetName } from "../load/targets/choose-target.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { note } from "../src/note.ts";

const RATE = 50;
/** Below this the generator had cores to spare. */
const GENERATOR_CPU_MAX = 0.95;

function brokenOf({ lost, duplicated, reordered }: LoadResult): number {
  return lost + duplicated + reordered;
}

function noteGenerator(name: string, { generatorCpu, serverCpu }: LoadResult): void {
  if (generatorCpu < GENERATOR_CPU_MAX) return;
  note(
    `${name}: the generator used a whole core in some run (the server ${serverCpu?.toFixed(1) ?? "?"}): it was a limit as well`,
  );
}

function pacedCase(transport: "ws" | "sse", subscribers: number): BenchCase {
  const options: LoadOptions = { ...LOAD_DEFAULTS, transport, subscribers, rate: RATE, batch: 1 };
  const isBarred = subscribers === 1_000;
  return defineCase({
    name: `stream/paced-${transport}-${subscribers}`,
    title: `1 writer at ${RATE}/s to ${subscribers} ${transport === "ws" ? "WebSocket" : "SSE"} subscribers, from intended send to receipt`,
    unit: "ms",
    isSelfWarming: true,
    figures: {
      p50: { kind: "latency", ...(isBarred ? { bar: 2 } : {}) },
      p99: { kind: "latency", ...(isBarred ? { bar: 6 } : {}) },
      cpu: { kind: "latency", unit: "µs/delivery" },
      rss: { kind: "latency", unit: "MB" },
      broken: { kind: "latency", unit: "frames", bar: 0 },
      generatorCpu: { kind: "plain", unit: "cores" },
      ...(transport === "ws" ? { plainWsP50: { kind: "plain" as const }, plainWsP99: { kind: "plain" as const } } : {}),
    },
    options: { ...toCaseOptions(options) },
    setup: () => undefined,
    run: async () => {
      const result = await runLoad(options);
      // A loop over bare sockets that keeps nothing: what the system calls alone cost.
      const floor = transport === "ws" ? await runLoad({ ...options, target: "plain-ws" }) : undefined;
      return {
        ...(floor ? { plainWsP50: floor.latencyMs.p50, plainWsP99: floor.latencyMs.p99 } : {}),
        p50: result.latencyMs.p50,
        p99: result.latencyMs.p99,
        cpu: result.cpuMicrosPerDelivery ?? 0,
        rss: result.rssMb ?? 0,
        broken: brokenOf(result),
        generatorCpu: result.generatorCpu,
      };
    },
  });
}

function toCaseOptions({ target, ...options }: LoadOptions): Record<string, string | number> {
  return { ...options, target };
}

const SATURATED: LoadOptions = { ...LOAD_DEFAULTS, subscribers: 500, rate: 0, seconds: 4 };
const PEERS = ["durable-streams", "durable-streams-memory", "socket-io", "plain-ws"] as const satisfies TargetName[];

/** Millrace before and after its peers, so that a machine that slows down during the run slows both: A B C D E A. */
const saturated = defineCase({
  name: "stream/saturated-500",
  title: "500 subscribers given all they take, over sockets, beside the peers in the same run",
  unit: "deliveries/s",
  isSelfWarming: true,
  figures: {
    ws: { kind: "throughput", bar: 300_000 },
    sse: { kind: "throughput", bar: 300_000 },
    durableStreams: { kind: "plain" },
    durableStreamsMemory: { kind: "plain" },
    socketIo: { kind: "plain" },
    plainWs: { kind: "plain" },
    sseOverDurableStreams: { kind: "throughput", unit: "×", bar: 10 },
    sseOverDurableStreamsMemory: { kind: "throughput", unit: "×", bar: 10 },
    wsOverSocketIo: { kind: "throughput", unit: "×", bar: 10 },
    wsOverPlainWs: { kind: "throughput", unit: "×" },
    wsCpu: { kind: "latency", unit: "µs/delivery" },
    sseCpu: { kind: "latency", unit: "µs/delivery" },
    durableStreamsMemoryCpu: { kind: "plain", unit: "µs/delivery" },
    socketIoCpu: { kind: "plain", unit: "µs/delivery" },
    plainWsCpu: { kind: "plain", unit: "µs/delivery" },
    wsP99: { kind: "latency", unit: "ms" },
    wsRss: { kind: "latency", unit: "MB" },
    broken: { kind: "latency", unit: "frames", bar: 0 },
    generatorCpu: { kind: "plain", unit: "cores" },
  },
  options: toCaseOptions(SATURATED),
  setup: () => undefined,
  run: async () => {
    const first = await runLoad(SATURATED);
    const sse = await runLoad({ ...SATURATED, transport: "sse" });
    const peers = new Map<TargetName, LoadResult>();
    for (const target of PEERS) peers.set(target, await runLoad({ ...SATURATED, target }));
    const second = await runLoad(SATURATED);
    for (const [target, result] of peers) noteGenerator(target, result);
    noteGenerator("millrace", first.generatorCpu > second.generatorCpu ? first : second);
    const of = (target: TargetName) => peers.get(target)?.deliveriesPerSecond ?? Number.NaN;
    const cpuOf = (target: TargetName) => peers.get(target)?.cpuMicrosPerDelivery ?? 0;
    const mean = (figure: (result: LoadResult) => number) => (figure(first) + figure(second)) / 2;
    const ws = mean(({ deliveriesPerSecond }) => deliveriesPerSecond);
    return {
      ws,
      sse: sse.deliveriesPerSecond,
      durableStreams: of("durable-streams"),
      durableStreamsMemory: of("durable-streams-memory"),
      socketIo: of("socket-io"),
      plainWs: of("plain-ws"),
      sseOverDurableStreams: sse.deliveriesPerSecond / of("durable-streams"),
      sseOverDurableStreamsMemory: sse.deliveriesPerSecond / of("durable-streams-memory"),
      wsOverSocketIo: ws / of("socket-io"),
      wsOverPlainWs: ws / of("plain-ws"),
      wsCpu: mean(({ cpuMicrosPerDelivery }) => cpuMicrosPerDelivery ?? 0),
      sseCpu: sse.cpuMicrosPerDelivery ?? 0,
      durableStreamsMemoryCpu: cpuOf("durable-streams-memory"),
      socketIoCpu: cpuOf("socket-io"),
      plainWsCpu: cpuOf("plain-ws"),
      wsP99: mean(({ latencyMs }) => latencyMs.p99),
      wsRss: Math.max(first.rssMb ?? 0, second.rssMb ?? 0),
      broken: [first, sse, second].reduce((total, result) => total + brokenOf(result), 0),
      generatorCpu: Math.max(first.generatorCpu, second.generatorCpu, sse.generatorCpu),
    };
  },
});

const SIZES = [1, 10, 100, 1_000];

export const cases: readonly BenchCase[] = [
  ...SIZES.map((subscribers) => pacedCase("ws", subscribers)),
  ...SIZES.map((subscribers) => pacedCase("sse", subscribers)),
  saturated,
];
