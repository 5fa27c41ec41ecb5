import { unreachable } from "@millrace/core";
import type { Metric } from "@millrace/vector";

/** The exact similarity in f64, larger is nearer: what an index's scores approximate. O(dims). */
export function exactSimilarity(metric: Metric, a: Float32Array, b: Float32Array): number {
  switch (metric) {
    case "dot":
      return dot(a, b);
    case "l2":
      return -squaredDistance(a, b);
    case "cosine": {
      const lengths = Math.sqrt(dot(a, a) * dot(b, b));
      return lengths === 0 ? 0 : dot(a, b) / lengths;
    }
    default:
      return unreachable(metric);
  }
}

/** The size that errors of a score are in proportion to: 1 for cosine, the product of lengths, or the squared sum of lengths. */
export function scoreScale(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === "cosine") return 1;
  const [lengthA, lengthB] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))];
  return metric === "dot" ? lengthA * lengthB : (lengthA + lengthB) ** 2;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += ((a[at] ?? 0) - (b[at] ?? 0)) ** 2;
  return sum;
}
