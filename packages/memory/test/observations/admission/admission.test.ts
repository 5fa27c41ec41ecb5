import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { LANES } from "@millrace/protocol";
import fc from "fast-check";
import type { Entry } from "../../../src/observations/admission/entry.ts";
import { limitsOf, setUp } from "./support.ts";

const MIB = 1024 ** 2;
const refusedWith = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof MillraceError && error.code === code && text.test(error.message);

test("depth is what was admitted and is not done, not only what waits", () => {
  const { admission, admit, take } = setUp();
  admit(1, 30);
  admit(1, 20);
  const [first] = take(30);
  assert.ok(first);
  assert.deepEqual(admission.lanes[1]?.depth, 50);
  assert.deepEqual(admission.lanes[1]?.waiting, 20);
  admission.done(first);
  assert.deepEqual(admission.lanes[1]?.depth, 20);
  assert.equal(admission.depthOf(1), 20);
});

test("a full lane refuses what does not fit, by count and by bytes, and names the option", () => {
  const { admission, admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  admit(1, 90, { lane: "high" });
  assert.throws(
    () => admit(1, 11, { lane: "high" }),
    refusedWith("overloaded", /high holds 90 .* 11 more .* lanes\.high\.countMax allows 100/),
  );
  admit(1, 1, { lane: "high", bytes: 80_000 });
  assert.throws(
    () => admit(1, 1, { lane: "high", bytes: 20_000 }),
    refusedWith("overloaded", /lanes\.high\.bytesMax allows 100000/),
  );
  admit(1, 9, { lane: "high" });
  assert.throws(() => admit(1, 1, { lane: "high" }), refusedWith("overloaded", /countMax/));
  assert.deepEqual(admission.figures().refused, { lane_full: 13 });
});

test("a batch that could never fit is too large, and waiting is not advised", () => {
  const { admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  const error = refused(() => admit(1, 101));
  assert.equal(error.code, "too_large");
  assert.equal(error.retryAfterMs, undefined);
  assert.match(error.message, /101 observations; lanes\.normal\.countMax allows 100/);
  assert.match(refused(() => admit(1, 1, { bytes: 100_001 })).message, /100001 bytes; lanes\.normal\.bytesMax/);
});

test("critical refuses low only, overloaded low and normal, and high goes on to its own limit", () => {
  const { admission, admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  admit(1, 80);
  assert.equal(admission.state, "critical");
  assert.throws(() => admit(2, 1, { lane: "low" }), refusedWith("overloaded", /low is refused .* critical/));
  admit(1, 15);
  assert.equal(admission.state, "overloaded");
  assert.throws(() => admit(2, 1), refusedWith("overloaded", /normal is refused .* overloaded/));
  admit(2, 100, { lane: "high" });
  assert.throws(() => admit(2, 1, { lane: "high" }), refusedWith("overloaded", /lane high holds 100/));
});

test("a low lane filled to the brim by one large batch does not refuse normal", () => {
  const { admission, admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  admit(1, 100, { lane: "low" });
  assert.equal(admission.state, "overloaded");
  admit(2, 1);
});

test("what was shed comes in again only after pressure has fallen to the lower mark", () => {
  const { admission, admit, take } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  for (let at = 0; at < 80; at++) admit(1, 1);
  const taken = take(100);
  for (const entry of taken.slice(0, 9)) admission.done(entry);
  assert.throws(() => admit(2, 1, { lane: "low" }), refusedWith("overloaded", /pressure 0\.71/));
  admission.done(taken[9] as Entry<number>);
  admit(2, 1, { lane: "low" });
});

test("states are told when they change, and only then", () => {
  const told: [string, number][] = [];
  const { admission, admit, take } = setUp({
    limits: limitsOf({ high: 100, normal: 100, low: 100 }),
    onState: (state, pressure) => told.push([state, pressure]),
  });
  for (let at = 0; at < 95; at++) admit(1, 1);
  for (const entry of take(100)) admission.done(entry);
  assert.deepEqual(told, [
    ["warning", 0.5],
    ["critical", 0.8],
    ["overloaded", 0.95],
    ["critical", 0.9],
    ["warning", 0.7],
    ["normal", 0.4],
  ]);
});

test("a refused producer that waits as long as it is told is admitted", () => {
  const perMs = 8;
  const { admission, admit, take, clock } = setUp({ limits: limitsOf({ high: 10, normal: 10_000, low: 10 }) });
  const drain = (ms: number) => {
    for (let at = 0; at < ms; at++) {
      clock.advance(1);
      for (const entry of take(perMs)) admission.done(entry);
    }
  };
  const isOverloaded = () => admission.state === "overloaded";
  for (let at = 0; at < 9_500; at++) admit(1, 1);
  // Long enough to have learned the rate, short enough to be still overloaded in between.
  for (let round = 0; round < 600; round++) {
    drain(10);
    while (!isOverloaded()) admit(1, 1);
  }
  while (isOverloaded()) drain(1);
  while (!isOverloaded()) admit(1, 1);
  const { retryAfterMs } = refused(() => admit(1, 1));
  assert.ok(
    retryAfterMs !== undefined && retryAfterMs > 40 && retryAfterMs < 100,
    `${retryAfterMs} ms for 500 at 8/ms`,
  );
  drain(retryAfterMs + 5);
  admit(1, 1);
});

test("retryAfterMs is 10 ms at least and 60 s at most, and jitter adds up to a quarter", () => {
  for (const [jitter, most] of [
    [0, 10],
    [0.999, 13],
  ] as const) {
    const { admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }), jitter: () => jitter });
    admit(1, 100);
    assert.equal(refused(() => admit(1, 1)).retryAfterMs, most);
  }
  const { admit, clock } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }), jitter: () => 0.999 });
  admit(1, 100);
  clock.advance(3_600_000);
  assert.equal(refused(() => admit(1, 1)).retryAfterMs, 60_000);
});

