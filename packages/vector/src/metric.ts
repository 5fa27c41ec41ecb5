import { checkInteger, MillraceError } from "@millrace/core";
import { DIMS_MAX, DIMS_MIN } from "./limits.ts";

/**
 * Scores are similarities, larger is better. `cosine`: −1..1, 0 when either vector is zero. `dot`: the inner product.
 * `l2`: minus the squared Euclidean distance.
 */
export const METRICS = ["cosine", "dot", "l2"] as const;
export type Metric = (typeof METRICS)[number];

export function checkMetric(value: unknown): Metric {
  const metric = METRICS.find((known) => known === value);
  if (metric) return metric;
  throw new MillraceError("invalid_argument", `metric is ${JSON.stringify(value)}; use one of ${METRICS.join(", ")}`);
}

export function checkDims(value: unknown): number {
  return checkInteger("dims", value, { min: DIMS_MIN, max: DIMS_MAX });
}

/** Refuses another length (`dimension_mismatch`) and numbers that are not finite (`invalid_argument`). O(dims). */
export function checkVector(name: string, vector: Float32Array, dims: number): void {
  if (!(vector instanceof Float32Array)) {
    throw new MillraceError(
      "invalid_argument",
      `${name} is ${typeof vector}; it must be a Float32Array of ${dims} numbers`,
    );
  }
  if (vector.length !== dims) {
    throw new MillraceError(
      "dimension_mismatch",
      `${name} has ${vector.length} dimensions, the index has ${dims}; embed with the model the index was made for, or make another index`,
    );
  }
  for (let at = 0; at < dims; at++) {
    if (Number.isFinite(vector[at])) continue;
    throw new MillraceError(
      "invalid_argument",
      `${name}[${at}] is ${vector[at]}; every number of a vector must be finite`,
    );
  }
}

/** Largest length a vector of finite f32 numbers may have for its products to stay finite in f32. */
const NORM_MAX = 1e18;

/** Euclidean length, summed in f64. `invalid_argument` above 10^18, where products would overflow f32. */
export function normOf(name: string, vector: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += (vector[at] ?? 0) * (vector[at] ?? 0);
  const norm = Math.sqrt(sum);
  if (norm <= NORM_MAX) return norm;
  throw new MillraceError(
    "invalid_argument",
    `${name} has length ${norm}; the limit is ${NORM_MAX}: scale the vectors down`,
  );
}
