import assert from "node:assert/strict";
import { test } from "node:test";
import type { MillraceError } from "@millrace/core";
import { allOf, idsOf, liveOf, openFaulty, SkewedClock, scratch, submitted } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;
const HOUR_MS = 3_600_000;
const withId = { metaOf: (n: number) => ({ id: `n${n}` }) };

test("a wall clock that jumps back a day and forward a year: nothing is lost, order holds, scores and retry times stay sane", async () => {
  using directory = scratch();
  const clock = new SkewedClock();
  const jumps = [0, -DAY_MS, YEAR_MS, -YEAR_MS];
  const acceptedMs: number[] = [];
  for (const [at, skewMs] of jumps.entries()) {
    clock.skewMs = skewMs;
    await using opened = await openFaulty({ directory: directory.path, clock });
    const { memory } = opened;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    assert.equal(session.nextSeq, at * 40 + 1);
    session.submit(batchOf(session.nextSeq, 20, withId));
    await session.reached("searchable");
    clock.skewMs = skewMs - DAY_MS;
    session.submit(batchOf(session.nextSeq, 20, withId));
    await session.reached("durable");
    await session.reached("searchable");
    const results = await allOf(memory);
    assert.deepEqual(
      results.map(({ id }) => id),
      Array.from({ length: (at + 1) * 40 }, (_, row) => `n${row + 1}`),
    );
    for (const { acceptedMs: ms } of results.slice(at * 40)) acceptedMs.push(ms);
    assert.deepEqual(
      results.map(({ acceptedMs: ms }) => ms),
      acceptedMs,
      "when something was accepted stays as it was told",
    );
  }
  const near = (from: number, ms: number) => Math.abs((acceptedMs[from] ?? 0) - Date.now() - ms) < HOUR_MS;
  assert.ok(near(0, 0) && near(20, -DAY_MS) && near(80, YEAR_MS) && near(120, -YEAR_MS));
});

test("what is younger than the clock counts as new, and later comes before earlier", async () => {
  const clock = new SkewedClock();
  await using opened = await openFaulty({ clock });
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  for (const skewMs of [-YEAR_MS, 0, YEAR_MS]) {
    clock.skewMs = skewMs;
    session.submit(batchOf(session.nextSeq, 1, withId));
  }
  await session.reached("searchable");
  clock.skewMs = 0;
  const { results } = await memory.recallVectors(SPACE, vectorOf(9), { k: 3, weights: { recency: 1 } });
  assert.ok(
    results.every(({ score }) => score >= 0 && score <= 1),
    JSON.stringify(results),
  );
  assert.equal(results.at(-1)?.id, "n1");
  const recent = await memory.recallVectors(SPACE, vectorOf(9), { k: 3, filter: { when: { recentMs: HOUR_MS } } });
  assert.ok(recent.results.some(({ id }) => id === "n2") && recent.results.every(({ id }) => id !== "n1"));
});

test("a time to live follows the engine's clock: forward it is over at once, in the very next recall; what is gone stays gone", async () => {
  using directory = scratch();
  const clock = new SkewedClock();
  const metaOf = (n: number) => ({ id: `n${n}`, ...(n % 2 === 0 ? { ttlMs: HOUR_MS } : {}) });
  const odd = Array.from({ length: 20 }, (_, at) => `n${at * 2 + 1}`);
  {
    await using opened = await openFaulty({ directory: directory.path, clock });
    const { memory } = opened;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    session.submit(batchOf(1, 40, { metaOf }));
    await session.reached("durable");
    await session.reached("searchable");
    clock.skewMs = -DAY_MS;
    assert.equal(await liveOf(memory), 40, "set back, it lives longer");
    clock.skewMs = YEAR_MS;
    assert.deepEqual(await idsOf(memory), odd);
    clock.skewMs = 0;
    assert.deepEqual(await idsOf(memory), odd);
    // What expired is written down before what is removed after it.
    await memory.ingest.remove(SPACE, ["n1"]);
  }
  await using opened = await openFaulty({ directory: directory.path, clock });
  assert.deepEqual(await idsOf(opened.memory), odd.slice(1));
});

test("a time to live that ended while the engine was down is over in the first recall", async () => {
  using directory = scratch();
  const clock = new SkewedClock();
  {
    await using opened = await openFaulty({ directory: directory.path, clock });
    const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    session.submit(batchOf(1, 1_000, { metaOf: () => ({ ttlMs: HOUR_MS }) }));
    await submitted(session, batchOf(1_001, 1_000, { metaOf: () => ({ ttlMs: HOUR_MS }) }));
    await submitted(session, batchOf(2_001, 10));
    await session.reached("durable");
  }
  clock.skewMs = 2 * HOUR_MS;
  await using opened = await openFaulty({ directory: directory.path, clock });
  assert.equal((await allOf(opened.memory)).length, 10);
});

test("jumps of the wall clock do not make a producer wait: retry times come from the other clock", async () => {
  const clock = new SkewedClock();
  await using opened = await openFaulty({ clock, overrides: { lanes: { normal: { countMax: 100 } } } });
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, credits: 100_000 });
  const waitsMs: number[] = [];
  for (let at = 0; at < 60; at++) {
    clock.skewMs = [0, -YEAR_MS, YEAR_MS][at % 3] ?? 0;
    try {
      session.submit(batchOf(session.nextSeq, 20));
    } catch (error) {
      waitsMs.push((error as MillraceError).retryAfterMs ?? -1);
    }
  }
  assert.ok(waitsMs.length > 0 && waitsMs.every((ms) => ms >= 10 && ms <= 60_000), `${waitsMs}`);
  await session.reached("durable");
});
