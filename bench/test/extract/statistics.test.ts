import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import { bootstrapMean, bootstrapRatio, meanOf, percentileOf } from "../../extract/statistics.ts";

const rng = createRng(7);
const values = Array.from({ length: 400 }, () => rng());

test("a bootstrap is the same for the same seed and another for another", () => {
  assert.deepEqual(bootstrapMean(values, 1), bootstrapMean(values, 1));
  assert.notDeepEqual(bootstrapMean(values, 1), bootstrapMean(values, 2));
});

test("its interval is as wide as the standard error says", () => {
  // Evenly spread values have a standard deviation of √(1/12): 95 % of means of 400 lie within ±1.96 × 0.2887 / 20 = ±0.0283.
  const [low, high] = bootstrapMean(values, 1);
  const mean = meanOf(values);
  assert.ok(low < mean && mean < high);
  assert.ok(Math.abs(high - low - 0.0566) < 0.006, `${low} … ${high}`);
});

test("values that do not differ have an interval of no width, and none have one at 0", () => {
  assert.deepEqual(bootstrapMean([0.5, 0.5, 0.5], 1), [0.5, 0.5]);
  assert.deepEqual(bootstrapMean([], 1), [0, 0]);
});

test("a ratio of sums pairs the pages: times that are three times the others are so in every resample", () => {
  const [low, high] = bootstrapRatio(
    values.map((value) => 3 * value),
    values,
    1,
  );
  assert.ok(Math.abs(low - 3) < 1e-9 && Math.abs(high - 3) < 1e-9);
});

test("percentiles are the nearest rank", () => {
  const ten = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
  assert.deepEqual(
    [0.5, 0.95, 0.99, 1, 0.1].map((share) => percentileOf(ten, share)),
    [5, 10, 10, 10, 1],
  );
  assert.equal(percentileOf([], 0.5), 0);
});
