/** What 100,000 rows take in memory and on disk, how long they take to save and load, and what removing and adding again does to them. */
import { type BenchCase, defineCase, type Figure, type Measurement } from "../src/case.ts";
import { note } from "../src/note.ts";
import { measureChurn } from "../vector/measure/churn.ts";
import { type Contender, MillraceContender } from "../vector/measure/contender.ts";
import { optional, PEER_PREFIX, prefixed } from "../vector/measure/figure-names.ts";
import { insertRows } from "../vector/measure/insert-rows.ts";
import { measureMemory } from "../vector/measure/memory.ts";
import { loadSetOrNote, openPeerOrNote } from "../vector/measure/or-note.ts";
import { measureSaveLoad } from "../vector/measure/save-load.ts";
import { rowsIn, type VectorSet } from "../vector/measure/vector-set.ts";
import type { PeerName } from "../vector/peers/peer.ts";

const ROWS = 100_000;
/** Rows of a peer's index, where 100,000 would take minutes to build. */
const PEER_ROWS = 20_000;

const memory = defineCase({
  name: "vector/memory",
  title: "resident memory of an index of embeddings of 768 dimensions, in a process of its own",
  unit: "bytes a row",
  isSelfWarming: true,
  figures: optional({
    rss: { kind: "latency" },
    own: { kind: "latency" },
    ...Object.fromEntries(
      Object.values(PEER_PREFIX).map((prefix): [string, Figure] => [`${prefix}Rss`, { kind: "plain" }]),
    ),
  }),
  options: { rows: ROWS, peerRows: PEER_ROWS, efConstruction: 128, m: 16 },
  setup: () => loadSetOrNote("bge-768"),
  run: async (set) => {
    if (!set) return {};
    const { rssBytes, ownBytes = 0 } = await measureMemory({ contender: "millrace", source: "bge", rows: ROWS });
    const figures: Record<string, number> = { rss: rssBytes / ROWS, own: ownBytes / ROWS };
    for (const [peer, prefix] of Object.entries(PEER_PREFIX) as [PeerName, string][]) {
      const opened = await openPeerOrNote(peer, set);
      await opened?.close();
      if (!opened) continue;
      const grown = await measureMemory({ contender: peer, source: "bge", rows: PEER_ROWS });
      figures[`${prefix}Rss`] = grown.rssBytes / PEER_ROWS;
    }
    return figures;
  },
});

type Built = { readonly own: MillraceContender; readonly set: VectorSet };

async function buildOwn(): Promise<Built | undefined> {
  const set = await loadSetOrNote("bge-100k");
  if (!set) return undefined;
  const own = new MillraceContender({ dims: set.dims, metric: set.metric });
  await insertRows(own, set);
  return { own, set };
}

const SAVED: Readonly<Record<string, Figure>> = {
  save: { kind: "plain" },
  load: { kind: "plain" },
  file: { kind: "plain", unit: "bytes a row" },
};

async function saveAndLoad(contender: Contender, empty: Contender, set: VectorSet): Promise<Measurement> {
  const saved = await measureSaveLoad(contender, empty, set);
  if (!saved) {
    note(`${contender.name} cannot be saved`);
    return {};
  }
  return { save: saved.saveSeconds, load: saved.loadSeconds, file: saved.fileBytes / rowsIn(set) };
}

const saveLoad = defineCase({
  name: "vector/save-load",
  title: "saving and loading an index of 100,000 embeddings, files in the page cache",
  unit: "s",
  isSelfWarming: true,
  figures: optional({
    save: { kind: "latency" },
    load: { kind: "latency", bar: 1 },
    file: { kind: "latency", unit: "bytes a row" },
    ...prefixed(PEER_PREFIX["usearch-f32"], SAVED),
    ...prefixed(PEER_PREFIX["usearch-i8"], SAVED),
  }),
  options: { set: "bge-100k", peerEfConstruction: 16 },
  setup: buildOwn,
  run: async (built) => {
    if (!built) return {};
    const { own, set } = built;
    const figures = await saveAndLoad(own, new MillraceContender({ dims: set.dims, metric: set.metric }), set);
    return { ...figures, ...(await savePeer("usearch-f32", set)), ...(await savePeer("usearch-i8", set)) };
  },
  teardown: (built) => built?.own.close(),
});

/** Built narrowly: what is saved has the same size. */
async function savePeer(peer: PeerName, set: VectorSet): Promise<Measurement> {
  const contender = await openPeerOrNote(peer, set, { efConstruction: 16 });
  const empty = contender && (await openPeerOrNote(peer, set, { efConstruction: 16 }));
  if (!empty) return {};
  await insertRows(contender, set);
  const figures = await saveAndLoad(contender, empty, set);
  await contender.close();
  await empty.close();
  return prefixed(PEER_PREFIX[peer], { ...figures });
}

const CHURN: Readonly<Record<string, Figure>> = {
  removes: { kind: "plain" },
  inserts: { kind: "plain" },
  recallBefore: { kind: "plain", unit: "recall@10" },
  recallAfter: { kind: "plain", unit: "recall@10" },
  queriesBefore: { kind: "plain", unit: "queries/s" },
  queriesAfter: { kind: "plain", unit: "queries/s" },
};

async function churn(contender: Contender, set: VectorSet, bytesOf?: () => number): Promise<Measurement> {
  await insertRows(contender, set);
  const measured = await measureChurn(contender, set, bytesOf ? { bytesOf } : {});
  await contender.close();
  return {
    removes: measured.removesPerSecond,
    inserts: measured.insertsPerSecond,
    recallBefore: measured.before.recall,
    recallAfter: measured.after.recall,
    queriesBefore: measured.before.queriesPerSecond,
    queriesAfter: measured.after.queriesPerSecond,
    ...(bytesOf ? { bytesGrown: measured.bytesAfter / measured.bytesBefore } : {}),
  };
}

function churnCase(name: string, setName: string, peers: readonly PeerName[]): BenchCase {
  return defineCase({
    name,
    title: `30 % of the rows removed and added again, three times, ${setName}`,
    unit: "rows/s",
    isSelfWarming: true,
    figures: optional({
      ...Object.fromEntries(
        Object.entries(CHURN).map(([figure, { unit }]): [string, Figure] => [
          figure,
          { kind: "throughput", ...(unit === undefined ? {} : { unit }) },
        ]),
      ),
      bytesGrown: { kind: "latency", unit: "×" },
      ...Object.assign({}, ...peers.map((peer) => prefixed(PEER_PREFIX[peer], CHURN))),
    }),
    options: { set: setName, share: 0.3, rounds: 3, efConstruction: 128, effort: 64 },
    setup: () => loadSetOrNote(setName),
    run: async (set) => {
      if (!set) return {};
      const own = new MillraceContender({ dims: set.dims, metric: set.metric });
      const figures = { ...(await churn(own, set, () => own.index.bytes)) };
      for (const peer of peers) {
        // Twice the rows: usearch over signs has no second use for the place of a removed row.
        const contender = await openPeerOrNote(peer, set, { capacity: 2 * rowsIn(set) });
        contender?.setEffort(64);
        if (contender) Object.assign(figures, prefixed(PEER_PREFIX[peer], { ...(await churn(contender, set)) }));
      }
      return figures;
    },
  });
}

export const cases: readonly BenchCase[] = [
  memory,
  saveLoad,
  churnCase("vector/churn", "bge-768", ["hnswlib-node", "usearch-f32", "usearch-b1"]),
  churnCase("vector/churn-100k", "bge-100k", []),
];
