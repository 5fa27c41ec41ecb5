import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { LANES } from "@millrace/protocol";
import fc from "fast-check";
import type { Entry } from "../../../src/observations/admission/entry.ts";
import { QUANTUM } from "../../../src/observations/admission/limits.ts";
import { limitsOf, setUp, sum } from "./support.ts";

const WIDE = limitsOf({ high: 1_000_000, normal: 1_000_000, low: 1_000_000 });

test("order holds within (space, lane) and (session, lane), and no batch is larger than asked unless it is one entry", () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        space: fc.nat(4),
        session: fc.nat(2),
        count: fc.integer({ min: 1, max: 150 }),
        lane: fc.constantFrom(...LANES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ countMax: fc.integer({ min: 1, max: 300 }), busy: fc.nat(6), ms: fc.nat(200) }),
    },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { admission, admit, take, clock } = setUp({ limits: WIDE });
      const last = new Map<string, number>();
      const check = (entries: Entry<number>[], countMax: number) => {
        assert.ok(entries.length === 1 || sum(entries) <= countMax);
        for (const { space, session, lane, item } of entries) {
          for (const key of [`${space} ${lane}`, `${session} ${lane} session`]) {
            assert.ok(item > (last.get(key) ?? -1), `${item} of ${key} after ${last.get(key)}`);
            last.set(key, item);
          }
        }
      };
      for (const one of steps) {
        if ("countMax" in one) {
          clock.advance(one.ms);
          check(
            take(one.countMax, (space) => space !== one.busy),
            one.countMax,
          );
        } else admit(one.space, one.count, { lane: one.lane, session: one.space * 10 + one.session });
      }
      while (admission.waiting > 0) check(take(200), 200);
    }),
    { numRuns: 200 },
  );
});

test("a quiet space beside a noisy one, among Zipf's, is served within one round", () => {
  const countMax = 100;
  const entryMax = 10;
  const spaces = 20;
  for (const seed of [1, 2, 3]) {
    const { admit, take } = setUp({ limits: WIDE });
    const rng = createRng(seed);
    for (let at = 0; at < 4_000; at++) admit(0, entryMax);
    const since = new Map<number, number>();
    let worst = 0;
    for (let round = 0; round < 600; round++) {
      admit(0, entryMax);
      for (let at = 0; at < 8; at++) {
        const space = 1 + Math.floor((spaces - 1) * rng() ** 3);
        since.set(admit(space, 1 + randomBelow(rng, entryMax)).item, round);
      }
      for (const { item, space } of take(countMax)) {
        if (space !== 0) worst = Math.max(worst, round - (since.get(item) ?? Number.NaN));
      }
    }
    // Each other space goes once before it, with a quantum and what its last entry is over.
    const bound = 1 + Math.ceil((spaces * (QUANTUM + entryMax)) / (countMax - entryMax));
    assert.ok(worst <= bound, `seed ${seed}: ${worst} takes, bound ${bound}; in one queue it would be 400`);
  }
});

test("spaces with a backlog get the same number of observations, whatever the size of their entries", () => {
  const sizes = [1, 7, 50, 200, 999];
  const { admit, take } = setUp({ limits: WIDE });
  for (const [space, size] of sizes.entries()) for (let sent = 0; sent < 40_000; sent += size) admit(space, size);
  const got = sizes.map(() => 0);
  for (let taken = 0; taken < 100_000; ) {
    for (const { space, count } of take(500)) {
      got[space] = (got[space] ?? 0) + count;
      taken += count;
    }
  }
  const spread = Math.max(...got) - Math.min(...got);
  assert.ok(spread <= 2 * (QUANTUM + 999), `${got.join(", ")}`);
});

test("one large entry at a time gets no more than its share", () => {
  const { admit, take } = setUp({ limits: WIDE });
  for (let at = 0; at < 20_000; at++) admit(1, 10);
  let large = 0;
  let small = 0;
  let isQueued = false;
  for (let at = 0; at < 300; at++) {
    if (!isQueued) admit(2, 1_000);
    isQueued = true;
    for (const { space, count } of take(500)) {
      if (space === 1) small += count;
      else {
        large += count;
        isQueued = false;
      }
    }
  }
  assert.ok(Math.abs(large - small) <= 2_500, `${large} by large entries, ${small} by small ones`);
});

test("a space that was not ready is next when it is", () => {
  const { admit, take } = setUp({ limits: WIDE });
  for (let space = 0; space < 50; space++) for (let at = 0; at < 100; at++) admit(space, 10);
  for (let at = 0; at < 20; at++) assert.ok(take(100, (space) => space !== 7).every(({ space }) => space !== 7));
  assert.equal(take(100)[0]?.space, 7);
});

test("a take asks each space that is not ready once, and leaves their order", () => {
  const { admit, take } = setUp({ limits: WIDE });
  for (let space = 0; space < 10_000; space++) admit(space, 1);
  let asked = 0;
  const taken = take(500, (space) => {
    asked++;
    return space >= 9_000;
  });
  assert.equal(taken.length, 500);
  assert.ok(asked <= 9_000 + 2 * taken.length, `asked ${asked} times`);
  assert.deepEqual(
    take(3).map(({ space }) => space),
    [0, 1, 2],
  );
});

test("nothing ready gives an empty batch and loses nothing", () => {
  const { admission, admit, take } = setUp({ limits: WIDE });
  for (let space = 0; space < 5; space++) admit(space, 300);
  assert.deepEqual(
    take(1_000, () => false),
    [],
  );
  assert.equal(admission.waiting, 1_500);
  assert.equal(take(1_500).length, 5);
  assert.deepEqual(take(1_000), []);
});

test("an entry larger than a batch is taken whole, by itself", () => {
  const { admission, admit } = setUp({ limits: WIDE });
  admit(1, 900, { bytes: 5_000 });
  admit(2, 1);
  const first = admission.take({ countMax: 10, bytesMax: 100 });
  assert.deepEqual(
    first.map(({ count }) => count),
    [900],
  );
  assert.equal(admission.take({ countMax: 10, bytesMax: 100 }).length, 1);
});

test("bytes bound a batch too", () => {
  const { admission, admit } = setUp({ limits: WIDE });
  for (let at = 0; at < 10; at++) admit(1, 1, { bytes: 30 });
  assert.equal(admission.take({ countMax: 10, bytesMax: 100 }).length, 3);
});
