/** A full log is emptied by removing: what is removed goes ahead of what waits, its space is given back, and what waited goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { allOf, liveOf, type openFaulty as open, openFaulty, scratch, until } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE } from "./fixture.ts";

const FULL = { bytesMax: 524_288, overrides: { lanes: { normal: { countMax: 600 } } } } as const;
const COUNT = 20;
const idsOf = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `n${from + at}`);

/** Sends until the log takes no more and the lane is full behind it. */
async function fill({ memory }: Awaited<ReturnType<typeof open>>) {
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p", credits: 100_000 });
  let refused = 0;
  await until(() => {
    try {
      session.submit(batchOf(session.nextSeq, COUNT, { metaOf: (n) => ({ id: `n${n}` }) }));
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.retryable);
      if (memory.ingest.ingest.logFailures > 0) refused++;
    }
    return refused > 0;
  });
  await session.reached("searchable");
  return session;
}

test("removals are written while the log is full, also those of a start that finds it full", async () => {
  using directory = scratch();
  let durable = 0;
  {
    await using opened = await openFaulty({ ...FULL, directory: directory.path });
    const session = await fill(opened);
    durable = session.watermarks.durable;
    assert.ok(durable > 40 && durable < session.watermarks.accepted, JSON.stringify(session.watermarks));
    assert.equal(await opened.memory.ingest.remove(SPACE, idsOf(1, 11)), 10);
  }
  await using opened = await openFaulty({ ...FULL, directory: directory.path });
  assert.equal(await liveOf(opened.memory), durable - 10);
  assert.equal(await opened.memory.ingest.remove(SPACE, idsOf(11, 21)), 10);
  assert.equal(await liveOf(opened.memory), durable - 20);
});

test("what the log has not yet is removed only behind it, and what it has at once", async () => {
  await using opened = await openFaulty(FULL);
  const { durable, accepted } = (await fill(opened)).watermarks;
  const late = opened.memory.ingest.remove(SPACE, [`n${accepted}`]);
  await assert.rejects(late, { code: "storage_full" });
  // It is found no more, whatever the disk says. The next is written at once, and says that the one before it is not.
  assert.equal(await liveOf(opened.memory), accepted - 1);
  await assert.rejects(opened.memory.ingest.remove(SPACE, [`n${durable}`]), { code: "storage_full" });
  assert.equal(await liveOf(opened.memory), accepted - 2);
});

test("removing makes room: what waited becomes durable without a restart, and more is taken", async () => {
  using directory = scratch();
  let accepted = 0;
  let removed = 0;
  {
    await using opened = await openFaulty({ ...FULL, directory: directory.path });
    const session = await fill(opened);
    accepted = session.watermarks.accepted;
    removed = Math.floor(session.watermarks.durable * 0.9);
    assert.equal(await opened.memory.ingest.remove(SPACE, idsOf(1, removed + 1)), removed);
    await session.reached("durable");
    assert.equal(session.watermarks.durable, accepted);
    assert.equal(await liveOf(opened.memory), accepted - removed);
  }
  await using opened = await openFaulty({ ...FULL, directory: directory.path });
  assert.equal(await liveOf(opened.memory), accepted - removed);
});

test("new versions that wait for a full log do not take the durable ones with them, be it by a removal or by reclaiming", async () => {
  using directory = scratch();
  const versions = idsOf(1, COUNT + 1);
  {
    await using opened = await openFaulty({
      bytesMax: FULL.bytesMax,
      overrides: { lanes: { normal: { countMax: 20_000 } } },
      directory: directory.path,
    });
    const { memory } = opened;
    const { ingest } = memory.ingest;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p", credits: 100_000 });
    await until(() => {
      session.submit(batchOf(session.nextSeq, COUNT, { metaOf: (n) => ({ id: `n${n}` }) }));
      return ingest.logFailures > 0;
    });
    assert.ok(session.watermarks.durable >= COUNT);
    const first = session.nextSeq;
    session.submit(batchOf(first, COUNT, { metaOf: (n) => ({ id: `n${n - first + 1}` }) }));
    await session.reached("searchable");
    const state = ingest.spaceState(memory.spaceId(SPACE));
    await until(() => state.replacing.size === COUNT);
    await ingest.upkeep.reclaim();
    // Something else that is removed meanwhile goes ahead of them, and does not take them along.
    assert.equal(await memory.ingest.remove(SPACE, [`n${COUNT + 1}`]), 1);
    assert.equal(state.replacing.size, COUNT);
  }
  await using opened = await openFaulty({ ...FULL, directory: directory.path });
  const there = new Set((await allOf(opened.memory)).map(({ id }) => id));
  assert.deepEqual(
    versions.filter((id) => !there.has(id)),
    [],
  );
  assert.ok(!there.has(`n${COUNT + 1}`));
});
