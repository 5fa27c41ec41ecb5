import type { Segment } from "../src/segment/segment.ts";
import { readTransform } from "../src/segment/transform.ts";

/**
 * How far a score may be from that of the vectors in f64. Let p and r be the query's and the row's numbers about the mean; the
 * query's are coded within half a step, the row's within h, of which e is from codings before, when it was moved. Then for cosine
 * and dot the error is at most h·Σ|p| + ½step(p)·(Σ|r| + h·n), and e·Σ|mean| for the row's own part; for l2 twice that and
 * e·(2Σ|r| + e·n). Where low bytes are used h is 1/254 and the query is not coded; for l2 differences are summed: 2h·Σ|p − r| + h²n.
 * A rotation keeps lengths, so sums of absolutes are at most √n lengths, and spreads, so the largest is at most 6/√n lengths.
 * `moves`: how often the row may have been moved out of a segment without low bytes.
 */
export function scoreBound(segment: Segment, query: Float32Array, row: Float32Array, moves = 0): number {
  const { metric, layout, memory, shape } = segment;
  const { mean, isRotated } = readTransform(memory, layout, shape.dims);
  const zero = new Float32Array(shape.dims);
  const spread = isRotated ? layout.stride : 0;
  const q = metric === "cosine" ? unit(query) : Float64Array.from(query);
  const x = metric === "cosine" ? unit(row) : Float64Array.from(row);
  const p = measure(q, mean, spread);
  const r = measure(x, mean, spread);
  const m = measure(Float64Array.from(mean), zero, spread);
  const n = spread || shape.dims;
  const isFine = shape.hasLow && segment.state("usesLow") === 1;
  const step = r.largest / 127;
  // The first rows were coded with low bytes before there was a mean: about 0, for l2 about the first vector, which may be as far
  // off as any.
  const own0 = measure(x, zero, 0).largest;
  const first = metric === "l2" ? 4 * (own0 + r.largest + p.largest + m.largest) : own0;
  const e = (moves * step * 1.2 + first / 127 / 254) / 2;
  const h = e + (isFine ? step / 508 : step / 2);
  const rounding = (p.squares + r.squares + m.squares) * 4e-6 + 1e-36;
  if (metric === "l2" && isFine) return (2 * h * measure(q, x, spread).sum + h * h * n) * 1.02 + rounding;
  const product = h * p.sum + (isFine ? 0 : p.largest / 254) * (r.sum + h * n);
  const own = metric === "l2" ? e * (2 * r.sum + e * n) : e * m.sum;
  return ((metric === "l2" ? 2 : 1) * product + own) * 1.02 + rounding;
}

type Measures = { readonly sum: number; readonly squares: number; readonly largest: number };

/** Of vector − mean, rotated when `stride` is not 0. */
function measure(vector: Float64Array, mean: Float32Array | Float64Array, stride: number): Measures {
  let sum = 0;
  let squares = 0;
  let largest = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = Math.abs((vector[at] ?? 0) - (mean[at] ?? 0));
    sum += value;
    squares += value * value;
    largest = Math.max(largest, value);
  }
  if (stride === 0) return { sum, squares, largest };
  const length = Math.sqrt(squares);
  return { sum: length * Math.sqrt(stride), squares, largest: length * Math.min(1, 6 / Math.sqrt(stride)) };
}

function unit(vector: Float32Array): Float64Array {
  const norm = Math.sqrt(Float64Array.from(vector).reduce((sum, value) => sum + value * value, 0));
  return Float64Array.from(vector, (value) => (norm > 0 ? value / norm : 0));
}
