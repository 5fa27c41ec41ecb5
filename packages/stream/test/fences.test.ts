import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import { DATA_DEPTH_MAX, STORAGE_CALLS_MAX } from "@millrace/stream";
import { CollectingSink, events, openLog, STREAM, upTo } from "./fixture.ts";
import { freeze, freezeModuleUrl } from "./frozen-disk.ts";

const unknownCall = [{ op: "log.nonsense", args: null }];
const uncloneableCall = [{ op: "log.nonsense", args: () => {} }];

test("an append refused because too many wait is not kept, and all others are accepted and seen", async () => {
  await using log = await openLog();
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const outcomes = await Promise.allSettled(
    upTo(STORAGE_CALLS_MAX + 500).map((n) => log.sequencer.append(STREAM, events(1, n))),
  );
  const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []));
  assert.deepEqual(new Set(refusals), new Set(["overloaded"]));
  const accepted = outcomes.length - refusals.length;
  assert.equal((await log.reader.stream(STREAM)).head, accepted);
  await sink.reached(accepted);
  assert.deepEqual(sink.seqs, upTo(accepted));
});

test("a write under way when the next one fails is accepted once it is kept, and seen", async () => {
  await using log = await openLog();
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  await log.sequencer.append(STREAM, events(1));
  const kept = log.sequencer.append(STREAM, events(1));
  // Lets the first call leave for the storage thread before the second is made.
  for (const _turn of upTo(20)) await Promise.resolve();
  const failed = log.sequencer.append(STREAM, events(1), { alongside: uncloneableCall });
  await assert.rejects(failed);
  assert.equal((await kept).lastSeq, 2);
  await sink.reached(2);
});

test("an append right after a failed one waits until the log has been read again", async () => {
  await using log = await openLog();
  await log.sequencer.append(STREAM, events(1));
  await assert.rejects(log.sequencer.append(STREAM, events(1), { alongside: unknownCall }));
  const after = await Promise.all([log.sequencer.append(STREAM, events(1)), log.sequencer.append(STREAM, events(1))]);
  assert.deepEqual(
    after.map(({ lastSeq }) => lastSeq),
    [2, 3],
  );
});

test("readers of a stream that cannot be read again are told, and a new reader sees what comes", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl] });
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  await log.sequencer.append(STREAM, events(1));
  await sink.reached(1);
  const disk = freeze(log.storage, "read");
  const reads = upTo(STORAGE_CALLS_MAX - 1).map(() => log.reader.count());
  const failing = log.sequencer.append(STREAM, events(1), { alongside: unknownCall });
  await assert.rejects(failing);
  await sink.reached(2);
  assert.deepEqual(sink.failures, ["overloaded"]);
  await disk.thaw();
  await Promise.all(reads);
  const next = new CollectingSink();
  using _next = await log.follow(next);
  assert.equal((await log.sequencer.append(STREAM, events(1))).lastSeq, 2);
  await next.reached(2);
});

test("data nested too deep is refused, however deep, and takes no number", async () => {
  await using log = await openLog();
  const nested = (levels: number): StreamEvent[] => [
    { type: "log", data: JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown },
  ];
  for (const levels of [DATA_DEPTH_MAX + 1, 4_000, 100_000]) {
    await assert.rejects(log.sequencer.append("job:1" as StreamId, nested(levels)), { code: "invalid_argument" });
  }
  assert.equal((await log.sequencer.append("job:1" as StreamId, nested(DATA_DEPTH_MAX))).firstSeq, 1);
});

test("calls that cannot be sent to the storage thread fail alone", async () => {
  await using log = await openLog();
  await assert.rejects(log.storage.writeAll(uncloneableCall), { code: "internal" });
  assert.equal((await log.sequencer.append(STREAM, events(1))).firstSeq, 1);
});

test("a store that has ended says so", async () => {
  await using log = await openLog();
  const codeOf = () => log.storage.failure?.code;
  assert.equal(codeOf(), undefined);
  await log.storage.close();
  assert.equal(codeOf(), "unavailable");
});
