/** Durable appends over a connection, beside Redis, NATS JetStream and the Durable Streams server in the same run. */
import { type AppendLoad, type AppendRate, measureAppends } from "../load/measure-appends.ts";
import { openPublisher } from "../load/publisher.ts";
import { spawnServer } from "../load/spawn-server.ts";
import type { Target } from "../load/target.ts";
import { durableStreamsTarget } from "../load/targets/durable-streams.ts";
import { millraceTarget } from "../load/targets/millrace.ts";
import type { Peer } from "../peers/spawn-peer.ts";
import { type BenchCase, defineCase } from "../src/case.ts";
import { note } from "../src/note.ts";

const STREAMS = 8;
const BYTES = 200;

async function measureServer(
  target: "millrace" | "durable-streams",
  wire: Target,
  load: AppendLoad,
): Promise<AppendRate> {
  await using server = await spawnServer({ target });
  const url = new URL(server.url);
  await wire.prepare?.(url, load.streams);
  return await measureAppends({ ...load, appendsMax: wire.appendsMax }, (events) =>
    openPublisher(url, wire.publish, events),
  );
}

type PeerKind = "redis-always" | "redis-everysec" | "nats";

async function spawn(kind: PeerKind): Promise<Peer | undefined> {
  if (kind === "nats") return (await import("../peers/nats.ts")).spawnNats();
  return (await import("../peers/redis.ts")).spawnRedis(kind === "redis-always" ? "always" : "everysec");
}

/** Undefined when the peer is not on this machine, which the result says. */
async function measurePeer(kind: PeerKind, load: AppendLoad): Promise<AppendRate | undefined> {
  await using peer = await spawn(kind);
  if (!peer) {
    note(`peer missing: ${kind} (install ${kind === "nats" ? "nats-server" : "redis-server"})`);
    return undefined;
  }
  const { openNats } = await import("../peers/nats.ts");
  const { openRedis } = await import("../peers/redis.ts");
  const open = kind === "nats" ? openNats : openRedis;
  return await measureAppends(load, (events) => open(peer.port, events));
}

const optional = { isOptional: true } as const;

function wireCase(batch: number, inFlight: number): BenchCase {
  const streams = Array.from({ length: STREAMS }, (_, at) => `append-${at}`);
  const load: AppendLoad = { streams, batch, inFlight, seconds: 3, warmupSeconds: 1, bytes: BYTES };
  const isBarred = batch > 1;
  return defineCase({
    name: `stream/append-wire-${batch}x${inFlight}`,
    title: `durable append of ${batch} events of ${BYTES} B a call over a WebSocket, ${inFlight} calls in flight, beside peers`,
    unit: "frames/s",
    isSelfWarming: true,
    figures: {
      frames: { kind: "throughput", ...(isBarred ? { bar: 80_000 } : {}) },
      p50: { kind: "latency", unit: "ms" },
      p99: { kind: "latency", unit: "ms", ...(isBarred ? { bar: 10 } : {}) },
      redisAlways: { kind: "plain", ...optional },
      redisAlwaysP99: { kind: "plain", unit: "ms", ...optional },
      redisEverysec: { kind: "plain", ...optional },
      nats: { kind: "plain", ...optional },
      natsP99: { kind: "plain", unit: "ms", ...optional },
      durableStreams: { kind: "plain" },
      durableStreamsP99: { kind: "plain", unit: "ms" },
      overRedisAlways: { kind: "throughput", unit: "×", ...optional },
      overNats: { kind: "throughput", unit: "×", ...optional },
    },
    options: { batch, inFlight, streams: STREAMS, bytes: BYTES, seconds: load.seconds },
    setup: () => undefined,
    run: async () => {
      const target = millraceTarget({ transport: "ws", writer: "ws", format: "frames", ack: "durable" });
      const own = await measureServer("millrace", target, load);
      const always = await measurePeer("redis-always", load);
      const everysec = await measurePeer("redis-everysec", load);
      const nats = await measurePeer("nats", load);
      const other = await measureServer("durable-streams", durableStreamsTarget, load);
      const { framesPerSecond, p50Ms, p99Ms } = own;
      if (nats) note("nats answers before it syncs to disk (every two minutes): not as durable as the others");
      return {
        frames: framesPerSecond,
        p50: p50Ms,
        p99: p99Ms,
        ...(always && {
          redisAlways: always.framesPerSecond,
          redisAlwaysP99: always.p99Ms,
          overRedisAlways: framesPerSecond / always.framesPerSecond,
        }),
        ...(everysec && { redisEverysec: everysec.framesPerSecond }),
        ...(nats && {
          nats: nats.framesPerSecond,
          natsP99: nats.p99Ms,
          overNats: framesPerSecond / nats.framesPerSecond,
        }),
        durableStreams: other.framesPerSecond,
        durableStreamsP99: other.p99Ms,
      };
    },
  });
}

/** At most 1,024 frames are in flight: what a latency means when a queue does not make it. */
export const cases: readonly BenchCase[] = [
  wireCase(1, 64),
  wireCase(1, 1_024),
  wireCase(16, 8),
  wireCase(16, 64),
  wireCase(256, 2),
  wireCase(256, 4),
];
