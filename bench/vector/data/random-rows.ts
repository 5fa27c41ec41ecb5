/** Random numbers by position: no state, so any row can be made without those before it. */

/** Rows that share a seed: at 4,096 dimensions and two numbers each they use a quarter of the 32-bit positions, so none comes twice. */
const BLOCK_ROWS = 2 ** 17;

/** Where the random numbers of a row begin. */
export type Noise = { readonly seed: number; readonly start: number };

type RowsOf = { readonly seed: number; readonly stream: number; readonly dims: number };

/** The numbers of one row: no two rows of a seed and stream have the same ones. */
export function noiseOf({ seed, stream, dims }: RowsOf, row: number): Noise {
  return { seed: hash(hash(seed, 0x5eed + stream), Math.floor(row / BLOCK_ROWS)), start: (row % BLOCK_ROWS) * dims };
}

/** Adds a normal number of this deviation to each of `out`. */
export function addGaussian(out: Float32Array, deviation: number, { seed, start }: Noise): void {
  for (let at = 0; at < out.length; at++) out[at] = (out[at] ?? 0) + deviation * gaussianAt(seed, start + at);
}

/** A 32-bit mix of two numbers (the finaliser of MurmurHash3, public domain, over their combination); for data, not for secrets. */
export function hash(seed: number, at: number): number {
  let mixed = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(at + 0x7f4a_7c15, 0xc2b2_ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Of row `row`, number `which` in [0, 1) of a row: its topic, its length. Apart from the numbers of its dimensions. */
export function uniformAt({ seed, stream }: RowsOf, row: number, which: number): number {
  return hash(hash(hash(seed, stream), 0x1000_0000 + which), row) / 2 ** 32;
}

/** The sum of four even numbers, brought to variance 1: near enough to normal (none beyond ±3.5), and cheap. */
export function gaussianAt(seed: number, at: number): number {
  const first = hash(seed, 2 * at);
  const second = hash(seed, 2 * at + 1);
  const sum = (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16);
  return (sum / 65_535 - 2) * Math.sqrt(3);
}
