import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { TokenBucket } from "../../../src/observations/admission/token-bucket.ts";
import { limitsOf, setUp } from "./support.ts";

const LANES_WIDE = { high: 100_000, normal: 100_000, low: 100_000 };

function refused(run: () => unknown): MillraceError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    return error;
  }
  return assert.fail("it was not refused");
}

test("a space's queue is bounded over all its lanes, and other spaces are not touched", () => {
  const { admission, admit, take } = setUp({ limits: limitsOf(LANES_WIDE, { quotas: { queuedCountMax: 100 } }) });
  admit(1, 60);
  admit(1, 40, { lane: "high" });
  const error = refused(() => admit(1, 1));
  assert.equal(error.code, "overloaded");
  assert.match(error.message, /100 observations under way and 1 more .* quotas\.queuedCountMax allows 100/);
  assert.ok(error.retryAfterMs);
  admit(2, 100);
  for (const entry of take(40)) admission.done(entry);
  admit(1, 40);
  assert.equal(refused(() => admit(1, 101)).code, "too_large");
  assert.deepEqual(admission.figures().refused, { space_queued: 1, too_large: 101 });
});

test("a space's bytes are bounded", () => {
  const { admit } = setUp({ limits: limitsOf(LANES_WIDE, { quotas: { queuedBytesMax: 1_000 } }) });
  admit(1, 1, { bytes: 900 });
  assert.match(refused(() => admit(1, 1, { bytes: 101 })).message, /900 bytes .* quotas\.queuedBytesMax allows 1000/);
  assert.match(refused(() => admit(1, 1, { bytes: 1_001 })).message, /1001 bytes; quotas\.queuedBytesMax/);
  admit(1, 1, { bytes: 100 });
});

test("a space's rate is bounded, and the wait it is told is enough", () => {
  const { admission, admit, clock } = setUp({ limits: limitsOf(LANES_WIDE, { quotas: { perSecondMax: 1_000 } }) });
  admit(1, 1_000);
  const error = refused(() => admit(1, 300));
  assert.equal(error.code, "rate_limited");
  assert.match(error.message, /quotas\.perSecondMax allows, 1000/);
  assert.equal(error.retryAfterMs, 300);
  clock.advance(299);
  assert.equal(refused(() => admit(1, 300)).code, "rate_limited");
  clock.advance(10);
  admit(1, 300);
  admit(2, 1_000);
  assert.deepEqual(admission.figures().refused, { space_rate: 600 });
});

test("what another limit refuses does not use up the rate", () => {
  const quotas = { perSecondMax: 1_000, queuedCountMax: 400 };
  const { admission, admit, take } = setUp({ limits: limitsOf(LANES_WIDE, { quotas }) });
  admit(1, 400);
  for (let at = 0; at < 10; at++) assert.equal(refused(() => admit(1, 300)).code, "overloaded");
  for (const entry of take(400)) admission.done(entry);
  admit(1, 400);
});

test("any stream of batches keeps the mean rate, also batches larger than a second's worth", () => {
  const sends = fc.array(fc.record({ count: fc.integer({ min: 1, max: 500 }), ms: fc.nat(1_500) }), { maxLength: 100 });
  fc.assert(
    fc.property(sends, fc.integer({ min: 1, max: 300 }), (all, perSecond) => {
      const bucket = new TokenBucket(perSecond, 0);
      let nowMs = 0;
      let sent = 0;
      for (const { count, ms } of all) {
        nowMs += ms;
        const waitMs = bucket.waitMs(count, nowMs);
        if (waitMs > 0) {
          nowMs += waitMs + 0.001;
          assert.equal(bucket.waitMs(count, nowMs), 0, "after the wait it must go");
        }
        bucket.take(count);
        sent += count;
        assert.ok(sent <= perSecond + (perSecond * nowMs) / 1_000 + Math.max(0, count - perSecond) + 0.01);
      }
    }),
  );
});

test("rows are bounded by the space's own quotas, else by those of all", () => {
  const { admission } = setUp({ limits: limitsOf(LANES_WIDE, { quotas: { rowsMax: 100 } }) });
  admission.checkRows(1, 100);
  const error = refused(() => admission.checkRows(1, 101));
  assert.equal(error.code, "too_large");
  assert.match(error.message, /101 observations; quotas\.rowsMax allows 100/);
  admission.setQuotas(1, { rowsMax: 200 });
  admission.checkRows(1, 200);
  assert.throws(() => admission.checkRows(2, 101));
  admission.setQuotas(1, undefined);
  assert.throws(() => admission.checkRows(1, 101));
  assert.throws(() => admission.setQuotas(1, { rowsMax: 0.5 }), /quotas\.rowsMax is 0\.5/);
});

test("quotas that change take effect on a space with something under way", () => {
  const { admission, admit } = setUp({ limits: limitsOf(LANES_WIDE) });
  admit(1, 500);
  admission.setQuotas(1, { queuedCountMax: 600, perSecondMax: 50 });
  admit(1, 50);
  assert.equal(refused(() => admit(1, 1)).code, "rate_limited");
  assert.equal(refused(() => admit(1, 51)).code, "overloaded");
  admission.setQuotas(1, undefined);
  admit(1, 1_000);
});
