import { createRng } from "@millrace/core";
import { ROTATION_ROUNDS, type SegmentLayout, WORD } from "./layout.ts";

/**
 * What happens to a vector before it is coded: the mean is subtracted, because embeddings share a large common part, which would
 * eat the bits; and where single dimensions dominate, the rest is rotated at random, which spreads them (RaBitQ, Gao and Long 2024).
 */
export type Transform = {
  readonly mean: Float32Array;
  readonly isRotated: boolean;
};

/** No mean, no rotation. */
export function plainTransform(dims: number): Transform {
  return { mean: new Float32Array(dims), isRotated: false };
}

/** Writes the mean and the rotation's signs, which are the same for every segment of a width. */
export function writeTransform(memory: WebAssembly.Memory, layout: SegmentLayout, transform: Transform): void {
  const words = new Uint32Array(memory.buffer);
  const numbers = new Float32Array(memory.buffer);
  numbers.set(transform.mean, layout.meanAt / 4);
  words[WORD.isRotated] = transform.isRotated ? 1 : 0;
  numbers[WORD.meanSquares] = transform.mean.reduce((sum, value) => sum + value * value, 0);
  const rng = createRng(layout.stride);
  const flips = layout.flipsAt / 4;
  for (let at = 0; at < layout.stride * ROTATION_ROUNDS; at++) {
    words[flips + at] = rng() < 0.5 ? 0x8000_0000 : 0;
  }
}

/** The transform that a segment was made with. */
export function readTransform(memory: WebAssembly.Memory, layout: SegmentLayout, dims: number): Transform {
  const words = new Uint32Array(memory.buffer);
  const mean = new Float32Array(memory.buffer, layout.meanAt, dims).slice();
  return { mean, isRotated: words[WORD.isRotated] === 1 };
}
