import type { Metric, SearchResult } from "@millrace/vector";

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
  return squaresA === 0 || squaresB === 0 ? 0 : dot / (Math.sqrt(squaresA) * Math.sqrt(squaresB));
}

/** The score of the k-th nearest (or of the farthest, if there are fewer), to tell by score whether a result belongs to the best. */
export function kthScore(metric: Metric, rows: Iterable<Float32Array>, query: Float32Array, k: number): number {
  const scores = Float64Array.from([...rows], (row) => similarity(metric, query, row)).sort();
  return scores[Math.max(0, scores.length - k)] ?? Number.NEGATIVE_INFINITY;
}

/**
 * Share of the min(k, rows) nearest found, told by score so that which of equals is found does not matter: a result counts when
 * it is no worse than the k-th nearest by more than `slack`.
 */
export function recallOf(
  { ids }: SearchResult,
  {
    rows,
    query,
    k,
    metric,
    slack = 0,
  }: {
    readonly rows: ReadonlyMap<number, Float32Array>;
    readonly query: Float32Array;
    readonly k: number;
    readonly metric: Metric;
    readonly slack?: number;
  },
): number {
  const wanted = Math.min(k, rows.size);
  if (wanted === 0) return 1;
  const least = kthScore(metric, rows.values(), query, k) - slack;
  const hits = [...ids].filter((id) => similarity(metric, query, rows.get(id) ?? query) >= least);
  return Math.min(1, hits.length / wanted);
}
