import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lane } from "@millrace/protocol";
import fc from "fast-check";
import { AGE_MS, AGED_SHARE, QUANTUM } from "../../../src/observations/admission/limits.ts";
import { limitsOf, setUp, sum } from "./support.ts";

const WIDE = limitsOf({ high: 1_000_000, normal: 1_000_000, low: 1_000_000 });

test("high goes before normal and normal before low, until age", () => {
  const { admit, take, clock } = setUp({ limits: WIDE });
  for (const lane of ["low", "normal", "high"] as const) for (let at = 0; at < 10; at++) admit(1, 10, { lane });
  clock.advance(AGE_MS - 1);
  const lanes = Array.from({ length: 6 }, () => new Set(take(50).map(({ lane }) => lane)));
  assert.deepEqual(
    lanes.map((set) => [...set]),
    [["high"], ["high"], ["normal"], ["normal"], ["low"], ["low"]],
  );
});

test("while high never ends, aged lanes get their shares, no more and no less", () => {
  const { admit, take, clock } = setUp({ limits: WIDE });
  for (let at = 0; at < 6_000; at++) {
    admit(1, 10, { lane: "low" });
    admit(2, 10, { lane: "normal" });
  }
  clock.advance(AGE_MS);
  const got: Record<Lane, number> = { high: 0, normal: 0, low: 0 };
  for (let at = 0; at < 1_000; at++) {
    for (let more = 0; more < 10; more++) admit(3, 10, { lane: "high" });
    for (const { lane, count } of take(100)) got[lane] += count;
  }
  const total = got.high + got.normal + got.low;
  for (const lane of ["normal", "low"] as const) {
    assert.ok(Math.abs(got[lane] / total - AGED_SHARE[lane]) < 0.01, `${lane} got ${got[lane]} of ${total}`);
  }
});

test("a stream of low entries, each served as it ages, takes no more than the share from high", () => {
  const { admission, admit, take, clock } = setUp({ limits: WIDE });
  const got: Record<Lane, number> = { high: 0, normal: 0, low: 0 };
  for (let ms = 0; ms < 3_000; ms++) {
    clock.advance(1);
    admit(1, 50, { lane: "low" });
    for (let at = 0; at < 10; at++) admit(9, 10, { lane: "high" });
    for (const entry of take(100)) {
      if (ms > 1_000) got[entry.lane] += entry.count;
      admission.done(entry);
    }
  }
  const share = got.low / (got.low + got.high);
  assert.ok(share > 0.11 && share < 0.135, `${share}`);
});

test("an old entry that was taken out of turn does not make its lane old", () => {
  const { admit, take, clock } = setUp({ limits: WIDE });
  admit(1, 1, { lane: "low" });
  admit(2, 1, { lane: "low" });
  assert.equal(take(10, (space) => space === 2).length, 1);
  assert.equal(take(10).length, 1);
  clock.advance(AGE_MS);
  admit(3, 1, { lane: "low" });
  admit(4, 10, { lane: "high" });
  assert.deepEqual(
    take(10).map(({ lane }) => lane),
    ["high"],
  );
});

test("a low entry goes within its bound: the age, then eight times what its lane has to serve before it, and two batches", () => {
  const scene = fc.record({
    ahead: fc.integer({ min: 0, max: 60 }),
    others: fc.integer({ min: 0, max: 5 }),
    entryMax: fc.integer({ min: 1, max: 100 }),
    countMax: fc.integer({ min: 100, max: 400 }),
  });
  fc.assert(
    fc.property(scene, ({ ahead, others, entryMax, countMax }) => {
      const { admit, take, clock } = setUp({ limits: WIDE });
      for (let other = 1; other <= others; other++)
        for (let at = 0; at < 200; at++) admit(other, entryMax, { lane: "low" });
      for (let at = 0; at < ahead; at++) admit(0, entryMax, { lane: "low" });
      const watched = admit(0, entryMax, { lane: "low" });
      clock.advance(AGE_MS);
      const own = (ahead + 1) * entryMax;
      const rounds = Math.ceil(own / QUANTUM) + 1;
      const served = own + others * (rounds * QUANTUM + entryMax);
      const bound = served / AGED_SHARE.low + 2 * (countMax + entryMax);
      let taken = 0;
      for (let isTaken = false; !isTaken; ) {
        for (let sent = 0; sent < countMax; sent += 50) admit(100, 50, { lane: "high" });
        const entries = take(countMax);
        isTaken = entries.includes(watched);
        if (!isTaken) taken += sum(entries);
        assert.ok(taken <= bound, `${taken} observations went before it, bound ${bound}`);
      }
    }),
    { numRuns: 100 },
  );
});
