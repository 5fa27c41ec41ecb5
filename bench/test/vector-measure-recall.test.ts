import assert from "node:assert/strict";
import { test } from "node:test";
import { METRICS } from "@millrace/vector";
import fc from "fast-check";
import { queriesAtRecall } from "../vector/measure/curve.ts";
import { NearestSoFar } from "../vector/measure/nearest-so-far.ts";
import { recallAt } from "../vector/measure/recall.ts";
import { rateOf, searchQueries, timeSearches } from "../vector/measure/search-queries.ts";
import { exactSimilarity } from "../vector/measure/similarity.ts";
import { rowOf, TRUTH_IDS } from "../vector/measure/vector-set.ts";
import { ExactContender, nearest, smallSet } from "./small-vectors.ts";

const set = smallSet();
const truthOf = (query: number) => Uint32Array.from(set.truth.subarray(query * TRUTH_IDS, query * TRUTH_IDS + 10));

test("recall counts each true neighbour once, and no row that does not exist", () => {
  const right = truthOf(0);
  assert.equal(recallAt(10, set, [right]), 1);
  assert.equal(recallAt(10, set, [right.toReversed()]), 1);
  assert.equal(recallAt(10, set, [right.subarray(0, 7)]), 0.7);
  assert.equal(recallAt(10, set, [new Uint32Array(10).fill(right[0] ?? 0)]), 0.1);
  assert.equal(recallAt(10, set, [right.with(0, 600).with(1, 4_294_967_295)]), 0.8);
  assert.equal(recallAt(10, set, [right, new Uint32Array(0)]), 0.5);
  // Ranks 11 to 20 are not among the 10 nearest, and what was found behind the tenth does not count.
  const next = Uint32Array.from(set.truth.subarray(10, 20));
  assert.equal(recallAt(10, set, [next]), 0);
  assert.equal(recallAt(10, set, [Uint32Array.from([...next, ...right])]), 0);
});

test("a row as near as the tenth counts as one of the ten", () => {
  const [tenth = 0, other = 0] = [set.truth[9], set.truth[50]];
  const base = set.base.slice();
  rowOf(base, other, set.dims).set(rowOf(base, tenth, set.dims));
  const twin = truthOf(0).with(9, other);
  assert.equal(recallAt(10, set, [twin]), 0.9);
  assert.equal(recallAt(10, { ...set, base }, [twin]), 1);
});

for (const metric of METRICS) {
  test(`the similarity under ${metric} is that of its definition`, () => {
    const [a, b] = [Float32Array.of(1, 2, 2), Float32Array.of(2, 0, 4)];
    const expected = { dot: 10, l2: -(1 + 4 + 4), cosine: 10 / (3 * Math.sqrt(20)) }[metric];
    assert.ok(Math.abs(exactSimilarity(metric, a, b) - expected) < 1e-12);
    assert.equal(exactSimilarity("cosine", a, new Float32Array(3)), 0);
  });

  test(`the nearest of rows that pass by are those of all of them under ${metric}`, () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 }), (pieces) => {
        const rows = pieces.reduce((sum, piece) => sum + piece, 0);
        const made = smallSet({ rows: rows + 1, queries: 3, dims: 4, metric });
        const seen = new NearestSoFar(made.query, { dims: 4, metric, k: 10 });
        let from = 0;
        for (const piece of pieces) {
          seen.add(from, made.base.subarray(from * 4, (from + piece) * 4));
          from += piece;
        }
        const all = { ...made, base: made.base.subarray(0, rows * 4) };
        for (let at = 0; at < 3; at++) assert.deepEqual(seen.idsOf(at), nearest(rowOf(made.query, at, 4), 10, all));
      }),
      { numRuns: 30 },
    );
  });
}

test("queries a second at a recall lie between the points around it", () => {
  const points = [
    { recall: 0.8, queriesPerSecond: 16_000 },
    { recall: 0.9, queriesPerSecond: 4_000 },
    { recall: 0.96, queriesPerSecond: 1_000 },
  ];
  const at = (recall: number) => queriesAtRecall(points, recall);
  assert.equal(at(0.7), 16_000);
  assert.ok(Math.abs((at(0.9) ?? 0) - 4_000) < 1e-6);
  assert.ok(Math.abs((at(0.85) ?? 0) - 8_000) < 1e-6);
  assert.ok(Math.abs((at(0.93) ?? 0) - 2_000) < 1e-6);
  assert.equal(at(0.97), undefined);
  // A point slower and worse than another counts for nothing.
  const worse = { recall: 0.95, queriesPerSecond: 500 };
  assert.equal(queriesAtRecall([...points, worse], 0.93), at(0.93));
});

test("searches are timed one by one, gone through again until the time is up, and their recall is that of the first pass", async () => {
  const contender = new ExactContender();
  contender.add(
    Uint32Array.from({ length: 600 }, (_, id) => id),
    set.base,
  );
  const startedMs = performance.now();
  let all = await searchQueries(contender, set);
  const passSeconds = (performance.now() - startedMs) / 1_000;
  assert.deepEqual([all.recall, all.queries], [1, 20]);
  // Longer than a pass takes, however slow the machine; again where the machine was held up at the first.
  for (let secondsMin = 4 * passSeconds; all.queries === 20; secondsMin *= 2) {
    all = await searchQueries(contender, set, { secondsMin, secondsMax: Number.POSITIVE_INFINITY });
    assert.ok(all.queries / all.queriesPerSecond >= secondsMin * (1 - 1e-9), "it ended before its time");
  }
  assert.ok(all.recall === 1 && all.p50Ms <= all.p99Ms, JSON.stringify(all));
  contender.setEffort(60);
  const tenth = await searchQueries(contender, set);
  assert.ok(tenth.recall > 0 && tenth.recall < 0.3, `recall ${tenth.recall} over a tenth of the rows`);
  assert.equal(tenth.queries, 20);
});

test("a slow index is searched less often, and recall is over the queries made", async () => {
  const many = smallSet({ queries: 120 });
  const contender = new ExactContender();
  contender.add(
    Uint32Array.from({ length: 600 }, (_, id) => id),
    many.base,
  );
  const timed = await timeSearches(contender, many, { secondsMax: 0 });
  assert.equal(timed.found.length, 50);
  const rate = rateOf(recallAt(10, many, timed.found), [timed, timed]);
  assert.equal(rate.recall, 1);
  assert.equal(rate.queries, 100);
  assert.ok(Math.abs(rate.queriesPerSecond - 50 / timed.seconds) < 1e-6 * rate.queriesPerSecond);
});
