import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline, ManualClock } from "@millrace/core";

test("what is left shrinks with the clock and never below nothing", () => {
  const clock = new ManualClock();
  const deadline = Deadline.after(100, clock);
  clock.advance(60);
  assert.equal(deadline.leftMs, 40);
  deadline.check("work");
  clock.advance(100);
  assert.equal(deadline.leftMs, 0);
  assert.throws(() => deadline.check("work"), { code: "timeout", message: /work took longer than its 100 ms/ });
});

test("a race is lost at the deadline and won before it", async () => {
  const clock = new ManualClock();
  const lost = Deadline.after(10, clock).race("waiting", new Promise(() => {}));
  clock.advance(10);
  await assert.rejects(lost, { code: "timeout" });
  assert.equal(await Deadline.after(10, clock).race("waiting", Promise.resolve(7)), 7);
});

test("its signal aborts at the deadline or with the parent, and not once disposed", () => {
  const clock = new ManualClock();
  const parent = new AbortController();
  const first = Deadline.after(10, clock).signal("work", parent.signal);
  parent.abort(new Error("gone"));
  assert.equal((first.signal.reason as Error).message, "gone");
  const second = Deadline.after(10, clock).signal("work");
  const third = Deadline.after(10, clock).signal("work");
  third[Symbol.dispose]();
  clock.advance(10);
  assert.deepEqual([second.signal.aborted, third.signal.aborted], [true, false]);
});
