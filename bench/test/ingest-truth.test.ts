import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createNoisySource, NoisyVectors } from "../ingest/noisy-vectors.ts";
import { findCandidates } from "../ingest/truth/candidates.ts";
import { judgeRecall } from "../ingest/truth/judge.ts";
import { isRemoved, type Question, type Removed } from "../ingest/truth/question.ts";
import { exactSimilarity } from "../vector/measure/similarity.ts";
import { clusteredSet } from "./ingest-model.ts";

const ROWS = 300;
const DIMS = 12;
const set = clusteredSet({ rows: ROWS, dims: DIMS, queries: 6 });
const vectors = new NoisyVectors(createNoisySource(set.base, DIMS, 5));
const queryAt = (at: number) => set.query.subarray(at * DIMS, (at + 1) * DIMS);

/** Every vector made, every product summed. */
function bruteForce({ query, space, prefix, removed }: Omit<Question, "found">): number[] {
  return Array.from({ length: prefix }, (_, n) => n)
    .filter((n) => !isRemoved(removed, n))
    .map((n) => ({ n, score: exactSimilarity("cosine", queryAt(query), vectors.vector(space, n)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ n }) => n);
}

const judge = (questions: readonly Question[], held = 4_000) =>
  judgeRecall(10, questions, { vectors, query: set.query, held: [held, held, held] });

test("the nearest without making the vectors are the nearest of all that are made", () => {
  const asked = fc.record({
    query: fc.nat(5),
    space: fc.nat(2),
    prefix: fc.integer({ min: 1, max: 6 * ROWS }),
    removed: fc.option(fc.record({ below: fc.nat(3 * ROWS), of: fc.constant(10), first: fc.nat(9) }), {
      nil: undefined,
    }),
  });
  fc.assert(
    fc.property(asked, ({ query, space, prefix, removed }) => {
      const questions = [{ space, prefix, ...(removed ? { removed } : {}) }];
      const task = { source: vectors.source, query: queryAt(query).slice(), questions, from: 0, to: ROWS };
      const expected = bruteForce({ query, space, prefix, ...(removed ? { removed } : {}) }).slice(0, 10);
      assert.deepEqual(new Set((findCandidates(task)[0] ?? []).slice(0, 10)), new Set(expected));
    }),
    { numRuns: 40 },
  );
});

test("recall is the share of the true nearest that was found, over spaces, passes and prefixes", async () => {
  const cases = [
    { query: 0, space: 0, prefix: ROWS },
    { query: 1, space: 1, prefix: 3 * ROWS + 17 },
    { query: 2, space: 2, prefix: 4_000 },
    { query: 3, space: 0, prefix: 4 },
  ];
  const exact = cases.map((one) => ({ ...one, found: bruteForce(one).slice(0, 10) }));
  assert.deepEqual(await judge(exact), { recall: 1, ghosts: 0, questions: 4 });
  const shortened = cases.slice(0, 3).map((one, at) => ({ ...one, found: bruteForce(one).slice(at, 10) }));
  assert.equal((await judge(shortened)).recall, 0.9);
  const displaced = cases.slice(0, 1).map((one) => ({ ...one, found: bruteForce(one).slice(4, 14) }));
  assert.equal((await judge(displaced)).recall, 0.6);
  assert.deepEqual(await judge([]), { recall: undefined, ghosts: 0, questions: 0 });
});

test("a row named twice counts once; rows that are not held, or were removed, are ghosts", async () => {
  const one = { query: 0, space: 0, prefix: ROWS };
  const best = bruteForce(one)[0] ?? 0;
  assert.equal((await judge([{ ...one, found: new Array(10).fill(best) }])).recall, 0.1);
  assert.equal((await judge([{ ...one, found: [best, 4_000] }])).ghosts, 1);
  const removed: Removed = { below: ROWS, of: 1, first: 1 };
  const later = { ...one, prefix: 2 * ROWS, removed };
  const found = bruteForce(later).slice(0, 10);
  assert.deepEqual(await judge([{ ...later, found }]), { recall: 1, ghosts: 0, questions: 1 });
  assert.deepEqual(await judge([{ ...later, found: [...found.slice(0, 9), best] }]), {
    recall: 0.9,
    ghosts: 1,
    questions: 1,
  });
});

test("a nearer vector that came while the question was under way takes no place from a right one", async () => {
  const before = { query: 4, space: 1, prefix: ROWS };
  const found = bruteForce({ ...before, prefix: 2 * ROWS }).slice(0, 10);
  assert.ok(
    found.some((n) => n >= ROWS),
    "some that are found came later",
  );
  assert.equal((await judge([{ ...before, found }])).recall, 1);
});
