import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import {
  BLOCK_ROWS,
  bestKernel,
  createKernel,
  isKernelSupported,
  KERNEL_NAMES,
  type KernelName,
} from "@millrace/vector";
import fc from "fast-check";

const BLOCK = 65_536;
const OUT = 16_384;

type Case = { stride: number; rows: number; seed: number; extreme: boolean; threshold: number };

/** What a kernel writes for a random block: the pairs as raw words, so that equality is equality of bits. */
function scanWith(name: KernelName, { stride, rows, seed, extreme, threshold }: Case): Uint32Array {
  const memory = new WebAssembly.Memory({ initial: 20, maximum: 32, shared: true });
  const rng = createRng(seed);
  const code = () => (extreme ? (rng() < 0.5 ? 127 : -127) : randomBelow(rng, 255) - 127);
  const floats = new Float32Array(memory.buffer);
  const codes = new Int8Array(memory.buffer, BLOCK, BLOCK_ROWS * stride);
  for (let at = 0; at < rows * stride; at++) codes[at] = code();
  const scales = (BLOCK + BLOCK_ROWS * stride) / 4;
  floats.fill(Number.NaN, scales, scales + BLOCK_ROWS);
  for (let row = 0; row < rows; row++) {
    floats[scales + row] = rng() < 0.1 ? Number.NaN : rng() / 100;
    floats[scales + BLOCK_ROWS + row] = rng() - 0.5;
  }
  const kernel = createKernel(name, memory);
  kernel.writeQuery(Int8Array.from({ length: stride }, code), 0);
  const found = kernel.scan({ block: BLOCK, rows, stride, query: 0, alpha: 0.003, base: 0.25, threshold, out: OUT });
  return new Uint32Array(memory.buffer, OUT, found * 2).slice();
}

for (const name of KERNEL_NAMES.filter((known) => known !== "scalar")) {
  test(`${name} returns the bits of the scalar twin`, () => {
    const cases = fc.record({
      stride: fc.integer({ min: 1, max: 64 }).map((blocks) => blocks * 16),
      rows: fc.integer({ min: 1, max: BLOCK_ROWS }),
      seed: fc.nat(),
      extreme: fc.boolean(),
      threshold: fc.constantFrom(Number.NEGATIVE_INFINITY, 0, 0.25, 0.5),
    });
    fc.assert(
      fc.property(cases, (input) => {
        assert.deepEqual(scanWith(name, input), scanWith("scalar", input));
      }),
      { numRuns: 60 },
    );
  });
}

test("the widest rows at the largest codes do not overflow", () => {
  const input = { stride: 4_096, rows: 4, seed: 1, extreme: true, threshold: Number.NEGATIVE_INFINITY };
  const memory = new WebAssembly.Memory({ initial: 20, maximum: 32, shared: true });
  for (const name of KERNEL_NAMES.filter(isKernelSupported)) {
    const codes = new Int8Array(memory.buffer, BLOCK, 4 * input.stride).fill(-127);
    assert.equal(codes.length, 16_384);
    const scales = (BLOCK + BLOCK_ROWS * input.stride) / 4;
    new Float32Array(memory.buffer).fill(1, scales, scales + 4);
    const kernel = createKernel(name, memory);
    kernel.writeQuery(new Int8Array(input.stride).fill(127), 0);
    const args = {
      block: BLOCK,
      rows: 4,
      stride: input.stride,
      query: 0,
      alpha: 1,
      base: 0,
      threshold: -1e30,
      out: OUT,
    };
    assert.equal(kernel.scan(args), 4);
    assert.equal(new Float32Array(memory.buffer)[OUT / 4 + 1], -127 * 127 * 4_096);
  }
});

test("this runtime has both WebAssembly kernels and takes the fastest", () => {
  assert.deepEqual(KERNEL_NAMES.filter(isKernelSupported), ["relaxed", "simd", "scalar"]);
  assert.equal(bestKernel(), "relaxed");
});
