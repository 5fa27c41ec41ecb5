/**
 * Vectors without end from a file of them. The first pass through the file gives its rows as they are; in each later pass a row comes
 * with noise: a step in a direction in which rows of the file differ, of a length that no other pass has. Vector n of a space is a
 * function of seed, space and n, so that any thread can make it again.
 */
import { assert, createRng, randomBelow } from "@millrace/core";
import { exactNearest } from "../vector/data/exact.ts";
import { gaussianAt, hash } from "../vector/data/random-rows.ts";
import { NEIGHBOUR_ROWS, NEIGHBOUR_SAMPLE, NOISE_DIRECTIONS, NOISE_SHARE_MAX, NOISE_SHARE_MIN } from "./limits.ts";

/** Rows whose sum and difference make one direction: enough that no step leads from one row to another. */
const DIRECTION_ROWS = 8;
/** Multiples of it, modulo 1, lie as far apart as they can (the golden ratio). */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Rows of a file that are all alike still get noise. */
const NEIGHBOUR_DISTANCE_MIN = 0.01;

/** What a thread needs to make the vectors; the memory may be shared. */
export type NoisySource = {
  readonly dims: number;
  readonly seed: number;
  /** Rows of the file. */
  readonly base: Float32Array;
  /** NOISE_DIRECTIONS × dims; each as long as the distance between neighbours. */
  readonly directions: Float32Array;
};

/** The rows with directions made for them. O(NOISE_DIRECTIONS × dims) and a search of some rows among 20,000. */
export function createNoisySource(base: Float32Array, dims: number, seed: number): NoisySource {
  assert(base.length > 0 && base.length % dims === 0, "the base holds whole rows");
  const length = neighbourDistance(base, dims, seed) * middleLength(base, dims, seed);
  const directions = new Float32Array(new SharedArrayBuffer(NOISE_DIRECTIONS * dims * 4));
  for (let at = 0; at < NOISE_DIRECTIONS; at++) {
    const out = directions.subarray(at * dims, (at + 1) * dims);
    if (base.length / dims >= 2 * DIRECTION_ROWS) addDifferences(out, base, createRng(hash(seed, at)));
    if (lengthOf(out) === 0) for (let dim = 0; dim < dims; dim++) out[dim] = gaussianAt(hash(seed, at), dim);
    scale(out, length / lengthOf(out));
  }
  return { dims, seed, base, directions };
}

/** The vectors of all spaces. */
export class NoisyVectors {
  readonly source: NoisySource;
  /** Rows of the file: vector n is row n mod rows. */
  readonly rows: number;

  constructor(source: NoisySource) {
    this.source = source;
    this.rows = source.base.length / source.dims;
  }

  /** Writes vectors `first` … `first + count − 1` of a space to the beginning of `out`. About 1 µs a vector of 768 dimensions. */
  write(out: Float32Array, space: number, { first, count }: { readonly first: number; readonly count: number }): void {
    const { base, directions, dims } = this.source;
    for (let at = 0; at < count; at++) {
      const row = (first + at) % this.rows;
      const pass = (first + at - row) / this.rows;
      if (pass === 0) out.set(base.subarray(row * dims, (row + 1) * dims), at * dims);
      else {
        const mix = this.mixOf(space, row);
        const direction = directions.subarray(directionOf(mix, pass) * dims, (directionOf(mix, pass) + 1) * dims);
        addScaled(out.subarray(at * dims), base.subarray(row * dims, (row + 1) * dims), direction, shareOf(mix, pass));
      }
    }
  }

  /** Vector n of a space. */
  vector(space: number, n: number): Float32Array {
    const out = new Float32Array(this.source.dims);
    this.write(out, space, { first: n, count: 1 });
    return out;
  }

  /** What a row's noise in this space is chosen by. */
  mixOf(space: number, row: number): number {
    return hash(hash(this.source.seed, space), row);
  }
}

