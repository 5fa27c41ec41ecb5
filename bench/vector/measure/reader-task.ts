/** What the thread that searches while another writes is told and what it answers. */
import type { SharedIndex } from "@millrace/vector";
import type { Violations } from "./result-check.ts";
import type { VectorSet } from "./vector-set.ts";

/** Places in the control words, which writer and reader share. */
export const STOP = 0;
/** The reader has opened its indexes and searches. */
export const READING = 1;
/** Then two words a space: rows whose `add` has begun, and rows whose `add` has returned. */
export const startedAt = (space: number): number => 2 + 2 * space;
export const publishedAt = (space: number): number => 3 + 2 * space;

export type ReaderTask = {
  /** Base and queries in shared memory. */
  readonly set: VectorSet;
};

/** One round: search these spaces at random until told to stop. */
export type ReaderRound = {
  readonly spaces: readonly SharedIndex[];
  readonly control: Int32Array;
  readonly seed: number;
  /** Beam width; undefined: what the index has measured for its recall. */
  readonly efSearch: number | undefined;
};

export type ReaderReport = {
  readonly seconds: number;
  /** Of each search, in nanoseconds, the checks not included. */
  readonly nanoseconds: Float32Array;
  readonly violations: Violations;
  readonly scoresCompared: number;
};
