/** I2 when the disk refuses frames that readers have seen: whatever comes next, no old cursor is read as a place among other frames. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadline, ManualClock } from "@millrace/core";
import type { Cursor, Seq } from "@millrace/protocol";
import { Follower } from "@millrace/stream";
import { CollectingSink, events, STREAM, upTo } from "./fixture.ts";
import { SimLog } from "./simulation/sim-log.ts";

/** A log of two durable frames whose reader has seen five: the disk will refuse the last three as soon as it moves. */
async function aboutToFail() {
  const log = await SimLog.open(new ManualClock());
  const { epoch } = await log.sequencer.append(STREAM, events(2));
  const sink = new CollectingSink();
  const follower = await follow(log, sink);
  await log.freeze();
  log.setFailing(true);
  const { durable } = await log.sequencer.submit(STREAM, events(3));
  log.setFailing(false);
  await sink.reached(5);
  follower[Symbol.dispose]();
  const refused = assert.rejects(durable, { code: "storage_failed" });
  return { log, epoch, refused };
}

function follow({ sequencer, storage }: SimLog, sink: CollectingSink, after?: Cursor): Promise<Follower> {
  return Follower.start({ sequencer, storage, stream: STREAM, after, sink });
}

/** The log begins anew on the same files after a clean end; one that has seen frame 5 comes back when others have its number. */
async function assertGapAfterRestart({ directory }: SimLog, epoch: string): Promise<void> {
  await using log = await SimLog.open(new ManualClock(), directory);
  await log.sequencer.append(STREAM, events(4, 100));
  const sink = new CollectingSink();
  using _follower = await follow(log, sink, { epoch, seq: 5 as Seq });
  await Deadline.after(120_000).race("reading the four frames", sink.reached(4));
  assert.deepEqual(sink.seqs, upTo(6, 3));
  assert.deepEqual([sink.gaps[0]?.reason, sink.gaps[0]?.first], ["epoch", 3]);
}

test("what a failed write took back is taken back after a clean restart too, without an append in between", async () => {
  const { log, epoch, refused } = await aboutToFail();
  await using _log = log;
  await log.thaw();
  await refused;
  await log.close();
  await assertGapAfterRestart(log, epoch);
});

test("a write that fails while the log is closed: its frames were seen, so the end was not clean", async () => {
  const { log, epoch, refused } = await aboutToFail();
  await using _log = log;
  const closing = log.storage.close();
  await log.thaw();
  await Promise.all([refused, closing]);
  await assertGapAfterRestart(log, epoch);
});

test("all appends made at once after a failed write are kept: the first makes the new epoch durable, the others follow it", async () => {
  const { log, refused } = await aboutToFail();
  await using _log = log;
  await log.thaw();
  await refused;
  const appended = await Promise.all(upTo(5).map((n) => log.sequencer.append(STREAM, events(1, n))));
  assert.deepEqual(
    appended.map(({ lastSeq }) => lastSeq),
    upTo(7, 3),
  );
});

test("the new epoch is durable before anything is appended: a cursor of it survives a crash", async () => {
  const { log, refused } = await aboutToFail();
  await using _log = log;
  await log.thaw();
  await refused;
  const live = [...log.sequencer.opened()][0] ?? assert.fail();
  const deadline = Deadline.after(120_000);
  while (live.isFenced || live.renewed) {
    deadline.check("making the new epoch durable");
    await new Promise((resolve) => setImmediate(resolve));
  }
  const sink = new CollectingSink();
  await log.freeze();
  const copy = log.copyFiles();
  await log.remove();
  await using again = await SimLog.open(new ManualClock(), copy);
  using _again = await follow(again, sink, { epoch: live.epoch, seq: 2 as Seq });
  assert.deepEqual(sink.gaps, []);
  assert.equal(sink.started?.after, 2);
});
