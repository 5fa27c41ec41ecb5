import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import fc from "fast-check";
import { DomainOutcomes } from "../../src/gate/domain-outcomes.ts";

const DAY_MS = 86_400_000;

test("a domain nobody has seen adds nothing; outcomes move it their way, within bounds", () => {
  const outcomes = new DomainOutcomes();
  assert.equal(outcomes.logOddsOf("new.example"), 0);
  outcomes.observe("app.example", false);
  const once = outcomes.logOddsOf("app.example");
  outcomes.observe("app.example", false);
  assert.ok(once < 0 && outcomes.logOddsOf("app.example") < once);
  for (let at = 0; at < 1_000; at++) {
    outcomes.observe("app.example", false);
    outcomes.observe("text.example", true);
  }
  assert.equal(outcomes.logOddsOf("app.example"), -3);
  assert.equal(outcomes.logOddsOf("text.example"), 3);
  assert.equal(outcomes.logOddsOf("other.example"), 0);
});

test("the mean is the Beta posterior's", () => {
  const outcomes = new DomainOutcomes({ clock: new ManualClock() });
  for (const wasEnough of [true, true, false]) outcomes.observe("a.example", wasEnough);
  assert.equal(outcomes.meanOf("a.example"), (3.5 + 2) / (4 + 3));
});

test("an outcome loses half its weight in a half-life, and old ones are forgotten", () => {
  const clock = new ManualClock();
  const outcomes = new DomainOutcomes({ clock, halfLifeMs: 7 * DAY_MS });
  for (let at = 0; at < 4; at++) outcomes.observe("a.example", false);
  assert.equal(outcomes.meanOf("a.example"), 3.5 / 8);
  clock.advance(7 * DAY_MS);
  assert.equal(outcomes.meanOf("a.example"), 3.5 / 6);
  outcomes.observe("a.example", true);
  assert.equal(outcomes.meanOf("a.example"), 4.5 / 7);
  clock.advance(700 * DAY_MS);
  assert.ok(Math.abs(outcomes.logOddsOf("a.example")) < 1e-9);
});

test("only so many domains are kept; the one unused longest goes first", () => {
  const outcomes = new DomainOutcomes({ domainsMax: 3 });
  for (const domain of ["a", "b", "c", "a", "d"]) outcomes.observe(domain, false);
  assert.equal(outcomes.size, 3);
  assert.equal(outcomes.logOddsOf("b"), 0);
  assert.ok(outcomes.logOddsOf("a") < outcomes.logOddsOf("c"), "used twice, and still here");
});

test("the order of equal outcomes does not matter, whatever the times", () => {
  const clock = new ManualClock();
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (seen) => {
      const [one, other] = [new DomainOutcomes({ clock }), new DomainOutcomes({ clock })];
      for (const wasEnough of seen) one.observe("a", wasEnough);
      for (const wasEnough of seen.toReversed()) other.observe("a", wasEnough);
      assert.equal(one.logOddsOf("a"), other.logOddsOf("a"));
    }),
  );
});
