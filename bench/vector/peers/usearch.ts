/** USearch by its own bindings: HNSW over f32, or over i8 that it makes itself. One thread unless told otherwise. */
import { MillraceError } from "@millrace/core";
import type { ExactMetric } from "../data/exact.ts";
import { peerVersion, requirePeer } from "./installed.ts";
import { ownNumbers } from "./own-numbers.ts";
import type { CompletePeerOptions, Peer } from "./peer.ts";

type Scalar = "f32" | "i8" | "b1";

/** What is used of the package. */
export type UsearchIndex = {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
  remove(keys: bigint): unknown;
  save(path: string): void;
  load(path: string): void;
};

export type UsearchModule = {
  readonly Index: new (options: {
    dimensions: number;
    metric: string;
    quantization: Scalar;
    connectivity: number;
    expansion_add: number;
    expansion_search: number;
    multi: boolean;
  }) => UsearchIndex;
  exactSearch(
    ...args: [rows: Float32Array, query: Float32Array, dims: number, k: number, metric: string, threads: number]
  ): { readonly keys: BigUint64Array };
};

/** Its names of our metrics. */
export const USEARCH_METRICS = { cosine: "cos", l2: "l2sq", dot: "ip" } as const satisfies Record<ExactMetric, string>;

/** An empty index of the package. Its beam is as wide as the number of results asked for: the bindings have no other way to set it. */
export function createUsearch(scalar: Scalar, metric: string, options: CompletePeerOptions): UsearchIndex {
  const { Index } = requirePeer<UsearchModule>("usearch", options.directory);
  return new Index({
    dimensions: options.dims,
    metric,
    quantization: scalar,
    connectivity: options.m,
    expansion_add: options.efConstruction,
    expansion_search: 1,
    multi: false,
  });
}

/**
 * `invalid_argument` for i8 with anything but cosine: the package brings each vector to length 1 before it rounds, so lengths are lost.
 * It neither centres nor scales, which bounds the recall of its i8.
 */
export function openUsearch(scalar: "f32" | "i8", options: CompletePeerOptions): Peer {
  if (scalar === "i8" && options.metric !== "cosine") {
    throw new MillraceError("invalid_argument", `usearch-i8 cannot do ${options.metric}; use cosine or usearch-f32`);
  }
  const index = createUsearch(scalar, USEARCH_METRICS[options.metric], options);
  let effort = 64;
  return {
    name: `usearch-${scalar}`,
    version: peerVersion("usearch", options.directory),
    add: (ids, vectors) => index.add(BigUint64Array.from(ids, BigInt), ownNumbers(vectors), options.threads),
    finish: () => {},
    setEffort: (value) => {
      effort = value;
    },
    search: (query, k) => {
      const { keys } = index.search(ownNumbers(query), Math.max(k, effort), 1);
      return Uint32Array.from(keys.subarray(0, k), Number);
    },
    save: (path) => index.save(path),
    load: (path) => index.load(path),
    remove: (id) => {
      index.remove(BigInt(id));
    },
    close: () => {},
  };
}
