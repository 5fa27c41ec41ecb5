import assert from "node:assert/strict";
import { test } from "node:test";
import { Flow } from "../../src/extract/flow.ts";

test("it lets through while open, holds all while closed, and lets all of them through when opened", async () => {
  const flow = new Flow();
  await flow.room();
  flow.isHeld = true;
  const passed: number[] = [];
  const waiting = [1, 2].map((one) => flow.room().then(() => passed.push(one)));
  await Promise.resolve();
  assert.deepEqual([passed, flow.isHeld], [[], true]);
  flow.isHeld = false;
  await Promise.all(waiting);
  assert.deepEqual(passed, [1, 2]);
});

test("closed again before those who waited went through, it holds them on", async () => {
  const flow = new Flow();
  flow.isHeld = true;
  let hasPassed = false;
  const waiting = flow.room().then(() => {
    hasPassed = true;
  });
  flow.isHeld = false;
  flow.isHeld = true;
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assert.equal(hasPassed, false);
  flow.isHeld = false;
  await waiting;
});
