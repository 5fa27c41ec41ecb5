import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { backoffMs, retryAfterMsOf } from "../../src/fetch/retry-after.ts";
import { RETRY_AFTER_MS_MAX } from "../../src/limits.ts";

const clock = new ManualClock(Date.UTC(2024, 9, 1, 10, 0, 0));

test("Retry-After is read as seconds or as any of the three HTTP dates", () => {
  for (const [header, ms] of [
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["Tue, 01 Oct 2024 10:00:30 GMT", 30_000],
    ["Tuesday, 01-Oct-24 10:00:30 GMT", 30_000],
    ["Tue Oct  1 10:00:30 2024", 30_000],
    ["Tue, 01 Oct 2024 09:00:00 GMT", 0],
  ] as const)
    assert.equal(retryAfterMsOf(header, clock), ms, header);
});

test("what is malformed says nothing, and what is far away is bounded", () => {
  for (const header of [undefined, "", "soon", "-5", "1.5", "1e3", "2024-10-01T10:00:30Z", "Tue, 99 Foo"])
    assert.equal(retryAfterMsOf(header, clock), undefined, header);
  assert.equal(retryAfterMsOf("999999999", clock), RETRY_AFTER_MS_MAX);
  assert.equal(retryAfterMsOf("Wed, 01 Oct 2098 10:00:00 GMT", clock), RETRY_AFTER_MS_MAX);
});

test("waits double, and their upper half is drawn", () => {
  assert.deepEqual(
    [1, 2, 3].map((tries) => backoffMs(tries, () => 0)),
    [125, 250, 500],
  );
  assert.deepEqual(
    [1, 2, 3].map((tries) => backoffMs(tries, () => 0.5)),
    [187.5, 375, 750],
  );
});