test("idle time does not spoil the drain rate: a burst after an hour is told a short wait", () => {
  const { admission, admit, take, clock } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }) });
  admit(1, 1);
  for (const entry of take(1)) admission.done(entry);
  clock.advance(3_600_000);
  admit(1, 100);
  assert.equal(refused(() => admit(1, 1)).retryAfterMs, 10);
});

test("above the soft limit of memory: batches shrink, low is paused, a compaction is asked for once", () => {
  let asked = 0;
  const memory = { softBytes: 100 * MIB, hardBytes: 200 * MIB };
  const { admission, admit, take, clock } = setUp({
    limits: limitsOf({ high: 1_000, normal: 1_000, low: 1_000 }, { memory }),
    onCompact: () => asked++,
  });
  for (let at = 0; at < 100; at++) admit(1, 1);
  admit(2, 1, { lane: "low" });
  admission.setMemory(100 * MIB);
  admission.setMemory(110 * MIB);
  assert.equal(asked, 1);
  assert.equal(take(80).length, 20);
  assert.equal(take(80).length, 20);
  admission.setMemory(95 * MIB);
  assert.equal(take(40).length, 10, "until memory has fallen by a tenth");
  take(400);
  assert.deepEqual(take(80), [], "low is paused");
  clock.advance(5_000);
  assert.equal(take(80).length, 1, "but not for ever");
  admit(2, 1, { lane: "low" });
  admission.setMemory(89 * MIB);
  assert.equal(take(80).length, 1);
  admission.setMemory(100 * MIB);
  assert.equal(asked, 2);
});

test("above the hard limit everything is refused, high too, with bytes and option named", () => {
  const memory = { softBytes: 100 * MIB, hardBytes: 200 * MIB };
  const { admission, admit } = setUp({ limits: limitsOf({ high: 100, normal: 100, low: 100 }, { memory }) });
  admission.setMemory(200 * MIB);
  assert.equal(admission.state, "overloaded");
  const error = refused(() => admit(1, 1, { lane: "high" }));
  assert.equal(error.code, "overloaded");
  assert.match(error.message, /209715200 bytes; memory\.hardBytes allows 209715200/);
  assert.equal(error.retryAfterMs, 1_000);
  admission.setMemory(199 * MIB);
  admit(1, 1, { lane: "high" });
});

test("a dropped space gives back what waits of it; what was taken is still done", () => {
  const { admission, admit, take } = setUp();
  const first = admit(7, 5);
  admit(8, 5);
  admit(7, 6, { lane: "low" });
  admit(7, 7);
  const taken = take(5);
  assert.deepEqual(taken, [first]);
  assert.deepEqual(
    admission.dropSpace(7).map(({ count }) => count),
    [7, 6],
  );
  assert.deepEqual(admission.dropSpace(7), []);
  for (const entry of taken) admission.done(entry);
  const left = take(100);
  assert.deepEqual(
    left.map(({ space }) => space),
    [8],
  );
  for (const entry of left) admission.done(entry);
  const { admitted, done, dropped, waiting, lanes } = admission.figures();
  assert.deepEqual({ admitted, done, dropped, waiting }, { admitted: 23, done: 10, dropped: 13, waiting: 0 });
  assert.ok(lanes.every(({ depth, bytes }) => depth === 0 && bytes === 0));
});

test("an entry is done once, and only after it was taken", () => {
  const { admission, admit, take } = setUp();
  const entry = admit(1, 1);
  assert.throws(() => admission.done(entry), /taken/);
  take(1);
  admission.done(entry);
  assert.throws(() => admission.done(entry), /taken/);
});

