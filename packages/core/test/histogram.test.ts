import assert from "node:assert/strict";
import { test } from "node:test";
import { Histogram } from "@millrace/core";
import fc from "fast-check";

const values = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 0, max: 2 ** 31 }),
    fc.double({ min: 2 ** 31, max: 2 ** 40, noNaN: true }),
  ),
  { minLength: 1 },
);

test("I13: every percentile is within 1/32 of the true one, or 1 for small values", () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (recorded, quantile) => {
      const histogram = new Histogram();
      for (const value of recorded) histogram.record(value);
      const sorted = recorded.toSorted((a, b) => a - b);
      const truth = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0;
      const found = histogram.quantile(quantile);
      assert.ok(Math.abs(found - truth) <= Math.max(1, truth / 32), `${found} for ${truth}`);
      assert.equal(histogram.count, recorded.length);
      assert.equal(histogram.max, sorted.at(-1));
      assert.equal(histogram.min, sorted[0]);
    }),
  );
});

test("what is out of range is counted at the edge, and nothing is lost when histograms are merged", () => {
  const one = new Histogram();
  one.record(-5);
  one.record(Number.NaN);
  one.record(1e300);
  const two = new Histogram();
  two.record(7);
  two.merge(one);
  assert.deepEqual([two.count, two.min, two.max], [4, 0, 2 ** 40]);
  assert.equal(two.countAtMost(6), 2);
  assert.equal(two.countAtMost(7), 3);
  two.reset();
  assert.deepEqual([two.count, two.quantile(0.5), two.sum], [0, 0, 0]);
});
