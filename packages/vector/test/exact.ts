import type { Metric } from "@millrace/vector";

/** The similarity in f64, as the documentation defines it. */
export function similarity(metric: Metric, a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  let distance = 0;
  for (let at = 0; at < a.length; at++) {
    const x = a[at] ?? 0;
    const y = b[at] ?? 0;
    dot += x * y;
    squaresA += x * x;
    squaresB += y * y;
    distance += (x - y) ** 2;
  }
  if (metric === "dot") return dot;
  if (metric === "l2") return -distance;
  return squaresA === 0 || squaresB === 0 ? 0 : dot / Math.sqrt(squaresA * squaresB);
}

/**
 * How far an 8-bit score may be from the exact one. With p and r relative to the mean and codes within half a step:
 * |p·r − p̂·r̂| ≤ step(r)/2 · Σ|p| + step(p)/2 · Σ|r̂|, twice that for l2; the largest over the means the row may have.
 */
export function errorBound(
  metric: Metric,
  query: Float32Array,
  row: Float32Array,
  means: readonly Float32Array[],
): number {
  const q = metric === "cosine" ? unit(query) : Float64Array.from(query);
  const x = metric === "cosine" ? unit(row) : Float64Array.from(row);
  const bounds = [new Float32Array(q.length), ...means].map((mean) => {
    let [sumP, sumR, stepP, stepR, size] = [0, 0, 0, 0, 0];
    for (let at = 0; at < q.length; at++) {
      const p = Math.abs((q[at] ?? 0) - (mean[at] ?? 0));
      const r = Math.abs((x[at] ?? 0) - (mean[at] ?? 0));
      sumP += p;
      sumR += r;
      stepP = Math.max(stepP, p / 127);
      stepR = Math.max(stepR, r / 127);
      size += p * p + r * r + (mean[at] ?? 0) ** 2;
    }
    const rounded = (stepR / 2) * sumP + (stepP / 2) * (sumR + (stepR / 2) * q.length);
    return (metric === "l2" ? 2 : 1) * rounded * 1.001 + size * 1e-6;
  });
  return Math.max(...bounds) + 1e-37;
}

function unit(vector: Float32Array): Float64Array {
  const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return Float64Array.from(vector, (value) => (norm > 0 ? value / norm : 0));
}
