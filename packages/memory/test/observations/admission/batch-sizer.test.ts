import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import fc from "fast-check";
import { BatchSizer } from "../../../src/observations/admission/batch-sizer.ts";

const LIMITS = { min: 10, max: 500, targetMs: 20 };

/** A worker that needs so long for a batch and each observation, fed at a rate; returns what it came to. */
function simulate(
  sizer: BatchSizer,
  {
    perMs,
    batchMs,
    eachMs,
    forMs,
  }: { perMs: number; batchMs: (ms: number) => number; eachMs: (ms: number) => number; forMs: number },
) {
  let nowMs = 0;
  let depth = 0;
  let arrived = 0;
  const samples: { readonly nowMs: number; readonly size: number; readonly depth: number; readonly tookMs: number }[] =
    [];
  while (nowMs < forMs) {
    const size = sizer.next(Math.floor(depth));
    const count = Math.min(size, Math.floor(depth));
    const tookMs = count === 0 ? 1 : batchMs(nowMs) + count * eachMs(nowMs);
    if (count > 0) {
      sizer.measured(count, tookMs);
      samples.push({ nowMs, size, depth, tookMs });
    }
    depth -= count;
    nowMs += tookMs;
    depth += nowMs * perMs - arrived;
    arrived = nowMs * perMs;
  }
  return { samples, tail: samples.filter((sample) => sample.nowMs > forMs * 0.8) };
}

const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;

test("an idle engine gets the least, a deep queue the most", () => {
  const sizer = new BatchSizer(LIMITS);
  for (const size of [10, 400, 50, 300]) sizer.measured(size, 1 + size * 0.01);
  assert.equal(sizer.next(0), 10);
  assert.equal(sizer.next(1_000_000), 500);
  assert.equal(sizer.size, 500);
});

test("cost is learned as so much a batch and so much an observation, through noise", () => {
  const sizer = new BatchSizer({ min: 1, max: 1_000, targetMs: 20 });
  const rng = createRng(5);
  for (let at = 0; at < 200; at++) {
    const size = 10 + Math.floor(rng() * 900);
    sizer.measured(size, (2 + size * 0.02) * (0.95 + rng() * 0.1));
  }
  const { perBatchMs, perObservationMs } = sizer.cost;
  assert.ok(Math.abs(perObservationMs - 0.02) < 0.004, `${perObservationMs} ms an observation`);
  assert.ok(Math.abs(perBatchMs - 2) < 1, `${perBatchMs} ms a batch`);
});

test("any measurements, absurd ones too, leave every size within its bounds", () => {
  const sample = fc.record({ count: fc.oneof(fc.double(), fc.integer({ min: -5, max: 100_000 })), ms: fc.double() });
  const limits = fc
    .tuple(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 0, max: 5_000 }),
      fc.double({ min: 0.1, max: 1_000, noNaN: true }),
    )
    .map(([min, more, targetMs]) => ({ min, max: min + more, targetMs }));
  fc.assert(
    fc.property(limits, fc.array(sample, { maxLength: 30 }), fc.array(fc.nat()), (bounds, samples, depths) => {
      const sizer = new BatchSizer(bounds);
      for (const { count, ms } of samples) sizer.measured(count, ms);
      for (const depth of depths) {
        const size = sizer.next(depth);
        assert.ok(Number.isInteger(size) && size >= bounds.min && size <= bounds.max, `${size}`);
      }
    }),
  );
});

test("a deeper queue never gives a smaller batch", () => {
  const sample = fc.record({
    count: fc.integer({ min: 1, max: 1_000 }),
    ms: fc.double({ min: 0.01, max: 100, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), fc.nat(100_000), fc.nat(100_000), (samples, a, b) => {
      const sizer = new BatchSizer(LIMITS);
      for (const { count, ms } of samples) sizer.measured(count, ms);
      assert.ok(sizer.next(Math.min(a, b)) <= sizer.next(Math.max(a, b)));
    }),
  );
});

test("it keeps up with a load that its least size could not, and no observation waits much longer than the target", () => {
  // By tens: 10 in 2.1 ms, 4.8 a millisecond; 10 arrive.
  const sizer = new BatchSizer(LIMITS);
  const { tail } = simulate(sizer, { perMs: 10, batchMs: () => 2, eachMs: () => 0.01, forMs: 5_000 });
  const size = mean(tail.map((sample) => sample.size));
  // 10 a millisecond need at least 10 × 2 / (1 - 10 × 0.01) = 22 in each.
  assert.ok(size >= 22 && size <= 60, `${size} in a batch`);
  assert.ok(mean(tail.map(({ depth }) => depth)) <= 10 * LIMITS.targetMs * 1.5);
});

test("a batch that would take longer than the target is cut", () => {
  const sizer = new BatchSizer(LIMITS);
  const { tail } = simulate(sizer, { perMs: 50, batchMs: () => 1, eachMs: () => 0.2, forMs: 3_000 });
  const tookMs = mean(tail.map((sample) => sample.tookMs));
  assert.ok(tookMs > LIMITS.targetMs * 0.7 && tookMs < LIMITS.targetMs * 1.1, `${tookMs} ms`);
});

test("a batch whose own cost is above the target is not cut to nothing", () => {
  const sizer = new BatchSizer(LIMITS);
  for (const size of [20, 200, 50, 400, 100]) sizer.measured(size, 40 + size * 0.2);
  const size = sizer.next(100_000);
  assert.ok(size > 150 && size < 260, `${size}: at 200 half of the time is the batch's own`);
});

test("after a step in cost, up or down, small or large, it has converged within thirty batches, through noise", () => {
  const stepMs = 2_000;
  for (const factor of [0.25, 0.5, 2, 5]) {
    const rng = createRng(9);
    const eachMs = (nowMs: number) => 0.08 * (nowMs < stepMs ? 1 : factor) * (0.9 + rng() * 0.2);
    const sizer = new BatchSizer({ min: 10, max: 5_000, targetMs: 20 });
    const { samples } = simulate(sizer, { perMs: 100, batchMs: () => 2, eachMs, forMs: 6_000 });
    const ideal = (LIMITS.targetMs - 2) / (0.08 * factor);
    const after = samples.filter(({ nowMs }) => nowMs >= stepMs).map(({ size }) => size);
    assert.ok(after.length > 60);
    for (const size of after.slice(30))
      assert.ok(Math.abs(size / ideal - 1) < 0.3, `${size}, ideal ${ideal}, × ${factor}`);
  }
});

test("one batch that was held up does not change the sizes that follow for long", () => {
  const sizer = new BatchSizer(LIMITS);
  for (const size of [100, 200, 150, 180, 120]) sizer.measured(size, 2 + size * 0.1);
  const before = sizer.next(100_000);
  sizer.measured(before, 200);
  for (let at = 0; at < 4; at++) {
    const size = sizer.next(100_000);
    sizer.measured(size, 2 + size * 0.1);
  }
  const after = sizer.next(100_000);
  assert.ok(Math.abs(after / before - 1) < 0.2, `${before} before, ${after} after`);
});

test("limits that contradict are refused by name", () => {
  assert.throws(() => new BatchSizer({ min: 11, max: 10, targetMs: 1 }), /batch\.min is 11/);
  assert.throws(() => new BatchSizer({ min: 0, max: 10, targetMs: 1 }), /batch\.min is 0/);
  assert.throws(() => new BatchSizer({ min: 1, max: 10, targetMs: Number.NaN }), /batch\.targetMs/);
});
