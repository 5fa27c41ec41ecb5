import { createRng, type Rng } from "@millrace/core";

/**
 * Rows around 64 centres with a common mean, the shape of sentence embeddings: unit length, row after row. Equal seeds give
 * equal rows; another `stream` of the same seed gives other rows around the same centres (queries, say).
 */
export function clusteredVectors(count: number, dims: number, { seed = 1, stream = 0 } = {}): Float32Array {
  const shared = createRng(seed);
  const mean = Float32Array.from({ length: dims }, () => gaussian(shared) * 0.8);
  const centres = Array.from({ length: 64 }, () => Float32Array.from({ length: dims }, () => gaussian(shared)));
  const rng = createRng(seed + 7_919 * (stream + 1));
  const rows = new Float32Array(count * dims);
  for (let row = 0; row < count; row++) {
    const centre = centres[Math.floor(rng() * centres.length)] ?? mean;
    let squares = 0;
    for (let at = 0; at < dims; at++) {
      const value = (mean[at] ?? 0) + (centre[at] ?? 0) + gaussian(rng) * 0.7;
      rows[row * dims + at] = value;
      squares += value * value;
    }
    const norm = Math.sqrt(squares);
    for (let at = row * dims; at < (row + 1) * dims; at++) rows[at] = (rows[at] ?? 0) / norm;
  }
  return rows;
}

/** Sum of four uniform numbers, brought to variance 1: near enough to normal, and cheap. */
function gaussian(rng: Rng): number {
  return (rng() + rng() + rng() + rng() - 2) * Math.sqrt(3);
}
