import type { DistributionName } from "../data/distributions.ts";
import type { PeerName } from "../peers/peer.ts";

/** What the child that measures memory is given as its only argument, as JSON. */
export type MemoryTask = {
  readonly contender: "millrace" | PeerName;
  /** Where rows come from: embeddings that are made in any number, 768 dimensions, or a distribution. */
  readonly source: "bge" | DistributionName;
  /** Of a distribution. Default 768. */
  readonly dims?: number;
  readonly rows: number;
};

/** What it prints as its last line. */
export type MemoryFigures = {
  /** By which the resident memory of the process grew. */
  readonly rssBytes: number;
  /** What the index itself says; Millrace only. */
  readonly ownBytes?: number;
};
