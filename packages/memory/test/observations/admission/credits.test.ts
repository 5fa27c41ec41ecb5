import assert from "node:assert/strict";
import { test } from "node:test";
import { creditsFor, flowFor } from "../../../src/observations/admission/credits.ts";
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
