import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CODES,
  checkInteger,
  checkText,
  createIdFactory,
  fromErrorBody,
  ManualClock,
  MillraceError,
  toErrorBody,
} from "@millrace/core";

test("an error keeps its code, its word on retrying and its time over a thread or a socket", () => {
  for (const code of Object.keys(CODES) as (keyof typeof CODES)[]) {
    const error = new MillraceError(code, "what and how to mend it", { retryAfterMs: 40 });
    const back = fromErrorBody(structuredClone(toErrorBody(error)));
    assert.deepEqual(toErrorBody(back), toErrorBody(error));
    assert.equal(back.retryable, CODES[code].retryable);
  }
});

test("what is thrown by others gets a code: signals by their name, the rest as internal", () => {
  assert.equal(MillraceError.from(AbortSignal.abort().reason).code, "cancelled");
  assert.equal(MillraceError.from(new DOMException("late", "TimeoutError")).code, "timeout");
  assert.equal(MillraceError.from("odd").code, "internal");
  assert.equal(fromErrorBody({ code: "nonsense" as "internal", message: "x", retryable: true }).code, "internal");
});

test("a check names the value, the limit and what is wrong", () => {
  for (const value of [0, 11, 1.5, Number.NaN, "3", undefined]) {
    assert.throws(() => checkInteger("k", value, { min: 1, max: 10 }), {
      code: "invalid_argument",
      message: /^k is .*from 1 to 10$/,
    });
  }
  assert.equal(checkInteger("k", 10, { min: 1, max: 10 }), 10);
  const rule = { pattern: /^a+$/, rule: "it is made of a" };
  assert.throws(
    () => checkText("name", "b".repeat(500), rule),
    (error: Error) => error.message.length < 120,
  );
});

test("ids increase strictly, also within a millisecond and when the clock steps back", () => {
  const clock = new ManualClock();
  const next = createIdFactory(clock);
  const ids = Array.from({ length: 500 }, (_, n) => {
    if (n % 100 === 50) clock.advance(1);
    if (n % 100 === 99) clock.advance(-5);
    return next();
  });
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^[0-9a-hjkmnp-tv-z]{26}$/.test(id)));
});
