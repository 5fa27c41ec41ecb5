/**
 * Distances in plain JavaScript: the oracle of the WebAssembly kernels, and what runs where SIMD is missing. Two vectors of one
 * length each, which is not checked. O(length).
 */
import { LEVEL_MAX } from "./codes.ts";
import { LENGTH_MIN } from "./limits.ts";

type Numbers = Float32Array | Int8Array;

/** Inner product, summed in f64: exact for 8-bit numbers. */
export function scalarDot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

/** Squared Euclidean distance, summed in f64: exact for 8-bit numbers. */
export function scalarL2Squared(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    const rest = (a[at] ?? 0) - (b[at] ?? 0);
    sum += rest * rest;
  }
  return sum;
}

/** Cosine of the angle, −1..1; 0 when either vector is zero (f32: shorter than 1e-15). */
export function scalarCosine(a: Numbers, b: Numbers): number {
  const squaresA = scalarDot(a, a);
  const squaresB = scalarDot(b, b);
  if (Math.sqrt(squaresA) < LENGTH_MIN || Math.sqrt(squaresB) < LENGTH_MIN) return 0;
  return Math.max(-1, Math.min(1, scalarDot(a, b) / Math.sqrt(squaresA * squaresB)));
}

/** Differing bits of two runs of bytes. */
export function scalarHamming(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) {
    let bits = (a[at] ?? 0) ^ (b[at] ?? 0);
    bits -= (bits >> 1) & 0x55;
    bits = (bits & 0x33) + ((bits >> 2) & 0x33);
    sum += (bits + (bits >> 4)) & 15;
  }
  return sum;
}

/** Sum of |15 × bit − level| over the levels (0..15) of a query and the bits of a row. */
export function scalarLevels(levels: Uint8Array, bits: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < levels.length; at++) {
    const level = levels[at] ?? 0;
    sum += ((bits[at >> 3] ?? 0) >> (at & 7)) & 1 ? LEVEL_MAX - level : level;
  }
  return sum;
}
