import type { Metric } from "@millrace/vector";

/** Rows that are made or read when they are asked for, so that a million of them need not be in memory beside their index. */
export type RowSource = {
  readonly name: string;
  readonly dims: number;
  readonly metric: Metric;
  /** Rows `from` … `from + count − 1`: count × dims numbers. Equal arguments give equal rows. */
  rows(from: number, count: number): Float32Array | Promise<Float32Array>;
};
