import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createGate } from "../../src/gate/create-gate.ts";
import { type GateResult, gateResult } from "../../src/gate/gate.ts";
import { HeadlessBudget } from "../../src/gate/headless-budget.ts";

/** A page judged at these log-odds. */
function judgedAt(score: number, isPdf = false): GateResult {
  return gateResult({ base: score }, isPdf);
}

test("of any pages at most the burst and the share get a browser, whatever the gate wants", () => {
  const wishes = fc.array(fc.boolean(), { maxLength: 400 });
  fc.assert(
    fc.property(wishes, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5), (wants, share, burst) => {
      const budget = new HeadlessBudget({ share, burst });
      let granted = 0;
      for (const [at, want] of wants.entries()) {
        const isGranted = budget.admit(want);
        assert.ok(want || !isGranted);
        granted += isGranted ? 1 : 0;
        assert.ok(granted <= burst + share * (at + 1) + 1e-6);
      }
      assert.equal(budget.stats().granted, granted);
    }),
  );
});

test("a site of shells alone gets 15 in a hundred and the burst; what is saved up is bounded", () => {
  const budget = new HeadlessBudget();
  let granted = 0;
  for (let page = 0; page < 1_000; page++) granted += budget.admit(true) ? 1 : 0;
  assert.ok(granted >= 150 && granted <= 153, String(granted));
  for (let page = 0; page < 10_000; page++) budget.admit(false);
  const after = Array.from({ length: 6 }, () => budget.admit(true)).filter(Boolean).length;
  assert.ok(after <= 4, "a thousand earned shares are not spent at once");
});

test("over the budget a page is static and says so; its probability and contributions stay", () => {
  const gate = createGate({ budget: new HeadlessBudget({ share: 0.15, burst: 1 }) });
  const first = gate.decide(judgedAt(-5));
  assert.deepEqual([first.decision, first.degraded], ["dynamic", undefined]);
  const second = gate.decide(judgedAt(-5));
  assert.deepEqual([second.decision, second.degraded], ["static", "budget"]);
  assert.equal(second.probability, first.probability);
  assert.equal(gate.decide(judgedAt(5)).degraded, undefined);
  const { static: asIs, dynamic, degraded } = gate.stats();
  assert.deepEqual([asIs, dynamic, degraded], [2, 1, 1]);
});

test("without a budget every shell is reported; with the breaker open none, and no token is lost", () => {
  const free = createGate();
  for (let page = 0; page < 50; page++) assert.equal(free.decide(judgedAt(-5)).decision, "dynamic");
  let isOpen = true;
  const budget = new HeadlessBudget({ share: 0, burst: 1 });
  const gate = createGate({ budget, isBreakerOpen: () => isOpen });
  assert.deepEqual([gate.decide(judgedAt(-5)).decision, gate.decide(judgedAt(-5)).degraded], ["static", "breaker"]);
  isOpen = false;
  assert.equal(gate.decide(judgedAt(-5)).decision, "dynamic");
});

test("what a domain showed is one more contribution, and can turn a decision", () => {
  const gate = createGate();
  const unsure = judgedAt(0.5);
  assert.equal(gate.decide(unsure, "a.example").decision, "probe");
  for (let page = 0; page < 4; page++) gate.observe("a.example", false);
  const known = gate.decide(unsure, "a.example");
  assert.equal(known.decision, "dynamic");
  const { base, domain } = known.contributions;
  assert.ok(domain !== undefined && domain < 0 && base === 0.5);
  assert.ok(Math.abs(known.score - (base + domain)) < 1e-12);
  assert.equal(gate.decide(unsure, "b.example").decision, "probe", "others are not touched");
  assert.equal(gate.decide(judgedAt(5), "a.example").decision, "static", "a page with its text in plain sight");
});

test("a PDF takes nothing from the budget", () => {
  const budget = new HeadlessBudget({ share: 0, burst: 1 });
  const gate = createGate({ budget });
  for (let page = 0; page < 3; page++) assert.equal(gate.decide(judgedAt(-3, true)).decision, "pdf");
  assert.equal(budget.stats().granted, 0);
});

test("a share or burst that makes no sense is refused by name", () => {
  assert.throws(() => new HeadlessBudget({ share: 1.5 }), { code: "invalid_argument", message: /share is 1\.5/ });
  assert.throws(() => new HeadlessBudget({ burst: -1 }), { code: "invalid_argument", message: /burst is -1/ });
});
