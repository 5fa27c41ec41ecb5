/** What removing gave back to the disk is missed by nobody: not by a worker that reads the space again, nor by a start. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { idsOf, openFaulty, scratch, submitted, until } from "./fault-memory.ts";
import { batchOf, DIMS, nearest, SPACE } from "./fixture.ts";

/** Of files of 64 KB. */
const LOG = { bytesMax: 524_288 } as const;
const COUNT = 100;
const BATCHES = 20;
const KEPT = ["n1950", "n2000"];

async function filled(opened: Awaited<ReturnType<typeof openFaulty>>): Promise<void> {
  const { ingest } = opened.memory;
  const session = await ingest.open({ space: SPACE, dims: DIMS });
  for (let at = 0; at < BATCHES; at++) {
    await submitted(session, batchOf(at * COUNT + 1, COUNT, { metaOf: (n) => ({ id: `n${n}` }) }));
    await session.reached("durable");
  }
  await session.reached("searchable");
  const gone = Array.from({ length: BATCHES * COUNT }, (_, at) => `n${at + 1}`).filter((id) => !KEPT.includes(id));
  assert.equal(await ingest.remove(SPACE, gone), gone.length);
  const { filesRemoved } = await ingest.ingest.upkeep.reclaim();
  assert.ok(filesRemoved > 0, "nothing was given back");
}

test("workers that die after space was given back read the space again without what is gone", async () => {
  await using opened = await openFaulty(LOG);
  const { memory } = opened;
  await filled(opened);
  const { workers, letters } = memory.ingest.ingest;
  for (const thread of workers.threads) await thread.end();
  await until(() => workers.deaths === 2);
  assert.deepEqual(await idsOf(memory), KEPT);
  assert.deepEqual(await nearest(memory, 2_000), ["n2000"]);
  assert.deepEqual(letters.of(memory.spaceId(SPACE)), []);
});

test("a start after space was given back has what is left, and goes on with later rows", async () => {
  using directory = scratch();
  {
    await using opened = await openFaulty({ ...LOG, directory: directory.path });
    await filled(opened);
  }
  await using opened = await openFaulty({ ...LOG, directory: directory.path });
  const { memory } = opened;
  assert.deepEqual(await idsOf(memory), KEPT);
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  await submitted(session, batchOf(5_000, 1, { firstSeq: 1, metaOf: () => ({ id: "after" }) }));
  await session.reached("searchable");
  assert.deepEqual(await idsOf(memory), [...KEPT, "after"]);
});

test("removals of what is in the log no more are forgotten, and still counted", async () => {
  await using opened = await openFaulty(LOG);
  const { ingest } = opened.memory.ingest;
  await filled(opened);
  const state = ingest.spaceState(opened.memory.spaceId(SPACE));
  const removed = BATCHES * COUNT - KEPT.length;
  assert.equal(state.removedCount, removed);
  assert.ok(state.removed.length < removed, `${state.removed.length}`);
  assert.equal(ingest.upkeep.rowsGone, removed);
});
