import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import { DrainRate } from "../../../src/observations/admission/drain-rate.ts";
import { DRAIN_DEFAULT_PER_S } from "../../../src/observations/admission/limits.ts";

test("before anything is done it is the default", () => {
  assert.equal(new DrainRate().perS, DRAIN_DEFAULT_PER_S);
});

test("it comes to the true rate within five time constants, whatever the batches", () => {
  for (const [perMs, stepMs] of [
    [100, 1],
    [2, 50],
    [0.5, 10],
  ] as const) {
    const rate = new DrainRate();
    const rng = createRng(3);
    rate.begin(0);
    for (let nowMs = stepMs; nowMs <= 6_000; nowMs += stepMs) rate.done(perMs * stepMs * 2 * rng(), nowMs);
    assert.ok(Math.abs(rate.perS / (perMs * 1_000) - 1) < 0.2, `${rate.perS} for ${perMs * 1_000}`);
  }
});

test("time without work does not count, time with work and without progress does", () => {
  const rate = new DrainRate();
  rate.begin(0);
  for (let nowMs = 1; nowMs <= 6_000; nowMs++) rate.done(10, nowMs);
  rate.begin(1_000_000);
  assert.ok(Math.abs(rate.perMs(1_000_000) - 10) < 0.1);
  assert.ok(rate.perMs(1_002_000) < 2, "two seconds stuck");
});

test("it follows a step down and up", () => {
  const rate = new DrainRate();
  let nowMs = 0;
  rate.begin(0);
  const run = (perMs: number) => {
    for (let at = 0; at < 4_000; at++) rate.done(perMs, ++nowMs);
    return rate.perS;
  };
  for (const perMs of [50, 1, 80]) assert.ok(Math.abs(run(perMs) / (perMs * 1_000) - 1) < 1, `after ${perMs}`);
  assert.ok(run(80) > 79_000);
});
