import type { Scan } from "../kernel.ts";
import { BLOCK_ROWS } from "../limits.ts";

/** The scan in JavaScript: the oracle of the WebAssembly kernels and the fallback where SIMD is missing. Same bits out. */
export function createScalarScan(memory: WebAssembly.Memory): Scan {
  let bytes = new Int8Array(memory.buffer);
  let floats = new Float32Array(memory.buffer);
  return ({ block, rows, stride, query, alpha, base, threshold, out }) => {
    if (bytes.buffer !== memory.buffer) {
      bytes = new Int8Array(memory.buffer);
      floats = new Float32Array(memory.buffer);
    }
    const codes = new Int16Array(memory.buffer, query, stride);
    const words = new Uint32Array(memory.buffer, out, rows * 2);
    const scales = (block + BLOCK_ROWS * stride) >>> 2;
    let found = 0;
    for (let row = 0; row < rows; row++) {
      const dot = dotOf(bytes, block + row * stride, codes);
      const scale = floats[scales + row] ?? Number.NaN;
      const bias = floats[scales + BLOCK_ROWS + row] ?? Number.NaN;
      const scaled = Math.fround(Math.fround(Math.fround(dot) * scale) * Math.fround(alpha));
      const score = Math.fround(Math.fround(scaled + bias) + Math.fround(base));
      if (!(score >= Math.fround(threshold))) continue;
      words[found * 2] = row;
      floats[(out >>> 2) + found * 2 + 1] = score;
      found++;
    }
    return found;
  };
}

/** Exact: |sum| ≤ 4,096 × 127², far below 2^31. */
function dotOf(bytes: Int8Array, start: number, codes: Int16Array): number {
  let sum = 0;
  for (let at = 0; at < codes.length; at++) sum += (bytes[start + at] ?? 0) * (codes[at] ?? 0);
  return sum;
}
