/** Data sets and peers that may be missing: then the result says so, and the figures that need them are left out. */
import { MillraceError } from "@millrace/core";
import { note } from "../../src/note.ts";
import { type DataSetOptions, loadDataSet } from "../data/data-set.ts";
import { openPeer, type PeerName } from "../peers/peer.ts";
import type { Contender } from "./contender.ts";
import { rowsIn, type VectorSet } from "./vector-set.ts";

export async function loadSetOrNote(name: string, options: DataSetOptions = {}): Promise<VectorSet | undefined> {
  return orNote(`data missing: ${name}`, () => loadDataSet(name, options));
}

export type PeerBuild = {
  /** Rows it is to hold. Default: those of the set. */
  readonly capacity?: number;
  /** Default 128. */
  readonly efConstruction?: number;
};

/** One core, M = 16. Undefined when the package is not installed or does not know the set's metric. */
export async function openPeerOrNote(
  name: PeerName,
  set: Pick<VectorSet, "base" | "dims" | "metric">,
  { capacity = rowsIn(set), efConstruction = 128 }: PeerBuild = {},
): Promise<Contender | undefined> {
  const { dims, metric } = set;
  const options = { dims, metric, capacity, efConstruction, m: 16, threads: 1 };
  return orNote(`peer missing: ${name}`, () => openPeer(name, options));
}

async function orNote<Opened>(label: string, open: () => Promise<Opened>): Promise<Opened | undefined> {
  try {
    return await open();
  } catch (error) {
    const isExpected = error instanceof MillraceError && ["unavailable", "invalid_argument"].includes(error.code);
    if (!isExpected) throw error;
    note(`${label}: ${error.message}`);
    return undefined;
  }
}
