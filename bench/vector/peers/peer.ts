/** Other vector indexes by one interface, each used as its authors advise, so that they are measured in the same run as ours. */
import { checkInteger, MillraceError } from "@millrace/core";
import type { ExactMetric } from "../data/exact.ts";
import { openHnswlib } from "./hnswlib.ts";
import { openLance } from "./lancedb.ts";
import { openSqliteVec } from "./sqlite-vec.ts";
import { openUsearch } from "./usearch.ts";
import { openUsearchSigns } from "./usearch-signs.ts";

/** An open index. Ids are whole numbers below 2^32, added once each. Searches begin after `finish`. */
export type Peer = {
  readonly name: string;
  /** Of its package. */
  readonly version: string;
  /** Rows in order of `ids`, ids.length × dims numbers. */
  add(ids: Uint32Array, vectors: Float32Array): void | Promise<void>;
  /** Builds what was put off until all rows are there; part of the time of inserting. */
  finish(): void | Promise<void>;
  /** Width of the beam of searches (efSearch); nothing to a scan. */
  setEffort(effort: number): void;
  /** At most k ids, nearest first. */
  search(query: Float32Array, k: number): Uint32Array | Promise<Uint32Array>;
  /** Writes the index to a path that does not exist yet. */
  save?(path: string): void | Promise<void>;
  /** Replaces what is held by what was saved. */
  load?(path: string): void | Promise<void>;
  remove?(id: number): void | Promise<void>;
  close(): void | Promise<void>;
};

export type PeerOptions = {
  readonly dims: number;
  readonly metric: ExactMetric;
  /** Rows it will hold at most. */
  readonly capacity: number;
  /** Links per node of a graph. Default 16. */
  readonly m?: number;
  /** Width of the beam while building. Default 128. */
  readonly efConstruction?: number;
  /** Threads of building and searching, where a peer lets one choose. Default 1. */
  readonly threads?: number;
  /** Where the packages are, when not beside this file. */
  readonly directory?: string | undefined;
};

export type CompletePeerOptions = Required<PeerOptions>;

const OPENERS = {
  "usearch-f32": (options) => openUsearch("f32", options),
  "usearch-i8": (options) => openUsearch("i8", options),
  "usearch-b1": openUsearchSigns,
  "hnswlib-node": openHnswlib,
  lancedb: openLance,
  "sqlite-vec": openSqliteVec,
} as const satisfies Record<string, (options: CompletePeerOptions) => Peer | Promise<Peer>>;

export type PeerName = keyof typeof OPENERS;
export const PEER_NAMES = Object.keys(OPENERS) as readonly PeerName[];

/**
 * An empty index. `unavailable` when the package is not installed (the message says how); `invalid_argument` for options out of range
 * and for a metric that the peer cannot do.
 */
export async function openPeer(name: PeerName, options: PeerOptions): Promise<Peer> {
  if (!Object.hasOwn(OPENERS, name)) {
    throw new MillraceError("invalid_argument", `peer is ${name}; use one of ${PEER_NAMES.join(", ")}`);
  }
  return OPENERS[name]({
    metric: options.metric,
    directory: options.directory,
    dims: checkInteger("dims", options.dims, { min: 2, max: 4_096 }),
    capacity: checkInteger("capacity", options.capacity, { min: 1, max: 2 ** 24 }),
    m: checkInteger("m", options.m ?? 16, { min: 2, max: 128 }),
    efConstruction: checkInteger("efConstruction", options.efConstruction ?? 128, { min: 1, max: 4_096 }),
    threads: checkInteger("threads", options.threads ?? 1, { min: 1, max: 64 }),
  });
}
