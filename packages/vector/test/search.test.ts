import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { createIndex, METRICS, type Metric } from "@millrace/vector";
import fc from "fast-check";
import { DATA_SET_NAMES, type DataSet, makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { checkExact, checkResult } from "./oracle.ts";
import { segmentsOf } from "./segments-of.ts";

const DIMS = [2, 3, 16, 17, 64, 100, 129] as const;

test("searches of any data set, metric, width and size keep their promises against brute force", async () => {
  const cases = fc.record({
    name: fc.constantFrom(...DATA_SET_NAMES),
    metric: fc.constantFrom<Metric>(...METRICS),
    dims: fc.constantFrom(...DIMS),
    count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 2_600 })),
    k: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(100, 3_000)),
    graphRowsMin: fc.constantFrom(0, 16_384),
    isSettled: fc.boolean(),
    seed: fc.nat(),
  });
  const property = fc.asyncProperty(cases, async ({ name, metric, dims, count, k, graphRowsMin, isSettled, seed }) => {
    const index = createIndex({ dims, metric, graphRowsMin });
    const { rows: made, queries } = makeData(name, { dims, rows: count, queries: 1, seed });
    const rng = createRng(seed);
    const rows = new Map<number, Float32Array>();
    for (const row of made) {
      const id = randomBelow(rng, 2 ** 32);
      rows.set(id, row);
      index.add(id, row);
    }
    if (isSettled) await index.settle();
    assert.equal(index.size, rows.size);
    const oracle = { index, rows, segments: segmentsOf(index) };
    for (const query of [...queries, made[0] ?? new Float32Array(dims)]) {
      checkResult(oracle, query, k, index.search(query, k));
      checkExact(oracle, query, k);
      checkExact(oracle, query, k, (id) => id % 3 === 0);
    }
  });
  await fc.assert(property, { numRuns: 70 });
});

test("addMany adds what add adds, or nothing", async () => {
  const cases = fc.record({ count: fc.integer({ min: 0, max: 1_500 }), bad: fc.nat(), seed: fc.nat() });
  await fc.assert(
    fc.asyncProperty(cases, async ({ count, bad, seed }) => {
      const { rows } = makeData("uniform", { dims: 5, rows: count, queries: 0, seed });
      const rng = createRng(seed);
      const ids = Uint32Array.from({ length: count }, () => randomBelow(rng, 400));
      const vectors = new Float32Array(count * 5);
      for (const [at, row] of rows.entries()) vectors.set(row, at * 5);
      const [many, one] = [createIndex({ dims: 5, metric: "l2" }), createIndex({ dims: 5, metric: "l2" })];
      if (count > 0) {
        const broken = vectors.slice();
        broken[bad % broken.length] = Number.NaN;
        assert.throws(() => many.addMany(ids, broken), /every number of a vector must be finite/);
        assert.deepEqual([many.size, many.dead], [0, 0]);
      }
      many.addMany(ids, vectors);
      for (const [at, id] of ids.entries()) one.add(id, vectors.subarray(at * 5, at * 5 + 5));
      const query = Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5);
      assert.deepEqual([many.size, many.dead, many.bytes], [one.size, one.dead, one.bytes]);
      assert.deepEqual(many.search(query, 20), one.search(query, 20));
    }),
    { numRuns: 20 },
  );
});

/** Rounding of f32 in scores of this size: rows whose scores differ by less are equals. */
function roundingOf(metric: Metric, rows: readonly Float32Array[]): number {
  if (metric === "l2") return 0;
  if (metric === "cosine") return 4e-6;
  return Math.max(...rows.map((row) => row.reduce((sum, value) => sum + value * value, 0))) * 4e-6;
}

/**
 * Data whose nearest are closer together than codes can tell: recall of the nearest by score says nothing there, and the first
 * test says what holds.
 */
const TOO_CLOSE: readonly DataSet[] = ["tightClusters"];
const QUERIES = 60;
/** Three standard errors of a recall of 0.95 over 60 queries whose own deviate by 0.08. */
const NOISE = 0.03;

for (const [form, graphRowsMin] of [
  ["graphs", 0],
  ["scans", 16_384],
] as const) {
  test(`recall@10 of ${form} is what was asked for, 0.95, on every data set and metric`, async () => {
    const missed: string[] = [];
    for (const [which, name] of DATA_SET_NAMES.entries()) {
      if (TOO_CLOSE.includes(name)) continue;
      for (const [at, metric] of METRICS.entries()) {
        const dims = DIMS[2 + ((which + at) % 5)] ?? 16;
        const { rows: made, queries } = makeData(name, { dims, rows: 2_200, queries: QUERIES, seed: which });
        const rows = new Map(made.entries());
        const index = createIndex({ dims, metric, graphRowsMin });
        for (const [id, row] of rows) index.add(id, row);
        await index.settle();
        const slack = roundingOf(metric, made);
        const recalls = queries.map((query) =>
          recallOf(index.search(query, 10), { rows, query, k: 10, metric, slack }),
        );
        const recall = recalls.reduce((sum, one) => sum + one, 0) / QUERIES;
        if (recall < 0.95 - NOISE) missed.push(`${name}, ${metric}, ${dims} dimensions: ${recall.toFixed(3)}`);
      }
    }
    assert.deepEqual(missed, []);
  });
}
