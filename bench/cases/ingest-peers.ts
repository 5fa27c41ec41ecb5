/** The engine beside other indexes behind an equal durable log, in the same run: same vectors, same batches. */
import { MillraceError } from "@millrace/core";
import type { PeerFigures } from "../ingest/durable-peer.ts";
import { batchFor } from "../ingest/ingest-options.ts";
import type { IngestRun } from "../ingest/run-ingest.ts";
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { note } from "../src/note.ts";
import { optional, overName, PEER_PREFIX, prefixed } from "../vector/measure/figure-names.ts";
import { loadSetOrNote } from "../vector/measure/or-note.ts";
import { shareSet, type VectorSet } from "../vector/measure/vector-set.ts";
import type { PeerName } from "../vector/peers/peer.ts";

const PEERS: readonly PeerName[] = ["usearch-f32", "lancedb", "hnswlib-node"];
/** The bar of the two that the engine is compared with; the third is shown. */
const BARS: Partial<Record<PeerName, number>> = { "usearch-f32": 10, lancedb: 10 };
const RATE = 100_000;
const BATCH = batchFor(RATE);
/** Some seconds of work for a peer; more would only make its graph slower. */
const PEER_ROWS = 12_000;
/**
 * As the engine has both cores, so have they, where their bindings can use them. Two threads of usearch wait for each other so much on a
 * busy machine that one is faster (measured), so that it is measured with either and the faster counts.
 */
const PEER_THREADS: Partial<Record<PeerName, readonly number[]>> = { "usearch-f32": [1, 2] };
const PEER_THREADS_DEFAULT = [2];
const EFFORT = 64;
const QUERIES = 200;

const FIGURES: Readonly<Record<string, Figure>> = {
  indexed: { kind: "throughput" },
  refused: { kind: "plain", unit: "observations" },
  recall: { kind: "throughput", unit: "recall@10" },
};

async function measureOwn(set: VectorSet): Promise<{ indexed: number; refused: number; recall: number }> {
  const { ingestSet } = await import("../ingest/ingest-command.ts");
  const engine = {
    profile: undefined,
    workers: undefined,
    laneCapacity: undefined,
    lane: "normal",
    isGraphForced: false,
  } as const;
  const run: IngestRun = {
    ...{ rate: RATE, seconds: 4, recalls: 0, spaces: 1, skew: 0, hot: undefined, batch: BATCH },
    ...{ lane: "normal", encoding: "f32", settleSeconds: 0, seed: 1 },
  };
  const { result, problems } = await ingestSet(set, { run, engine, isWire: false, directory: undefined, isJson: true });
  if (problems.length > 0) throw new MillraceError("internal", problems.join("; "));
  return { indexed: result.indexedPerSecond, refused: result.refused, recall: result.recallAt10 ?? 0 };
}

async function besidePeer(name: PeerName, set: VectorSet, own: number): Promise<Measurement> {
  try {
    let best: PeerFigures | undefined;
    for (const threads of PEER_THREADS[name] ?? PEER_THREADS_DEFAULT) {
      const loaded = await loadPeer(name, set, threads);
      if (!best || loaded.indexedPerSecond > best.indexedPerSecond) best = loaded;
    }
    if (!best) return {};
    const { indexedPerSecond, logShare, recallAt10 } = best;
    return {
      ...prefixed(PEER_PREFIX[name], { indexed: indexedPerSecond, recall: recallAt10, logShare }),
      [overName(name)]: own / indexedPerSecond,
    };
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "unavailable")) throw error;
    note(`peer missing: ${name}: ${error.message}`);
    return {};
  }
}

async function loadPeer(name: PeerName, set: VectorSet, threads: number): Promise<PeerFigures> {
  const { openPeer } = await import("../vector/peers/peer.ts");
  const { loadDurably } = await import("../ingest/durable-peer.ts");
  const { createNoisySource, NoisyVectors } = await import("../ingest/noisy-vectors.ts");
  const { dims, metric, query } = set;
  const peer = await openPeer(name, { dims, metric, capacity: PEER_ROWS, threads });
  const vectors = new NoisyVectors(createNoisySource(set.base, dims, 1));
  return loadDurably(peer, { vectors, query, rows: PEER_ROWS, batch: BATCH, effort: EFFORT, queries: QUERIES });
}

function peerFigures(name: PeerName): Record<string, Figure> {
  const bar = BARS[name];
  return {
    ...prefixed<Figure>(PEER_PREFIX[name], {
      indexed: { kind: "plain" },
      recall: { kind: "plain", unit: "recall@10" },
      logShare: { kind: "plain", unit: "of the time" },
    }),
    [overName(name)]: { kind: "throughput", unit: "×", ...(bar === undefined ? {} : { bar }) },
  };
}

export const cases: readonly BenchCase[] = [
  defineCase({
    name: "ingest/peers",
    title: "one space, 100,000 observations/s, and what others index behind the same log",
    unit: "observations/s",
    isSelfWarming: true,
    figures: optional(Object.assign({ ...FIGURES }, ...PEERS.map(peerFigures))),
    options: {
      rate: RATE,
      batch: BATCH,
      peerRows: PEER_ROWS,
      peerThreads: "1 or 2",
      efConstruction: 128,
      effort: EFFORT,
      set: "bge-768",
    },
    setup: async () => {
      const set = await loadSetOrNote("bge-768");
      return set && shareSet(set);
    },
    run: async (set) => {
      if (!set) return {};
      const own = await measureOwn(set);
      const figures: Record<string, number> = { ...own };
      for (const peer of PEERS) Object.assign(figures, await besidePeer(peer, set, own.indexed));
      return figures;
    },
  }),
];
