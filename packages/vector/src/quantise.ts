import { DIMS_MAX } from "./limits.ts";
import type { Mean } from "./mean.ts";
import { type Metric, normOf } from "./metric.ts";

/** Codes are −127..127: −128 would have no negative, and the relaxed kernel negates. */
const CODE_MAX = 127;
/** Least scale: the smallest normal f32, below which a scale loses digits and codes could exceed 127. */
const SCALE_MIN = 1.2e-38;

/**
 * A row as the index holds it: x ≈ mean + scale × codes. `bias` is what the kernel adds to scale × dot:
 * mean·(x − mean) for cosine and dot, −|x − mean|² for l2, taken from the unrounded vector.
 */
export type QuantisedRow = { readonly scale: number; readonly bias: number };

/** A query against rows of one mean: score = dot(codes, row codes) × row scale × alpha + row bias + base. */
export type QuantisedQuery = { readonly alpha: number; readonly base: number };

/** The remainder of the vector being quantised; one at a time, so one is enough for a thread. */
const rest = new Float64Array(DIMS_MAX);

/**
 * Writes the codes of `vector` relative to `mean` and returns scale and bias. With r = x − mean and p = q − mean:
 * q·x = p·r + mean·r + q·mean and −|q − x|² = 2 p·r − |r|² − |p|², so only p·r is approximated. For cosine the vector is
 * brought to unit length first. `codes` may be longer than the vector; the rest is left as it is.
 */
export function quantiseRow(metric: Metric, vector: Float32Array, mean: Mean, codes: Int8Array): QuantisedRow {
  centre(vector, unitFactor("vector", metric, vector), mean.values);
  const scale = quantise(vector.length, codes);
  const bias = metric === "l2" ? -restSquares(vector.length) : restDot(mean.values);
  return { scale, bias: Math.fround(bias) };
}

/** Writes the query's codes relative to `mean` and returns alpha and base (see `quantiseRow`). */
export function quantiseQuery(metric: Metric, query: Float32Array, mean: Mean, codes: Int8Array): QuantisedQuery {
  centre(query, unitFactor("query", metric, query), mean.values);
  const scale = quantise(query.length, codes);
  if (metric === "l2") return { alpha: 2 * scale, base: Math.fround(-restSquares(query.length)) };
  return { alpha: scale, base: Math.fround(restDot(mean.values) + squaresOf(mean.values)) };
}

/** What makes a vector unit length for cosine; 1 for the other metrics and for the zero vector. */
export function unitFactor(name: string, metric: Metric, vector: Float32Array): number {
  const norm = normOf(name, vector);
  return metric === "cosine" && norm > 0 ? 1 / norm : 1;
}

/** rest = vector × factor − mean. */
function centre(vector: Float32Array, factor: number, mean: Float32Array): void {
  for (let at = 0; at < vector.length; at++) rest[at] = (vector[at] ?? 0) * factor - (mean[at] ?? 0);
}

/** codes = rest / scale, rounded; scale = largest magnitude / 127 as f32, 0 (and codes 0) when the remainder vanishes. */
function quantise(dims: number, codes: Int8Array): number {
  let largest = 0;
  for (let at = 0; at < dims; at++) {
    const size = Math.abs(rest[at] ?? 0);
    if (size > largest) largest = size;
  }
  const scale = Math.fround(largest / CODE_MAX);
  if (scale < SCALE_MIN) {
    codes.fill(0, 0, dims);
    return 0;
  }
  const inverse = 1 / scale;
  // |rest| × inverse ≤ 127.00002, so no clamp is needed; truncating a positive number rounds without a call (measured).
  for (let at = 0; at < dims; at++) codes[at] = (((rest[at] ?? 0) * inverse + 128.5) | 0) - 128;
  return scale;
}

function restDot(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (rest[at] ?? 0) * (values[at] ?? 0);
  return sum;
}

function restSquares(dims: number): number {
  let sum = 0;
  for (let at = 0; at < dims; at++) sum += (rest[at] ?? 0) * (rest[at] ?? 0);
  return sum;
}

function squaresOf(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] ?? 0) * (values[at] ?? 0);
  return sum;
}
