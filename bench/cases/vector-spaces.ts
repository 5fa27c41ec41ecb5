/** Sixteen spaces on two worker threads, beside the cheapest builds of peers that find as much. */
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { note } from "../src/note.ts";
import { optional, overName, PEER_PREFIX, prefixed } from "../vector/measure/figure-names.ts";
import { ConstructionLadder, type Matched } from "../vector/measure/match-recall.ts";
import { loadSetOrNote, openPeerOrNote } from "../vector/measure/or-note.ts";
import { measureSpaces, type SpacesRate } from "../vector/measure/spaces.ts";
import { shareSet, type VectorSet } from "../vector/measure/vector-set.ts";
import type { PeerName } from "../vector/peers/peer.ts";

const SPACES = 16;
const WORKERS = 2;
const RECALL = 0.97;
/** What hnswlib is usually built with; reported beside the cheapest build. */
const USUAL_CONSTRUCTION = 128;
const PEERS: readonly PeerName[] = ["hnswlib-node", "usearch-f32", "usearch-i8", "usearch-b1"];

const OWN: Readonly<Record<string, Figure>> = {
  inserts: { kind: "throughput", bar: 120_000 },
  perCore: { kind: "throughput", unit: "rows/s a core" },
  recall: { kind: "throughput", unit: "recall@10", bar: RECALL },
  queries: { kind: "throughput", unit: "queries/s" },
  p99: { kind: "latency", unit: "ms" },
  bytes: { kind: "latency", unit: "bytes a row" },
  notIndexed: { kind: "latency", unit: "rows", bar: 0 },
};

const MATCHED: Readonly<Record<string, Figure>> = {
  inserts: { kind: "plain", unit: "rows/s a core" },
  efConstruction: { kind: "plain", unit: "" },
  recall: { kind: "plain", unit: "recall@10" },
};

function figuresOf({ perSecond, perCore, search, bytes, rows, indexed }: SpacesRate): Measurement {
  return {
    inserts: perSecond,
    perCore,
    recall: search.recall,
    queries: search.queriesPerSecond,
    p99: search.p99Ms,
    bytes: bytes / rows,
    notIndexed: rows - indexed,
  };
}

/** Inserts a second and core of a peer at the recall of ours (0.01 less at most), and how many times as many ours makes. */
async function besidePeer(peer: PeerName, set: VectorSet, own: SpacesRate): Promise<Measurement> {
  const matched = await matchPeer(peer, set, { recall: own.search.recall });
  if (!matched) return {};
  const { efConstruction, insert, search } = matched;
  const figures: Record<string, number> = {
    ...prefixed(PEER_PREFIX[peer], { inserts: insert.perCore, efConstruction, recall: search.recall }),
    [overName(peer)]: own.perCore / insert.perCore,
  };
  if (peer !== "hnswlib-node") return figures;
  const constructions = [USUAL_CONSTRUCTION];
  const usual = await matchPeer(peer, set, { recall: own.search.recall, constructions });
  return usual ? { ...figures, overHnswlibUsual: own.perCore / usual.insert.perCore } : figures;
}

type Wanted = { readonly recall: number; readonly constructions?: readonly number[] };

async function matchPeer(
  peer: PeerName,
  set: VectorSet,
  { recall, constructions }: Wanted,
): Promise<Matched | undefined> {
  const open = (efConstruction: number) => openPeerOrNote(peer, set, { efConstruction });
  const ladder = new ConstructionLadder(open, set, constructions);
  try {
    const matched = await ladder.match(recall);
    if (!matched && !ladder.isMissing) note(`${peer} does not come within 0.01 of our recall@10 however it is built`);
    return matched;
  } finally {
    await ladder.close();
  }
}

type SpacesCase = { readonly name: string; readonly title: string; readonly graphRowsMin?: number };

function spacesCase({ name, title, graphRowsMin }: SpacesCase): BenchCase {
  return defineCase({
    name,
    title,
    unit: "rows/s",
    isSelfWarming: true,
    figures: optional({
      ...OWN,
      ...Object.assign({}, ...PEERS.map((peer) => prefixed(PEER_PREFIX[peer], MATCHED))),
      ...Object.fromEntries(
        PEERS.map((peer): [string, Figure] => [
          overName(peer),
          { kind: "throughput", unit: "×", ...(peer === "hnswlib-node" ? { bar: 40 } : {}) },
        ]),
      ),
      overHnswlibUsual: { kind: "throughput", unit: "×" },
    }),
    options: {
      set: "bge-768",
      usualEfConstruction: USUAL_CONSTRUCTION,
      spaces: SPACES,
      workers: WORKERS,
      recall: RECALL,
      k: 10,
      m: 16,
    },
    setup: async () => {
      const set = await loadSetOrNote("bge-768");
      return set && shareSet(set);
    },
    run: async (set) => {
      if (!set) return {};
      const { dims, metric } = set;
      const index = { dims, metric, recall: RECALL, ...(graphRowsMin === undefined ? {} : { graphRowsMin }) };
      const own = await measureSpaces(set, { spaces: SPACES, workers: WORKERS, index });
      const figures: Record<string, number> = { ...figuresOf(own) };
      for (const peer of PEERS) Object.assign(figures, await besidePeer(peer, set, own));
      return figures;
    },
  });
}

export const cases: readonly BenchCase[] = [
  spacesCase({
    name: "vector/spaces-16",
    title: "16 spaces of 9,843 embeddings, 2 threads, as an index is by default",
  }),
  spacesCase({
    name: "vector/spaces-16-graph",
    title: "16 spaces of 9,843 embeddings, 2 threads, every row linked into a graph",
    graphRowsMin: 0,
  }),
];
