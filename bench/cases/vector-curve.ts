/** Recall against queries a second, and what the index cost to build, beside each peer in the same process. */
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { type Contender, MillraceContender } from "../vector/measure/contender.ts";
import { measureCurve, queriesAtRecall } from "../vector/measure/curve.ts";
import { optional, overName, PEER_PREFIX, prefixed, present } from "../vector/measure/figure-names.ts";
import { insertRows } from "../vector/measure/insert-rows.ts";
import { loadSetOrNote, openPeerOrNote } from "../vector/measure/or-note.ts";
import type { VectorSet } from "../vector/measure/vector-set.ts";
import { warmUp } from "../vector/measure/warm-up.ts";
import { PEER_NAMES, type PeerName } from "../vector/peers/peer.ts";

/** Rows of one call of `add`; large, because LanceDB makes a fragment of each. */
const PEER_BATCH_ROWS = 4_096;
/** A wider beam while linking: still 5 times the inserts of the fastest f32 peer. */
const WIDE = 96;
/** Seconds that searches of one effort may take. */
const SECONDS_MAX = 1.5;

const CURVE: Readonly<Record<string, Figure>> = {
  inserts: { kind: "plain", unit: "rows/s a core" },
  at90: { kind: "plain" },
  at95: { kind: "plain" },
  at97: { kind: "plain" },
  at99: { kind: "plain" },
  ceiling: { kind: "plain", unit: "recall@10" },
};

/** Ours count as throughputs: `compare` must see them fall. */
const OWN_CURVE = Object.fromEntries(
  Object.entries(CURVE).map(([name, figure]) => [name, { ...figure, kind: "throughput" } satisfies Figure]),
);

async function curveOf(contender: Contender, set: VectorSet): Promise<Measurement> {
  const batchRows = contender instanceof MillraceContender ? {} : { batchRows: PEER_BATCH_ROWS };
  const { perCore } = await insertRows(contender, set, batchRows);
  const points = await measureCurve(contender, set, { secondsMax: SECONDS_MAX });
  await contender.close();
  return present({
    inserts: perCore,
    at90: queriesAtRecall(points, 0.9),
    at95: queriesAtRecall(points, 0.95),
    at97: queriesAtRecall(points, 0.97),
    at99: queriesAtRecall(points, 0.99),
    ceiling: Math.max(...points.map(({ recall }) => recall)),
  });
}

type CurveCase = {
  readonly name: string;
  readonly set: string;
  readonly peers: readonly PeerName[];
  /** The index is small enough to be scanned: a second and a third are made to have a graph. */
  readonly isSmall?: true;
};

function curveCase({ name, set: setName, peers, isSmall }: CurveCase): BenchCase {
  const over = peers.map((peer) => [overName(peer), overFigure(peer)] as const);
  return defineCase({
    name,
    title: `queries a second at recall@10, one thread, ${setName}, beside ${peers.join(", ")}`,
    unit: "queries/s",
    isSelfWarming: true,
    figures: optional({
      ...prefixed("millrace", OWN_CURVE),
      ...(isSmall ? { ...prefixed("graph", OWN_CURVE), ...prefixed("wide", OWN_CURVE) } : {}),
      ...Object.assign({}, ...peers.map((peer) => prefixed(PEER_PREFIX[peer], CURVE))),
      ...Object.fromEntries(over),
    }),
    options: { set: setName, k: 10, m: 16, efConstruction: 128, ...(isSmall ? { wideEfConstruction: WIDE } : {}) },
    setup: () => loadSetOrNote(setName),
    run: async (set) => {
      if (!set) return {};
      const { dims, metric } = set;
      const own = await curveOfOwn(set, { dims, metric });
      const graph = isSmall ? await curveOfOwn(set, { dims, metric, graphRowsMin: 0 }) : undefined;
      const wide = isSmall && (await curveOfOwn(set, { dims, metric, graphRowsMin: 0, efConstruction: WIDE }));
      const figures = {
        ...prefixed("millrace", own),
        ...(graph ? prefixed("graph", graph) : {}),
        ...(wide ? prefixed("wide", wide) : {}),
      };
      for (const peer of peers)
        Object.assign(
          figures,
          await besidePeer(peer, set, Math.max(own.at97 ?? 0, graph?.at97 ?? 0, wide ? (wide.at97 ?? 0) : 0)),
        );
      return figures;
    },
  });
}

function overFigure(peer: PeerName): Figure {
  return { kind: "throughput", unit: "×", ...(peer === "hnswlib-node" ? { bar: 3 } : {}) };
}

async function curveOfOwn(set: VectorSet, options: ConstructorParameters<typeof MillraceContender>[0]) {
  await warmUp(options, set);
  return await curveOf(new MillraceContender(options), set);
}

/** A peer's figures, and how many times as many queries a second ours answers at a recall of 0.97. */
async function besidePeer(peer: PeerName, set: VectorSet, ownAt97: number): Promise<Measurement> {
  const contender = await openPeerOrNote(peer, set);
  if (!contender) return {};
  const curve = await curveOf(contender, set);
  const over = curve.at97 === undefined || ownAt97 === 0 ? {} : { [overName(peer)]: ownAt97 / curve.at97 };
  return { ...prefixed(PEER_PREFIX[peer], curve), ...over };
}

/** Building a peer's index of these takes a minute or more: a case for each peer. */
const LARGE: Readonly<Record<string, readonly PeerName[]>> = {
  "bge-100k": PEER_NAMES,
  "fashion-mnist": ["hnswlib-node", "usearch-f32", "lancedb"],
  "words-100": ["hnswlib-node", "usearch-b1", "lancedb"],
  "mixture-768": ["hnswlib-node", "usearch-b1", "lancedb"],
};

export const cases: readonly BenchCase[] = [
  curveCase({ name: "vector/curve-bge-768", set: "bge-768", peers: PEER_NAMES, isSmall: true }),
  ...Object.entries(LARGE).flatMap(([set, peers]) =>
    peers.map((peer) => {
      const suffix = peer === "hnswlib-node" ? "" : `-${peer}`;
      return curveCase({ name: `vector/curve-${set}${suffix}`, set, peers: [peer] });
    }),
  ),
];
