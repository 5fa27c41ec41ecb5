import assert from "node:assert/strict";
import { test } from "node:test";
import { ndcgAt10, pairedDifference, recallAt10 } from "../../retrieval/measures.ts";

test("nDCG@10 is 1 for the ideal order, falls with the place, and ends at ten", () => {
  const grades = new Map([
    [1, 3],
    [2, 1],
  ]);
  assert.equal(ndcgAt10([1, 2, 9], grades), 1);
  // Gains 7 and 1: (1/log2 2 + 7/log2 3) / (7/log2 2 + 1/log2 3).
  assert.ok(Math.abs(ndcgAt10([2, 1], grades) - (1 + 7 / Math.log2(3)) / (7 + 1 / Math.log2(3))) < 1e-12);
  assert.equal(ndcgAt10([...Array.from({ length: 10 }, (_, at) => at + 20), 1, 2], grades), 0);
});

test("recall@10 counts what answers among the first ten", () => {
  const grades = new Map([
    [1, 3],
    [2, 1],
  ]);
  assert.equal(recallAt10([5, 1], grades), 0.5);
  assert.equal(recallAt10([], grades), 0);
});

test("the interval of a paired difference holds its mean, and is the same each time", () => {
  const ours = Array.from({ length: 50 }, (_, at) => (at % 5) / 5);
  const theirs = ours.map((value, at) => value - (at % 3) / 10);
  const interval = pairedDifference(ours, theirs);
  assert.ok(interval.low < interval.mean && interval.mean < interval.high && interval.low > 0);
  assert.deepEqual(pairedDifference(ours, theirs), interval);
});
