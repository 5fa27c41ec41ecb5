import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VectorEncoder } from "../ingest/encode-vectors.ts";
import { createNoisySource, NoisyVectors } from "../ingest/noisy-vectors.ts";
import { createSpaceChoice } from "../ingest/space-choice.ts";
import { clusteredSet } from "./ingest-model.ts";

const ROWS = 60;
const DIMS = 7;
const { base } = clusteredSet({ rows: ROWS, dims: DIMS, queries: 1 });
const vectors = new NoisyVectors(createNoisySource(base, DIMS, 1));

const bytesOf = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("hex");

test("the first pass is the file, and no vector of a space comes twice in 200 passes", () => {
  const first = new Float32Array(ROWS * DIMS);
  vectors.write(first, 3, { first: 0, count: ROWS });
  assert.deepEqual(first, base);
  const seen = new Set(Array.from({ length: 200 * ROWS }, (_, n) => bytesOf(vectors.vector(3, n))));
  assert.equal(seen.size, 200 * ROWS);
});

test("rows that are equal in the file, even all of them, are given different noise", () => {
  const same = new Float32Array(20 * DIMS).fill(0.5);
  const made = new NoisyVectors(createNoisySource(same, DIMS, 1));
  const later = Array.from({ length: 10 * 20 }, (_, n) => bytesOf(made.vector(0, 20 + n)));
  assert.equal(new Set(later).size, later.length);
});

test("noise is there, smaller than a third of the way to a neighbour, and another one in another space", () => {
  const { directions } = vectors.source;
  const neighbour = Math.hypot(...directions.subarray(0, DIMS));
  for (let n = ROWS; n < 5 * ROWS; n++) {
    const row = vectors.vector(0, n % ROWS);
    const away = Math.hypot(...vectors.vector(0, n).map((value, at) => value - (row[at] ?? 0)));
    assert.ok(away > 0.09 * neighbour && away < neighbour / 3, `noise of ${away}, neighbours at ${neighbour}`);
    assert.notDeepEqual(vectors.vector(1, n), vectors.vector(0, n));
  }
});

test("vectors are the same whichever piece they are made in", () => {
  const whole = new Float32Array(5 * ROWS * DIMS);
  vectors.write(whole, 2, { first: 0, count: 5 * ROWS });
  const piece = fc.record({ first: fc.nat(5 * ROWS - 1), length: fc.integer({ min: 1, max: ROWS }) });
  fc.assert(
    fc.property(piece, ({ first, length }) => {
      const count = Math.min(length, 5 * ROWS - first);
      const out = new Float32Array(count * DIMS);
      vectors.write(out, 2, { first, count });
      assert.deepEqual(out, whole.slice(first * DIMS, (first + count) * DIMS));
    }),
  );
});

test("encoded vectors read back are near what was written", () => {
  const encoders = { f32: 0, f16: 1 / 2_048, i8: 1 / 127 } as const;
  for (const [encoding, error] of Object.entries(encoders)) {
    const encoder = new VectorEncoder(encoding as keyof typeof encoders, DIMS, 3);
    vectors.write(encoder.floats, 0, { first: ROWS, count: 3 });
    const bytes = encoder.encode(3).slice();
    const stride = bytes.length / 3;
    for (let at = 0; at < 3; at++) {
      const vector = vectors.vector(0, ROWS + at);
      const greatest = Math.max(...vector.map(Math.abs));
      for (let dim = 0; dim < DIMS; dim++) {
        const read = decode(encoding, bytes.subarray(at * stride), dim);
        const off = Math.abs(read - (vector[dim] ?? 0));
        assert.ok(off <= error * greatest, `${encoding} ${at}/${dim}: ${read} for ${vector[dim]}`);
      }
    }
  }
});

function decode(encoding: string, bytes: Uint8Array, dim: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (encoding === "f32") return view.getFloat32(dim * 4, true);
  if (encoding === "f16") return view.getFloat16(dim * 2, true);
  return view.getInt8(4 + dim) * view.getFloat32(0, true);
}

const shares = (spaces: number, options: { skew?: number; hot?: number }) => {
  const { skew = 0, hot } = options;
  const choose = createSpaceChoice({ spaces, skew, hot, seed: 1 });
  const counts = new Array<number>(spaces).fill(0);
  for (let at = 0; at < 20_000; at++) {
    const space = choose();
    counts[space] = (counts[space] ?? 0) + 1 / 20_000;
  }
  return counts;
};

test("batches go to spaces in turn, by Zipf's law, or to the hot tenth", () => {
  const choose = createSpaceChoice({ spaces: 3, skew: 0, hot: undefined, seed: 1 });
  assert.deepEqual(Array.from({ length: 7 }, choose), [0, 1, 2, 0, 1, 2, 0]);
  const [first = 0, second = 0, , fourth = 0] = shares(8, { skew: 1 });
  assert.ok(Math.abs(first / second - 2) < 0.2 && Math.abs(first / fourth - 4) < 0.6, `${first} ${second} ${fourth}`);
  const hot = shares(20, { hot: 0.9 });
  assert.ok(Math.abs((hot[0] ?? 0) + (hot[1] ?? 0) - 0.9) < 0.01);
  assert.ok(hot.slice(2).every((share) => Math.abs(share - 0.1 / 18) < 0.003));
  assert.deepEqual(shares(4, { hot: 1 }).slice(1), [0, 0, 0]);
});
