import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { TokenBucket } from "../../src/fetch/token-bucket.ts";
import { ORIGIN_WAITING_MAX } from "../../src/limits.ts";

const never = new AbortController().signal;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function open(pace = { ratePerSecond: 1.5, burst: 3 }) {
  const clock = new ManualClock();
  const bucket = new TokenBucket(clock, pace);
  const turns: string[] = [];
  const take = (name: string, leftMs = 60_000, signal = never) =>
    bucket.take({ name, leftMs, signal }).then(() => {
      turns.push(name);
    });
  const advance = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { clock, bucket, turns, take, advance };
}

test("a rested origin takes a burst, then one turn each two thirds of a second, in the order of asking", async () => {
  const { turns, take, advance } = open();
  const all = Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => take(name)));
  await settled();
  assert.deepEqual(turns, ["a", "b", "c"]);
  await advance(660);
  assert.deepEqual(turns, ["a", "b", "c"]);
  await advance(10);
  assert.deepEqual(turns, ["a", "b", "c", "d"]);
  await advance(1_340);
  assert.deepEqual(turns, ["a", "b", "c", "d", "e", "f"]);
  await all;
});

test("over a long time the rate is kept, and a rest earns no more than the burst", async () => {
  const { turns, take, advance } = open();
  await advance(3_600_000);
  for (let n = 0; n < 60; n++) take(String(n)).catch(() => {});
  await settled();
  assert.equal(turns.length, 3);
  for (let second = 0; second < 20; second++) await advance(1_000);
  assert.equal(turns.length, 33);
  assert.deepEqual(
    turns,
    Array.from({ length: 33 }, (_, n) => String(n)),
  );
});

test("who cannot be served in time is told when, and takes no place", async () => {
  const { turns, take, advance, bucket } = open();
  await Promise.all([take("a"), take("b"), take("c")]);
  const waiting = take("d", 700);
  await assert.rejects(take("hurried", 700), {
    code: "rate_limited",
    retryable: true,
    retryAfterMs: 1_334,
    message: /hurried/,
  });
  assert.equal(bucket.waiting, 1);
  await advance(667);
  await waiting;
  assert.deepEqual(turns, ["a", "b", "c", "d"]);
});

test("who gives up leaves the queue, and those behind move up", async () => {
  const { turns, take, advance, bucket } = open({ ratePerSecond: 1, burst: 1 });
  await take("a");
  const controller = new AbortController();
  const left = take("b", 60_000, controller.signal);
  const next = take("c");
  controller.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  assert.equal(bucket.waiting, 1);
  await advance(1_000);
  await next;
  assert.deepEqual(turns, ["a", "c"]);
});

test("a hold stops everybody until it is over", async () => {
  const { bucket, take, turns, advance } = open();
  bucket.hold(5_000);
  const waiting = take("a");
  await assert.rejects(take("b", 4_000), { code: "rate_limited", retryAfterMs: 5_000 });
  await advance(4_999);
  assert.deepEqual(turns, []);
  await advance(1);
  await waiting;
});

test("a slower pace counts at once, for those who wait as well", async () => {
  const { bucket, take, turns, advance } = open();
  await take("a");
  bucket.setPace({ ratePerSecond: 0.1, burst: 1 });
  await take("b");
  const waiting = take("c");
  await advance(9_999);
  assert.deepEqual(turns, ["a", "b"]);
  await advance(1);
  await waiting;
});

test("the queue is bounded", async () => {
  const { take } = open({ ratePerSecond: 1_000, burst: 1 });
  await take("first");
  for (let n = 0; n < ORIGIN_WAITING_MAX; n++) take(String(n)).catch(() => {});
  await assert.rejects(take("last"), { code: "rate_limited" });
});
