import type { AnyCodes, Measure } from "./codes.ts";

/** Which rows to measure: those of `list`, or `count` from `first` on. */
export type RowRange = { readonly list: Uint32Array | undefined; readonly first: number; readonly count: number };

/** A query with what `wordOf` says of it. */
export type Query = { readonly codes: AnyCodes; readonly word: number };

/** Rows and the loop over them. Arguments have been checked. */
export type RowBlock = {
  /** Puts `codes` and its word at `row`. */
  readonly write: (row: number, codes: AnyCodes, word: number) => void;
  /** Writes the distances of `query` and each row of the range to `out`. */
  readonly measure: (measure: Measure, query: Query, range: RowRange, out: Float32Array) => void;
};
