import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { CreditLedger, creditsFor, flowFor } from "../../../src/observations/admission/credits.ts";
import { PRESSURE_STATES } from "../../../src/observations/admission/pressure.ts";

test("credits are all, half, a quarter and none", () => {
  assert.deepEqual(
    PRESSURE_STATES.map((state) => creditsFor(state, 1_000)),
    [1_000, 500, 250, 0],
  );
  assert.deepEqual(
    PRESSURE_STATES.map((state) => creditsFor(state, 1)),
    [1, 1, 1, 0],
  );
});

test("a producer resumes from a pause and speeds up from slowness", () => {
  assert.equal(flowFor("overloaded", "resume"), "pause");
  assert.equal(flowFor("critical", "pause"), "slow_down");
  assert.equal(flowFor("warning", "resume"), "slow_down");
  assert.equal(flowFor("normal", "pause"), "resume");
  assert.equal(flowFor("normal", "slow_down"), "speed_up");
  assert.equal(flowFor("normal", "speed_up"), "speed_up");
});

test("only a change is told", () => {
  const ledger = new CreditLedger(100);
  const told = (["normal", "warning", "warning", "overloaded", "normal", "normal"] as const).map((state) =>
    ledger.setState(state),
  );
  assert.deepEqual(told, [false, true, false, true, true, false]);
});

test("what is under way is bounded by the credits; the refusal has a wait", () => {
  const ledger = new CreditLedger(100);
  ledger.check(60);
  ledger.sent(60);
  assert.throws(
    () => ledger.check(41, 25),
    (error) => error instanceof MillraceError && error.code === "rate_limited" && error.retryAfterMs === 25,
  );
  ledger.settled(20);
  ledger.check(41);
  assert.throws(() => ledger.check(101), /101 observations and the session 100 credits/);
});

test("any history stays within the credits, and whoever waits for all of its own can always go on unless paused", () => {
  const step = fc.record({
    state: fc.constantFrom(...PRESSURE_STATES),
    count: fc.integer({ min: 1, max: 64 }),
    settled: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const ledger = new CreditLedger(64);
      for (const { state, count, settled } of steps) {
        ledger.setState(state);
        const before = ledger.outstanding;
        let isAllowed = true;
        try {
          ledger.check(count);
          ledger.sent(count);
        } catch {
          isAllowed = false;
        }
        if (isAllowed) assert.ok(ledger.outstanding <= Math.max(ledger.credits, before === 0 ? 64 : 0));
        if (state === "overloaded") assert.equal(isAllowed, false);
        else if (before === 0) assert.equal(isAllowed, true);
        ledger.settled(settled);
        assert.ok(ledger.outstanding >= 0 && ledger.outstanding <= 64);
      }
    }),
  );
});
