import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError } from "@millrace/core";
import {
  createFlatIndex,
  createMean,
  decodeMean,
  decodeRow,
  encodeMean,
  encodeVector,
  METRICS,
  type Metric,
} from "@millrace/vector";
import fc from "fast-check";
import { DISTRIBUTIONS, type Distribution } from "./vectors.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

test("an index restored from its rows and means answers with the same bits", () => {
  const cases = fc.record({
    distribution: fc.constantFrom(...(Object.keys(DISTRIBUTIONS) as Distribution[])),
    metric: fc.constantFrom<Metric>(...METRICS),
    dims: fc.integer({ min: 2, max: 50 }),
    count: fc.integer({ min: 1, max: 300 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(cases, ({ distribution, metric, dims, count, seed }) => {
      const rng = createRng(seed);
      const index = createFlatIndex({ dims, metric });
      for (let id = 0; id < count; id++) index.add(id, DISTRIBUTIONS[distribution](rng, dims));
      const means = index.means.map((mean) => decodeMean(encodeMean(mean)));
      const restored = createFlatIndex({ dims, metric, means });
      for (let id = 0; id < count; id++) restored.addEncoded(id, index.encode(id));
      const query = DISTRIBUTIONS[distribution](rng, dims);
      assert.deepEqual(restored.search(query, 20), index.search(query, 20));
      assert.deepEqual(restored.means, index.means);
    }),
    { numRuns: 40 },
  );
});

test("a vector encoded outside an index is the row the index would make", () => {
  const rng = createRng(2);
  const index = createFlatIndex({ dims: 30, metric: "cosine" });
  for (let id = 0; id < 300; id++) index.add(id, DISTRIBUTIONS.dominant(rng, 30));
  const vector = DISTRIBUTIONS.dominant(rng, 30);
  index.add(300, vector);
  const mean = index.means.at(-1);
  assert.ok(mean && mean.rows === 256);
  const bytes = encodeVector(vector, { metric: "cosine", mean });
  assert.equal(bytes.length, 20 + 30);
  assert.deepEqual(bytes, index.encode(300));
});

test("the layout is the documented one", () => {
  const bytes = encodeVector(Float32Array.of(127, -3, 0), { metric: "dot" });
  const view = new DataView(bytes.buffer);
  assert.deepEqual([view.getUint8(0), view.getUint8(1), view.getUint16(2, true)], [1, 1, 3]);
  assert.deepEqual([view.getUint32(4, true), view.getFloat32(8, true), view.getFloat32(12, true)], [0, 1, 0]);
  assert.deepEqual([...new Int8Array(bytes.buffer, 16, 3)], [127, -3, 0]);
});

test("any altered byte or cut is refused", () => {
  const row = encodeVector(DISTRIBUTIONS.uniform(createRng(4), 12), { metric: "l2" });
  const mean = encodeMean(createMean(DISTRIBUTIONS.uniform(createRng(5), 12), 256));
  for (const [bytes, decode] of [[row, decodeRow] as const, [mean, decodeMean] as const]) {
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at] = (altered[at] ?? 0) ^ 0x10;
      assert.throws(() => decode(altered), hasCode("storage_failed"));
      assert.throws(() => decode(bytes.subarray(0, at)), hasCode("storage_failed"));
    }
  }
});

test("a row of another dimension, metric or mean is refused with its reason", () => {
  const index = createFlatIndex({ dims: 4, metric: "cosine" });
  const vector = Float32Array.of(1, 2, 3, 4);
  const mean = createMean(Float32Array.of(1, 0, 0, 0), 256);
  assert.throws(
    () => index.addEncoded(1, encodeVector(Float32Array.of(1, 2), { metric: "cosine" })),
    hasCode("dimension_mismatch"),
  );
  assert.throws(() => index.addEncoded(1, encodeVector(vector, { metric: "dot" })), hasCode("conflict"));
  assert.throws(
    () => index.addEncoded(1, encodeVector(vector, { metric: "cosine", mean })),
    /mean \d+, which the index was not given/,
  );
  assert.throws(() => index.encode(1), hasCode("not_found"));
  assert.equal(index.size, 0);
});
