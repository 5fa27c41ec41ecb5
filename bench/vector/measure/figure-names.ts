/** Figures of several contenders in one case. */
import type { Figure } from "../../src/case.ts";
import type { PeerName } from "../peers/peer.ts";

/** How a peer's figures begin. */
export const PEER_PREFIX: Readonly<Record<PeerName, string>> = {
  "usearch-f32": "usearchF32",
  "usearch-i8": "usearchI8",
  "usearch-b1": "usearchB1",
  "hnswlib-node": "hnswlib",
  lancedb: "lancedb",
  "sqlite-vec": "sqliteVec",
};

/** `inserts` of `hnswlib` is `hnswlibInserts`. */
export function prefixed<Value>(prefix: string, values: Readonly<Record<string, Value>>): Record<string, Value> {
  const entries = Object.entries(values).map(([name, value]) => [`${prefix}${capitalised(name)}`, value]);
  return Object.fromEntries(entries);
}

/** `over` a peer: `overHnswlib`. */
export function overName(peer: PeerName): string {
  return `over${capitalised(PEER_PREFIX[peer])}`;
}

/** Figures of cases whose data may be missing. */
export function optional(figures: Readonly<Record<string, Figure>>): Record<string, Figure> {
  return Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, { ...figure, isOptional: true }]));
}

/** What of a measurement there is: a figure that could not be measured is left out. */
export function present(figures: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

function capitalised(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
