import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { type Decay, decayed } from "../../../src/observations/recall/decay.ts";
import {
  type ScoreFacts,
  Scorer,
  scoreOf,
  TERM_NAMES,
  WEIGHTS_DEFAULT,
} from "../../../src/observations/recall/score.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const span = fc.double({ min: 1, max: 1e11, noNaN: true });
const decay: fc.Arbitrary<Decay> = fc.oneof(
  fc.constant({ kind: "none" as const }),
  fc.record({ kind: fc.constant("exponential" as const), halfLifeMs: span }),
  fc.record({
    kind: fc.constant("power" as const),
    scaleMs: span,
    exponent: fc.double({ min: 0.01, max: 5, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("two-component" as const),
    fastHalfLifeMs: span,
    slowHalfLifeMs: span,
    fastShare: share,
  }),
);
const facts: fc.Arbitrary<ScoreFacts> = fc.record({
  similarity: fc.double({ min: -1, max: 1, noNaN: true }),
  text: share,
  confidence: share,
  importance: share,
  ageMs: fc.double({ min: -1e9, max: 1e12, noNaN: true }),
  association: share,
});
const has = fc.record({ vector: fc.boolean(), text: fc.boolean(), associations: fc.boolean() });
const weight = fc.double({ min: 0, max: 100, noNaN: true });
const weights = fc.record(
  {
    similarity: weight,
    text: weight,
    confidence: fc.double({ min: 0.1, max: 9, noNaN: true }),
    importance: weight,
    recency: weight,
    association: weight,
  },
  { requiredKeys: ["confidence"] },
);
const scorer = fc.record({ weights, decay, has }).map((options) => new Scorer(options));

test("the shares sum to the score to the last bit, weights to 1, and each share is its weight times its value", () => {
  fc.assert(
    fc.property(scorer, facts, (judge, row) => {
      const { score, terms } = judge.explain(row);
      let sum = 0;
      for (const term of terms) {
        sum += term.share;
        assert.equal(term.share, term.weight * term.value);
        assert.ok(term.value >= 0 && term.value <= 1 && term.weight > 0);
      }
      assert.equal(sum, score);
      assert.equal(judge.score(row), score);
      assert.ok(Math.abs(terms.reduce((total, term) => total + term.weight, 0) - 1) < 1e-12);
      assert.deepEqual(
        terms.map(({ name }) => name),
        TERM_NAMES.filter((name) => judge.weight(name) > 0),
      );
    }),
  );
});

test("raising a term never lowers the score, and lifts it wherever the term counts", () => {
  const name = fc.constantFrom("similarity", "text", "confidence", "importance", "association");
  fc.assert(
    fc.property(scorer, facts, name, share, (judge, row, raised, value) => {
      const higher = Math.max(row[raised as "text"] ?? 0, value);
      const before = judge.score(row);
      const after = judge.score({ ...row, [raised]: higher });
      assert.ok(after >= before);
      const gain = judge.weight(raised as "text") * (higher - Math.max(0, row[raised as "text"] ?? 0));
      assert.ok(Math.abs(after - before - gain) < 1e-12);
    }),
  );
});

test("of two rows that are else the same the older never scores more, whatever the decay", () => {
  fc.assert(
    fc.property(scorer, facts, fc.double({ min: 0, max: 1e12, noNaN: true }), (judge, row, older) => {
      assert.ok(judge.score({ ...row, ageMs: row.ageMs + older }) <= judge.score(row));
    }),
  );
});

test("no row scores more than the bound of its similarity", () => {
  fc.assert(
    fc.property(scorer, facts, share, (judge, row, more) => {
      const similarity = (row.similarity ?? 0) + more;
      assert.ok(judge.score(row) <= judge.bound(similarity));
      const { text = 1, confidence, importance, ageMs, association = 1 } = row;
      assert.ok(judge.score(row) <= judge.bound(similarity, { text, confidence, importance, ageMs, association }));
    }),
  );
});

test("each decay is 1 at no age and as its formula says", () => {
  assert.equal(decayed({ kind: "none" }, 1e12), 1);
  assert.ok(Math.abs(decayed({ kind: "exponential", halfLifeMs: 1_000 }, 3_000) - 1 / 8) < 1e-15);
  assert.ok(Math.abs(decayed({ kind: "power", scaleMs: 1_000, exponent: 0.5 }, 3_000) - 0.5) < 1e-15);
  const both: Decay = { kind: "two-component", fastHalfLifeMs: 100, slowHalfLifeMs: 1_000, fastShare: 0.6 };
  assert.ok(Math.abs(decayed(both, 1_000) - (0.6 / 1_024 + 0.4 / 2)) < 1e-15);
  for (const one of [both, { kind: "power", scaleMs: 5, exponent: 2 } as const]) {
    assert.equal(decayed(one, 0), 1);
    assert.equal(decayed(one, -50), 1);
  }
});

test("terms that the question cannot fill weigh nothing, and the default lets likeness decide", () => {
  const row = { similarity: 0.8, text: 1, confidence: 1, importance: 0.5, ageMs: 0, association: 1 };
  const { score, terms } = scoreOf(row);
  assert.deepEqual(
    terms.map(({ name }) => name),
    ["similarity", "confidence", "importance", "recency"],
  );
  assert.ok(Math.abs(score - (0.7 * 0.8 + 0.1 + 0.05 * 0.5 + 0.15)) < 1e-12);
  assert.equal(WEIGHTS_DEFAULT.similarity, 0.7);
  const text = scoreOf(row, { has: { text: true } }).terms.map(({ name }) => name);
  assert.deepEqual(text, ["text", "confidence", "importance", "recency"]);
  const alone = scoreOf(row, { weights: { similarity: 3, confidence: 0, importance: 0, recency: 0 } });
  assert.equal(alone.score, 0.8);
});

test("weights and decays out of range are refused by name", () => {
  const cases: readonly [object, RegExp][] = [
    [{ weights: { similarity: -1 } }, /weights\.similarity is -1; it must be a number from 0 to 1000000/],
    [{ weights: { recency: Number.NaN } }, /weights\.recency is null/],
    [{ weights: { luck: 1 } }, /weights\.luck is not known; terms are similarity/],
    [{ weights: { similarity: 0, confidence: 0, importance: 0, recency: 0 } }, /all 0/],
    [{ decay: { kind: "linear" } }, /decay\.kind is "linear"/],
    [{ decay: { kind: "exponential", halfLifeMs: 0 } }, /decay\.halfLifeMs is 0; it must be a number above 0/],
    [{ decay: { kind: "power", scaleMs: 1, exponent: -1 } }, /decay\.exponent is -1/],
    [{ decay: { kind: "two-component", fastHalfLifeMs: 1, slowHalfLifeMs: 1, fastShare: 2 } }, /decay\.fastShare is 2/],
  ];
  for (const [options, message] of cases) {
    assert.throws(
      () => new Scorer(options as never),
      (error) => error instanceof MillraceError && error.code === "invalid_argument" && message.test(error.message),
    );
  }
});
