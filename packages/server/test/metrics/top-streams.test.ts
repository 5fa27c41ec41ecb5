import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, ManualClock } from "@millrace/core";
import { STREAMS_COUNTED_MAX } from "../../src/limits.ts";
import { TopStreams } from "../../src/metrics/top-streams.ts";

test("rates are those of the last 5 s, or since the start when that is shorter", () => {
  const clock = new ManualClock(0);
  const top = new TopStreams(clock);
  top.addEvents("chat", 10);
  top.addFrames("chat", 40);
  assert.deepEqual(top.rates("chat"), { eventsPerSecond: 20, framesPerSecond: 80 });
  clock.advance(4_500);
  assert.deepEqual(top.rates("chat"), { eventsPerSecond: 2, framesPerSecond: 8 });
  assert.deepEqual(top.rates("quiet"), { eventsPerSecond: 0, framesPerSecond: 0 });
  clock.advance(500);
  assert.deepEqual(top.rates("chat"), { eventsPerSecond: 0, framesPerSecond: 0 });
  assert.deepEqual(top.top(20), [], "what is over is not among the busiest");
});

test("the busiest come first, by events in and frames out together", () => {
  const top = new TopStreams(new ManualClock(0));
  top.addEvents("written", 30);
  top.addEvents("read", 1);
  top.addFrames("read", 500);
  top.addFrames("little", 2);
  const names = top.top(2).map(({ stream }) => stream);
  assert.deepEqual(names, ["read", "written"]);
});

test("I12, I13: among 10,000 streams the busy ones are found with exact rates, in bounded memory", () => {
  const clock = new ManualClock(0);
  const top = new TopStreams(clock);
  const rng = createRng(7);
  const busy = Array.from({ length: 20 }, (_, n) => `busy-${n}`);
  const sent = new Map<string, number>();
  for (let n = 0; n < 10_000; n++) {
    // A crowd that comes one by one, each with a burst of its own, and never again.
    top.addEvents(`crowd-${n}`, 1 + Math.floor(rng() * 3));
    if (n % 10 === 0) {
      const stream = busy[(n / 10) % 20] as string;
      top.addEvents(stream, 12);
      sent.set(stream, (sent.get(stream) ?? 0) + 12);
    }
    assert.ok(top.size <= STREAMS_COUNTED_MAX);
  }
  clock.advance(4_500);
  const found = top.top(20);
  assert.deepEqual(found.map(({ stream }) => stream).sort(), [...busy].sort());
  for (const { stream, eventsPerSecond } of found) assert.equal(eventsPerSecond, (sent.get(stream) ?? 0) / 5);
  assert.equal(top.rates("crowd-1"), undefined, "a stream without a place has a rate that is not known, not one of 0");
});

test("a stream that was busy an hour ago makes room for one that is now", () => {
  const clock = new ManualClock(0);
  const top = new TopStreams(clock);
  for (let n = 0; n < STREAMS_COUNTED_MAX; n++) top.addEvents(`old-${n}`, 1_000_000);
  clock.advance(3_600_000);
  for (let n = 0; n < 50; n++) top.addEvents(`new-${n}`, 10);
  assert.equal(top.top(100).length, 50);
});
