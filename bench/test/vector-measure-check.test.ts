import assert from "node:assert/strict";
import { test } from "node:test";
import { ResultCheck, type SearchContext, type Violations } from "../vector/measure/result-check.ts";
import { exactSimilarity } from "../vector/measure/similarity.ts";
import { rowOf } from "../vector/measure/vector-set.ts";
import { nearest, smallSet } from "./small-vectors.ts";

const set = smallSet();
const query = rowOf(set.query, 0, set.dims);
const context: SearchContext = { query, k: 10, publishedBefore: 600, startedAfter: 600 };

function answerOf(ids: readonly number[]) {
  const scores = ids.map((id) => exactSimilarity(set.metric, query, rowOf(set.base, id, set.dims)));
  return { ids: Uint32Array.from(ids), scores: Float32Array.from(scores) };
}

const right = answerOf(nearest(query, 10, set));

function judge(answer: typeof right, more: Partial<SearchContext> = {}): Violations {
  const check = new ResultCheck(set);
  check.check(answer, { ...context, ...more });
  return check.violations;
}

const found = (counts: Partial<Violations>): Violations => ({ searches: 1, wrong: 0, short: 0, missing: 0, ...counts });

test("a right answer breaks no promise", () => {
  assert.deepEqual(judge(right), found({}));
  assert.deepEqual(judge(right, { copyOf: right.ids[3] ?? 0 }), found({}));
  assert.deepEqual(judge(answerOf([...right.ids.subarray(0, 4)]), { publishedBefore: 4 }), found({}));
});

test("a row that had not been added, or twice, is wrong", () => {
  const last = Math.max(...right.ids);
  assert.deepEqual(judge(right, { publishedBefore: last, startedAfter: last }), found({ wrong: 1 }));
  assert.deepEqual(judge(right, { publishedBefore: last, startedAfter: last + 1 }), found({}));
  assert.deepEqual(judge({ ...right, ids: right.ids.with(1, right.ids[0] ?? 0) }), found({ wrong: 1 }));
  assert.deepEqual(judge({ ...right, ids: right.ids.with(9, 600) }, { startedAfter: 601 }), found({ wrong: 1 }));
});

test("scores out of order, not numbers or not those of the rows are wrong", () => {
  assert.deepEqual(judge({ ids: right.ids.toReversed(), scores: right.scores.toReversed() }), found({ wrong: 1 }));
  assert.deepEqual(judge({ ...right, scores: right.scores.with(4, Number.NaN) }), found({ wrong: 1 }));
  assert.deepEqual(judge({ ...right, scores: right.scores.subarray(1) }), found({ wrong: 1 }));
  const shifted = right.scores.map((score) => score - 0.03);
  assert.deepEqual(judge({ ...right, scores: shifted }), found({ wrong: 1 }));
  const rounded = right.scores.map((score) => Math.round(score * 127) / 127);
  assert.deepEqual(judge({ ...right, scores: rounded }), found({}));
});

test("fewer rows than were there, or none of the row searched for, are counted apart", () => {
  const nine = answerOf([...right.ids.subarray(0, 9)]);
  assert.deepEqual(judge(nine), found({ short: 1 }));
  const absent = set.truth[50] ?? 0;
  assert.deepEqual(judge(right, { copyOf: absent }), found({ missing: 1 }));
  assert.deepEqual(judge(answerOf([]), { copyOf: absent }), found({ short: 1, missing: 1 }));
});

test("scores are compared on one search of 64", () => {
  const check = new ResultCheck(set);
  for (let made = 0; made < 129; made++) check.check(right, context);
  assert.equal(check.scoresCompared, 30);
  assert.equal(check.violations.searches, 129);
});
