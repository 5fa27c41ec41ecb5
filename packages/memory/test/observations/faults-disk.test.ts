import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { Watermarks } from "../../src/index.ts";
import { LOG_RETRY_MS } from "../../src/observations/limits.ts";
import { allOf, idsOf, liveOf, openFaulty, SkewedClock, scratch, submitted, until } from "./fault-memory.ts";
import { batchOf, DIMS, nearest, SPACE } from "./fixture.ts";

/** The least a log can be limited to: filled by a few hundred observations. */
const FULL = { bytesMax: 524_288, overrides: { lanes: { normal: { countMax: 600 } } } } as const;
const COUNT = 20;
const withId = { metaOf: (n: number) => ({ id: `n${n}` }) };

type Filled = { readonly refused: readonly MillraceError[]; readonly marks: Watermarks };

/** Sends until the log takes no more and the lane is full behind it. */
async function fill(opened: Awaited<ReturnType<typeof openFaulty>>): Promise<Filled> {
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: "p", credits: 100_000 });
  const refused: MillraceError[] = [];
  await until(() => {
    try {
      session.submit(batchOf(session.nextSeq, COUNT, withId));
    } catch (error) {
      assert.ok(error instanceof MillraceError);
      if (opened.memory.ingest.ingest.logFailures > 0) refused.push(error);
    }
    return refused.length >= 5;
  });
  await session.reached("searchable");
  return { refused, marks: session.watermarks };
}

test("a full log: what was accepted is searchable, durable stands still, producers are told when to come again, and a start with more room goes on", async () => {
  using directory = scratch();
  let marks: Watermarks;
  {
    await using opened = await openFaulty({ ...FULL, directory: directory.path });
    const filled = await fill(opened);
    marks = filled.marks;
    for (const { code, retryable, retryAfterMs = 0 } of filled.refused) {
      assert.ok(["overloaded", "rate_limited"].includes(code) && retryable, code);
      assert.ok(retryAfterMs >= 10 && retryAfterMs <= 60_000, `${retryAfterMs}`);
    }
    assert.ok(marks.durable > 0 && marks.durable < marks.accepted, JSON.stringify(marks));
    assert.equal(marks.searchable, marks.accepted);
    assert.deepEqual(
      await idsOf(opened.memory),
      Array.from({ length: marks.accepted }, (_, at) => `n${at + 1}`),
    );
    const results = await allOf(opened.memory);
    assert.deepEqual(
      results.map(({ isDurable }) => isDurable),
      results.map((_, at) => at < marks.durable),
    );
    // So that the saved index is ahead of the log.
    await opened.memory.ingest.ingest.workers.save(opened.memory.spaceId(SPACE));
  }
  await using opened = await openFaulty({ directory: directory.path });
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, session: "p" });
  assert.equal(session.nextSeq, marks.durable + 1);
  const numbered = (count: number) => Array.from({ length: count }, (_, at) => `n${at + 1}`);
  assert.deepEqual(await idsOf(memory), numbered(marks.durable));
  // What takes the numbers of what was lost is something else.
  const others = { metaOf: (n: number) => ({ id: `n${n - 50_000}` }) };
  for (let from = 1; from <= marks.accepted; from += COUNT) {
    await submitted(session, batchOf(50_000 + from, COUNT, { firstSeq: from, ...others }));
  }
  await session.reached("durable");
  await session.reached("searchable");
  assert.deepEqual(await idsOf(memory), numbered(marks.accepted));
  assert.deepEqual(await nearest(memory, marks.durable), [`n${marks.durable}`]);
  assert.deepEqual(await nearest(memory, 50_000 + marks.accepted), [`n${marks.accepted}`]);
});

/** A clock whose next try of a refused write comes when the test says so. */
class HeldRetries extends SkewedClock {
  readonly waiting: (() => void)[] = [];

  override after(delayMs: number, run: () => void): () => void {
    if (delayMs !== LOG_RETRY_MS) return super.after(delayMs, run);
    this.waiting.push(run);
    return () => {};
  }
}

test("a full log is tried again at a steady pace, however much comes meanwhile", async () => {
  const clock = new HeldRetries();
  await using opened = await openFaulty({ bytesMax: FULL.bytesMax, clock });
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, credits: 100_000 });
  const { ingest } = opened.memory.ingest;
  while (ingest.logFailures === 0) {
    await submitted(session, batchOf(0, COUNT * 5, { firstSeq: 0 }));
    // No more than it takes, so that there is room in the lane for what comes meanwhile.
    await until(() => ingest.logFailures > 0 || session.watermarks.durable === session.watermarks.accepted);
  }
  for (let more = 0; more < 40; more++) {
    await submitted(session, batchOf(0, 1, { firstSeq: 0 }));
    await session.reached("searchable");
  }
  assert.equal(ingest.logFailures, 1, "nothing is tried before the pause is over");
  for (let tries = 2; tries <= 4; tries++) {
    assert.equal(clock.waiting.length, 1, "one try is due at a time");
    clock.waiting.shift()?.();
    await until(() => clock.waiting.length > 0);
    await submitted(session, batchOf(0, 1, { firstSeq: 0 }));
    await session.reached("searchable");
    assert.equal(ingest.logFailures, tries, "a pause, a try");
  }
});

test("a full log and a worker that dies: what was accepted and not durable is still found", async () => {
  await using opened = await openFaulty(FULL);
  const { memory } = opened;
  const { marks } = await fill(opened);
  const { workers } = memory.ingest.ingest;
  for (const thread of workers.threads) await thread.end();
  await until(() => workers.deaths === 2);
  assert.equal(await liveOf(memory), marks.accepted);
  for (let n = 1; n <= marks.accepted; n += 7) assert.deepEqual(await nearest(memory, n), [`n${n}`]);
});

test("a space deleted while the log is full is gone, also after a start that finds the log full", async () => {
  using directory = scratch();
  {
    await using opened = await openFaulty({ ...FULL, directory: directory.path });
    await fill(opened);
    await opened.memory.removeSpace(SPACE).catch((error: MillraceError) => assert.equal(error.code, "storage_full"));
    await assert.rejects(liveOf(opened.memory), { code: "not_found" });
  }
  await using opened = await openFaulty({ ...FULL, directory: directory.path });
  await assert.rejects(liveOf(opened.memory), { code: "not_found" });
  const session = await opened.memory.ingest.open({ space: SPACE, session: "p", dims: DIMS });
  assert.equal(session.nextSeq, 1, "nothing of the old space's session is left");
});