/** Which direction a row's noise has in a pass. */
export function directionOf(mix: number, pass: number): number {
  return (mix + pass) & (NOISE_DIRECTIONS - 1);
}

/** How much of the direction is added in a pass: 0 in the first, and in no two passes the same. */
export function shareOf(mix: number, pass: number): number {
  if (pass === 0) return 0;
  const turns = mix / 2 ** 32 + pass * GOLDEN;
  return NOISE_SHARE_MIN + (NOISE_SHARE_MAX - NOISE_SHARE_MIN) * (turns - Math.floor(turns));
}

/** Four numbers a turn: 1.0 instead of 1.8 µs for 768 (measured). The indices are inside by construction. */
function addScaled(...args: [out: Float32Array, row: Float32Array, direction: Float32Array, share: number]): void {
  const [out, row, direction, share] = args;
  const whole = row.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    out[at] = (row[at] as number) + share * (direction[at] as number);
    out[at + 1] = (row[at + 1] as number) + share * (direction[at + 1] as number);
    out[at + 2] = (row[at + 2] as number) + share * (direction[at + 2] as number);
    out[at + 3] = (row[at + 3] as number) + share * (direction[at + 3] as number);
  }
  for (let at = whole; at < row.length; at++) out[at] = (row[at] ?? 0) + share * (direction[at] ?? 0);
}

/** Middle of the distances (of unit vectors) from some rows to their nearest other row. */
function neighbourDistance(base: Float32Array, dims: number, seed: number): number {
  const rows = Math.min(NEIGHBOUR_ROWS, base.length / dims);
  if (rows < 2) return 1;
  const rng = createRng(seed);
  const sample = Array.from({ length: Math.min(NEIGHBOUR_SAMPLE, rows) }, () => randomBelow(rng, rows));
  const query = new Float32Array(sample.length * dims);
  for (const [at, row] of sample.entries()) query.set(rowOf(base, dims, row), at * dims);
  const nearest = exactNearest({ metric: "cosine", dims, base: base.subarray(0, rows * dims), query, k: 2 });
  const distances = sample.map((row, at) => {
    const other = nearest[2 * at] === row ? nearest[2 * at + 1] : nearest[2 * at];
    return unitDistance(rowOf(base, dims, row), rowOf(base, dims, other ?? row));
  });
  return Math.max(NEIGHBOUR_DISTANCE_MIN, middleOf(distances));
}

function middleLength(base: Float32Array, dims: number, seed: number): number {
  const rng = createRng(seed);
  const rows = Array.from({ length: NEIGHBOUR_SAMPLE }, () => randomBelow(rng, base.length / dims));
  return middleOf(rows.map((row) => lengthOf(rowOf(base, dims, row)))) || 1;
}

function addDifferences(out: Float32Array, base: Float32Array, rng: () => number): void {
  for (let at = 0; at < DIRECTION_ROWS; at++) {
    const row = rowOf(base, out.length, randomBelow(rng, base.length / out.length));
    const share = (at % 2 === 0 ? 1 : -1) / (lengthOf(row) || 1);
    for (let dim = 0; dim < out.length; dim++) out[dim] = (out[dim] ?? 0) + share * (row[dim] ?? 0);
  }
}

function unitDistance(a: Float32Array, b: Float32Array): number {
  let product = 0;
  for (let at = 0; at < a.length; at++) product += (a[at] ?? 0) * (b[at] ?? 0);
  const lengths = lengthOf(a) * lengthOf(b);
  return lengths === 0 ? 0 : Math.sqrt(Math.max(0, 2 - (2 * product) / lengths));
}

function scale(vector: Float32Array, by: number): void {
  for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) * by;
}

function lengthOf(vector: Float32Array): number {
  let squares = 0;
  for (let at = 0; at < vector.length; at++) squares += (vector[at] ?? 0) ** 2;
  return Math.sqrt(squares);
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function rowOf(vectors: Float32Array, dims: number, row: number): Float32Array {
  return vectors.subarray(row * dims, (row + 1) * dims);
}