test("spaces that come once and go are forgotten, also with a rate of their own", () => {
  const { admission, admit, take, clock } = setUp({
    limits: limitsOf({ high: 1, normal: 200_000, low: 1 }, { quotas: { perSecondMax: 10 } }),
  });
  for (let round = 0; round < 2; round++) {
    for (let space = 0; space < 10_000; space++) admit(space, 10);
    for (const entry of take(100_000)) admission.done(entry);
    assert.equal(admission.figures().spaces, 10_000);
    assert.throws(() => admit(9_999, 10), refusedWith("rate_limited", /perSecondMax/), "an empty bucket is remembered");
    clock.advance(1_000);
    for (let space = 0; space < 10_000; space++) admit(space, 1);
    for (const entry of take(100_000)) admission.done(entry);
    clock.advance(1_000);
    for (let space = 0; space < 10_000; space++) assert.throws(() => admit(space, 200_001), /too|allows/);
    assert.equal(admission.figures().spaces, 4_096);
  }
});

test("what a dropped space had in hand does not touch the space that takes its number", () => {
  const { admission, admit, take } = setUp();
  for (let space = 1; space <= 5_000; space++) admit(space, 1);
  const taken = take(5_000);
  admission.dropSpace(1);
  admit(1, 7);
  for (const entry of taken) admission.done(entry);
  assert.equal(admission.depthOf(1), 7);
});

test("limits out of range are refused with the option's name", () => {
  const broken = (limits: Parameters<typeof limitsOf>[1]) => () =>
    setUp({ limits: limitsOf({ high: 1, normal: 1, low: 1 }, limits) });
  assert.throws(() => setUp({ limits: limitsOf({ high: 0, normal: 1, low: 1 }) }), /lanes\.high\.countMax is 0/);
  assert.throws(broken({ memory: { softBytes: 200 * MIB, hardBytes: 200 * MIB } }), /softBytes .* below/);
  assert.throws(broken({ quotas: { perSecondMax: 0 } }), /quotas\.perSecondMax is 0/);
});

test("the books balance after every step of any history", () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("admit" as const),
        space: fc.nat(5),
        count: fc.integer({ min: 1, max: 70 }),
        lane: fc.constantFrom(...LANES),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("take" as const),
        countMax: fc.integer({ min: 1, max: 200 }),
        busy: fc.nat(5),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("done" as const), entries: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("drop" as const), space: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("memory" as const), mib: fc.nat(220) }) },
  );
  const limits = limitsOf(
    { high: 150, normal: 300, low: 200 },
    {
      memory: { softBytes: 100 * MIB, hardBytes: 200 * MIB },
      quotas: { queuedCountMax: 250, perSecondMax: 900 },
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const { admission, admit, take, clock } = setUp({ limits });
      const model = { offered: 0, refused: 0, admitted: 0, taken: 0, done: 0, dropped: 0 };
      let inHand: Entry<number>[] = [];
      for (const one of steps) {
        if (one.do === "admit") {
          model.offered += one.count;
          try {
            admit(one.space, one.count, { lane: one.lane });
            model.admitted += one.count;
          } catch (error) {
            assert.ok(error instanceof MillraceError);
            model.refused += one.count;
          }
        } else if (one.do === "take") {
          const entries = take(one.countMax, (space) => space !== one.busy);
          assert.ok(entries.every(({ space }) => space !== one.busy));
          inHand = [...inHand, ...entries];
          for (const { count } of entries) model.taken += count;
        } else if (one.do === "done") {
          for (const entry of inHand.splice(0, one.entries)) {
            admission.done(entry);
            model.done += entry.count;
          }
        } else if (one.do === "drop") for (const { count } of admission.dropSpace(one.space)) model.dropped += count;
        else if (one.do === "wait") clock.advance(one.ms);
        else admission.setMemory(one.mib * MIB);

        const {
          refused: reasons,
          lanes,
          pressure,
          offered,
          admitted,
          taken,
          done,
          dropped,
          waiting,
        } = admission.figures();
        const refused = Object.values(reasons).reduce((total, count) => total + count, 0);
        assert.deepEqual({ offered, refused, admitted, taken, done, dropped }, model);
        assert.equal(waiting, model.admitted - model.taken - model.dropped);
        assert.equal(model.offered, model.admitted + model.refused);
        const depth = lanes.reduce((total, lane) => total + lane.depth, 0);
        assert.equal(depth, model.admitted - model.done - model.dropped);
        for (const lane of lanes)
          assert.ok(lane.depth <= limits.lanes[lane.lane].countMax && lane.waiting <= lane.depth);
        assert.ok(pressure >= 0 && pressure <= 1);
      }
    }),
    { numRuns: 150 },
  );
});

function refused(run: () => unknown): MillraceError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    return error;
  }
  return assert.fail("it was not refused");
}
