/** What an index worker is asked in a consolidation, and its answers. It keeps nothing of it: every part can be asked of any worker. */
import { unreachable } from "@millrace/core";
import type { ConceptThresholds } from "../recall/consolidate.ts";
import type { SpaceIndex } from "../workers/space-index.ts";
import { findNeighbours } from "./find-neighbours.ts";
import { groupRows } from "./group-rows.ts";
import { nameRows } from "./name-rows.ts";

/** Rows with vectors, as a space has them. */
export type VectorRows = {
  /** Rows that were ever added. */
  readonly rows: number;
  isLive(row: number): boolean;
  /** Of unit length; undefined when it is not held. */
  vector(row: number): Float32Array | undefined;
  /** The nearest rows, those taken out a moment ago among them. */
  nearest(vector: Float32Array, count: number): { readonly ids: Uint32Array; readonly scores: Float32Array };
};

/** The nearest older neighbours of rows `firstRow` to `end`, at least as similar as `floor`. */
export type LookWork = {
  readonly kind: "look";
  readonly firstRow: number;
  readonly end: number;
  readonly floor: number;
};
/** `until`: the first row not looked at, which is less than `end` when the index has not got so far. `words`: see neighbour-list.ts. */
export type Looked = { readonly until: number; readonly words: Uint32Array };

/** Puts all rows into concepts, by their lists. */
export type GroupWork = {
  readonly kind: "group";
  readonly pages: readonly Uint32Array[];
  readonly at: ConceptThresholds;
  /** The engine's clock: what expired before takes no part. */
  readonly nowMs: number;
  /** Tell which rows are duplicates of their representative. */
  readonly wantsSurplus: boolean;
};
/** Concepts in the order of their keys, one element each; `members` holds the listed rows of all. */
export type Grouped = {
  readonly keys: Float64Array;
  readonly representatives: Uint32Array;
  readonly counts: Uint32Array;
  /** Of all members and the representative: the same for the same concept. Whole, below 2^52. */
  readonly digests: Float64Array;
  /** Where in `members` those of each begin, and after the last. */
  readonly starts: Uint32Array;
  readonly members: Uint32Array;
  readonly surplus: Uint32Array;
  /** Places of pages of whose rows none is there any more. */
  readonly deadPages: readonly number[];
};

/** The ids of rows, in the order given. */
export type NameWork = { readonly kind: "name"; readonly rows: Uint32Array };

export type ConsolidationWork = LookWork | GroupWork | NameWork;

/** The work as steps of a millisecond or so: one search is one step. */
export function stepsOf(space: SpaceIndex, work: ConsolidationWork): Generator<void, Looked | Grouped | string[]> {
  switch (work.kind) {
    case "look":
      return findNeighbours(vectorRowsOf(space), work);
    case "group":
      return groupRows(vectorRowsOf(space), work);
    case "name":
      return nameRows(space, work.rows);
    default:
      return unreachable(work);
  }
}

function vectorRowsOf({ index, columns, rows }: SpaceIndex): VectorRows {
  return {
    rows,
    isLive: (row) => columns.isLive(row),
    vector: (row) => index.vector(row),
    nearest: (vector, count) => index.search(vector, count),
  };
}
