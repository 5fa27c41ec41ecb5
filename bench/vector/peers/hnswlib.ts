/**
 * hnswlib by hnswlib-node: HNSW over f32, one thread (the bindings have no other way). A vector goes in as a JavaScript array, whose
 * conversion is part of what its users pay. Built on the machine by the compiler; the flags of README.md give it AVX.
 */
import type { ExactMetric } from "../data/exact.ts";
import { peerVersion, requirePeer } from "./installed.ts";
import type { CompletePeerOptions, Peer } from "./peer.ts";

type Graph = {
  initIndex(options: { maxElements: number; m: number; efConstruction: number }): void;
  addPoint(point: number[], label: number): void;
  markDelete(label: number): void;
  searchKnn(query: number[], k: number): { readonly neighbors: number[] };
  setEf(effort: number): void;
  getCurrentCount(): number;
  readIndexSync(path: string): void;
  writeIndexSync(path: string): void;
};
type HnswlibModule = { readonly HierarchicalNSW: new (space: string, dims: number) => Graph };

const SPACES = { cosine: "cosine", l2: "l2", dot: "ip" } as const satisfies Record<ExactMetric, string>;

export function openHnswlib({ dims, metric, capacity, m, efConstruction, directory }: CompletePeerOptions): Peer {
  const { HierarchicalNSW } = requirePeer<HnswlibModule>("hnswlib-node", directory);
  const graph = new HierarchicalNSW(SPACES[metric], dims);
  graph.initIndex({ maxElements: capacity, m, efConstruction });
  const point = new Array<number>(dims).fill(0);
  const read = (vectors: Float32Array, row: number): number[] => {
    for (let at = 0; at < dims; at++) point[at] = vectors[row * dims + at] ?? 0;
    return point;
  };
  return {
    name: "hnswlib-node",
    version: peerVersion("hnswlib-node", directory),
    add: (ids, vectors) => {
      for (let row = 0; row < ids.length; row++) graph.addPoint(read(vectors, row), ids[row] ?? 0);
    },
    finish: () => {},
    setEffort: (effort) => graph.setEf(effort),
    search: (query, k) => {
      const wanted = Math.min(k, graph.getCurrentCount());
      return wanted === 0 ? new Uint32Array() : Uint32Array.from(graph.searchKnn(read(query, 0), wanted).neighbors);
    },
    save: (path) => graph.writeIndexSync(path),
    load: (path) => graph.readIndexSync(path),
    remove: (id) => graph.markDelete(id),
    close: () => {},
  };
}
