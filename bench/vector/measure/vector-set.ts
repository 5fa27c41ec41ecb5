import type { Metric } from "@millrace/vector";

/** Vectors to index, queries and their exact answers; row after row. */
export type VectorSet = {
  readonly name: string;
  readonly dims: number;
  readonly metric: Metric;
  /** rows × dims; a row's number is its id. */
  readonly base: Float32Array;
  /** queries × dims. */
  readonly query: Float32Array;
  /** queries × 100 ids, the nearest first. */
  readonly truth: Int32Array;
};

/** Ids of a row of the truth. */
export const TRUTH_IDS = 100;

/** Row `at` of vectors of `dims` numbers: a view. */
export function rowOf(vectors: Float32Array, at: number, dims: number): Float32Array {
  return vectors.subarray(at * dims, (at + 1) * dims);
}

export function rowsIn({ base, dims }: Pick<VectorSet, "base" | "dims">): number {
  return base.length / dims;
}

/** The set with its base and queries in memory that threads share; what is shared already is not copied. */
export function shareSet(set: VectorSet): VectorSet {
  return { ...set, base: shareFloats(set.base), query: shareFloats(set.query) };
}

function shareFloats(values: Float32Array): Float32Array {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  const shared = new Float32Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
}
