import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import fc from "fast-check";
import { candidatesFor, rerank } from "../../../src/observations/recall/rerank.ts";
import { type ScoreFacts, Scorer } from "../../../src/observations/recall/score.ts";

type Space = { readonly similarity: number; readonly confidence: number; readonly ageMs: number }[];

/** Rows of which the most similar are old and doubtful, so that the nearest are not the best. */
function spaceOf(seed: number, size: number, steps: number): Space {
  const rng = createRng(seed);
  const stepped = () => Math.round(rng() * steps) / steps;
  return Array.from({ length: size }, () => {
    const similarity = stepped();
    return { similarity, confidence: (stepped() + 1 - similarity) / 2, ageMs: similarity * 1e10 * rng() };
  });
}

function search(space: Space) {
  const order = space
    .map((_, row) => row)
    .sort((a, b) => (space[b]?.similarity ?? 0) - (space[a]?.similarity ?? 0) || a - b);
  const counts: number[] = [];
  const fetch = (count: number) => {
    counts.push(count);
    const ids = order.slice(0, count);
    return { ids, scores: ids.map((row) => space[row]?.similarity ?? 0) };
  };
  const factsOf = (row: number, similarity: number): ScoreFacts => {
    const { confidence = 0, ageMs = 0 } = space[row] ?? {};
    return { similarity, confidence, importance: 0.5, ageMs };
  };
  return { fetch, factsOf, counts };
}

test("an exact reranking is that of all rows, ties included", () => {
  const input = fc.record({
    seed: fc.nat(),
    size: fc.integer({ min: 0, max: 900 }),
    steps: fc.constantFrom(4, 50, 1e9),
    k: fc.integer({ min: 1, max: 40 }),
    similarity: fc.constantFrom(0, 0.3, 1, 5, 1_000),
    threshold: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  });
  fc.assert(
    fc.property(input, ({ seed, size, steps, k, similarity, threshold }) => {
      const space = spaceOf(seed, size, steps);
      const scorer = new Scorer({ weights: { similarity, confidence: 0.5, recency: 0.5, importance: 0 } });
      const { fetch, factsOf } = search(space);
      const limit = threshold === undefined ? {} : { threshold };
      const { results, isExact } = rerank({ k, scorer, fetch, factsOf, ...limit });
      const all = space.map((row, at) => ({ row: at, score: scorer.score(factsOf(at, row.similarity)) }));
      const best = all
        .filter(({ score }) => score >= (threshold ?? 0))
        .sort((a, b) => b.score - a.score || a.row - b.row)
        .slice(0, k);
      assert.equal(isExact, true);
      assert.deepEqual(
        results.map(({ row, score }) => ({ row, score })),
        best,
      );
    }),
    { numRuns: 200 },
  );
});

test("it stops as soon as no other row can enter, and says so when it was cut off before", () => {
  const space = spaceOf(1, 9_000, 1e9);
  const alone = search(space);
  const bySimilarity = new Scorer({ weights: { similarity: 1, confidence: 0, importance: 0, recency: 0 } });
  assert.equal(candidatesFor(10, bySimilarity), 10);
  const first = rerank({ k: 10, scorer: new Scorer({ weights: { similarity: 50 } }), ...alone });
  assert.equal(first.isExact, true);
  assert.ok(first.candidates < 2_000, `${first.candidates}`);
  const flat = search(space);
  const cut = rerank({ k: 10, scorer: new Scorer({ weights: { similarity: 0.01 } }), candidatesMax: 500, ...flat });
  assert.deepEqual([cut.isExact, cut.candidates], [false, 500]);
  const whole = rerank({ k: 10, scorer: new Scorer({ weights: { similarity: 0.01 } }), ...flat });
  assert.deepEqual([whole.isExact, whole.candidates], [true, 9_000]);
});

test("where the other terms are spread evenly the first fetch has most of the best rows, and the second nearly all", () => {
  const found = [0, 0];
  for (let seed = 0; seed < 50; seed++) {
    const rng = createRng(seed);
    const space = Array.from({ length: 5_000 }, () => ({
      similarity: rng() ** 3,
      confidence: rng(),
      ageMs: rng() * 1e10,
    }));
    const { fetch, factsOf, counts } = search(space);
    const scorer = new Scorer();
    const whole = new Set(rerank({ k: 10, scorer, fetch, factsOf }).results.map(({ row }) => row));
    const first = candidatesFor(10, scorer);
    assert.equal(counts[0], first);
    for (const [at, candidatesMax] of [first, 4 * first].entries()) {
      const { results } = rerank({ k: 10, scorer, fetch, factsOf, candidatesMax });
      found[at] = (found[at] ?? 0) + results.filter(({ row }) => whole.has(row)).length;
    }
  }
  const [first = 0, second = 0] = found;
  assert.ok(first >= 0.65 * 500 && first < second && second >= 0.98 * 500, `${found} of 500`);
});
