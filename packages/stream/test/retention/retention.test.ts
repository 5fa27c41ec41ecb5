import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import type { Seq, StreamId } from "@millrace/protocol";
import { Retention, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { GROWTH_FRAMES, GROWTH_PAUSE_MS, SWEEP_EVERY_MS, TRIM_FRAMES_MAX } from "../../src/limits.ts";
import type { RetainedStream, RetentionReads } from "../../src/retention/retention-module.ts";
import { CollectingSink, events, STREAM, upTo } from "../fixture.ts";
import { assertSound, fill, openRetained, type RetainedLog, seqsOf } from "./fixture.ts";

const DAY_MS = 86_400_000;

test("by count: the newest frames are kept, and the counters say what the rows do", async () => {
  await using log = await openRetained();
  await fill(log, 5_000);
  const state = await log.retention.set(STREAM, { maxFrames: 100 });
  assert.deepEqual([state.first, state.head, state.frames, state.isDefault], [4_901, 5_000, 100, false]);
  assert.deepEqual(await seqsOf(log), upTo(5_000, 4_901));
  assert.deepEqual((await log.reader.count()).frames, 100);
  await assertSound(log.directory);
});

test("by bytes: as many of the newest frames as fit, not one more or less, whatever characters they hold", async () => {
  await using log = await openRetained();
  const text = ["plain", "ünïcödé", "漢字", "😀😀😀", "\u0000\ud800"];
  for (let n = 0; n < 60; n++) await log.sequencer.append(STREAM, [{ type: "log", data: { n, text: text[n % 5] } }]);
  const before = await log.reader.frames(STREAM, undefined, 1_000);
  const sizes = before.frames.map(({ json }) => json.length);
  const { bytes, frames } = await log.retention.set(STREAM, { maxBytes: 3_000 });
  const kept = sizes.slice(-frames).reduce((sum, size) => sum + size, 0);
  assert.equal(bytes, kept);
  assert.ok(kept <= 3_000);
  assert.ok(kept + (sizes.at(-frames - 1) ?? 0) > 3_000, "one more would have fitted");
  await assertSound(log.directory);
});

test("by age: frames go when they are too old, to the millisecond, and the newest stays however old", async () => {
  await using log = await openRetained();
  for (let day = 0; day < 10; day++) {
    await fill(log, 300);
    log.clock.advance(DAY_MS);
  }
  const { first } = await log.retention.set(STREAM, { maxAgeMs: 3 * DAY_MS });
  assert.equal(first, 7 * 300 + 1);
  log.clock.advance(1);
  await log.retention.sweep();
  assert.equal((await log.retention.state(STREAM)).first, 8 * 300 + 1);
  log.clock.advance(1_000 * DAY_MS);
  await log.retention.sweep();
  assert.deepEqual(await seqsOf(log), [3_000]);
  await assertSound(log.directory);
});

test("the newest frame is kept whatever the policy says", async () => {
  await using log = await openRetained();
  await fill(log, 10);
  log.clock.advance(DAY_MS);
  const { first, frames } = await log.retention.set(STREAM, { maxAgeMs: 1, maxBytes: 1, maxFrames: 1 });
  assert.deepEqual([first, frames], [10, 1]);
  assert.equal((await log.sequencer.append(STREAM, events(1))).firstSeq, 11);
});

test("trimming goes in bounded steps, and what is appended meanwhile is numbered on", async () => {
  await using log = await openRetained();
  await fill(log, 12_000);
  const trimming = log.retention.set(STREAM, { maxFrames: 500 });
  const appended = await Promise.all(upTo(50).map(() => log.sequencer.append(STREAM, events(10))));
  await trimming;
  await log.retention.sweep();
  assert.deepEqual(
    appended.map(({ lastSeq }) => lastSeq).sort((a, b) => a - b),
    upTo(50).map((n) => 12_000 + n * 10),
  );
  assert.deepEqual(await seqsOf(log), upTo(12_500, 12_001));
  const { steps, frames } = log.retention.stats;
  assert.equal(frames, 12_000);
  assert.ok(steps >= 12_000 / TRIM_FRAMES_MAX, `${steps} steps`);
  await assertSound(log.directory);
});

test("a step takes no more bytes than its bound: large frames go a few at a time", async () => {
  await using log = await openRetained();
  for (let sent = 0; sent < 60; sent++) await fill(log, 1, { chars: 200_000 });
  await log.retention.set(STREAM, { maxFrames: 1 });
  assert.ok(log.retention.stats.steps >= 3, `${log.retention.stats.steps} steps for 12 MB`);
  await assertSound(log.directory);
});

test("the sweep trims what grew or aged since, by the engine's default where a stream has no policy of its own", async () => {
  const clock = new ManualClock();
  await using log = await openRetained({ clock, defaults: { maxFrames: 50 } });
  const own = "own" as StreamId;
  const all = "all" as StreamId;
  for (const stream of [STREAM, own, all]) await fill(log, 100, { stream });
  await log.retention.set(own, { maxFrames: 80 });
  await log.retention.set(all, {});
  log.retention.start();
  await log.retention.sweep();
  const firsts = async () =>
    Promise.all([STREAM, own, all].map(async (stream) => (await log.retention.state(stream)).first));
  assert.deepEqual(await firsts(), [51, 21, 1]);
  await fill(log, 10);
  clock.advance(SWEEP_EVERY_MS);
  await log.retention.sweep();
  assert.deepEqual(await firsts(), [61, 21, 1]);
  const { policy, isDefault, first } = await log.retention.set(all, undefined);
  assert.deepEqual([policy, isDefault, first], [{ maxFrames: 50 }, true, 51]);
});

test("growth is looked at before the next sweep", async () => {
  await using log = await openRetained({ defaults: { maxFrames: 100 } });
  await fill(log, GROWTH_FRAMES);
  log.clock.advance(GROWTH_PAUSE_MS);
  await log.retention.sweep();
  const { passes } = log.retention.stats;
  assert.equal(passes, 1, "the look that growth caused was the one waited for");
  assert.equal((await log.retention.state(STREAM)).frames, 100);
});

test("the streams of spaces are never trimmed, those of jobs go as a whole, once ended and old", async () => {
  const defaults = { maxFrames: 1, maxAgeMs: 1, jobsMaxAgeMs: DAY_MS };
  await using log = await openRetained({ defaults });
  const [space, running, ended] = ["space:docs", "job:running", "job:ended"] as StreamId[] as [
    StreamId,
    StreamId,
    StreamId,
  ];
  await fill(log, 20, { stream: space });
  const started = (id: string) => ({ type: "job.started", id, data: {} });
  await log.sequencer.append(running, [started("running"), ...events(20)]);
  await log.sequencer.append(ended, [started("ended"), ...events(20), { type: "job.done", id: "ended", data: {} }]);
  log.clock.advance(DAY_MS);
  await log.retention.sweep();
  assert.equal((await seqsOf(log, ended)).length, 22, "not older than a day");
  log.clock.advance(1);
  await log.retention.sweep();
  assert.deepEqual(await seqsOf(log, ended), []);
  await assert.rejects(log.reader.stream(ended), { code: "not_found" });
  assert.equal((await seqsOf(log, running)).length, 21);
  assert.equal((await seqsOf(log, space)).length, 20);
  for (const stream of [space, running]) {
    await assert.rejects(log.retention.set(stream, { maxFrames: 1 }), { code: "forbidden" });
    await assert.rejects(log.retention.remove(stream), { code: "forbidden" });
  }
  await assertSound(log.directory);
});

test("what cannot be is refused, naming the bound", async () => {
  await using log = await openRetained();
  await assert.rejects(log.retention.set(STREAM, { maxFrames: 5 }), { code: "not_found" });
  await assert.rejects(log.retention.state(STREAM), { code: "not_found" });
  await assert.rejects(log.retention.remove(STREAM), { code: "not_found" });
  await fill(log, 5);
  for (const policy of [{ maxFrames: 0 }, { maxAgeMs: 1.5 }, { maxBytes: -1 }, { maxFrames: 2 ** 53 }]) {
    await assert.rejects(log.retention.set(STREAM, policy), { code: "invalid_argument", message: /from 1 to/ });
  }
  assert.equal((await log.retention.state(STREAM)).isDefault, true);
  assert.throws(() => new Retention({ ...log, defaults: { jobsMaxAgeMs: 0 } }), /jobsMaxAgeMs is 0/);
});

test("I6: a reader behind retention hears of the gap, then gets the frames from first, none twice", async () => {
  await using log = await openRetained();
  const { epoch } = await log.sequencer.append(STREAM, events(10));
  await fill(log, 5_000);
  const slow = new CollectingSink();
  slow.unsentBytes = SUBSCRIBER_BYTES_MAX + 1;
  using follower = await log.follow(slow, { epoch, seq: 4 as Seq });
  await log.retention.set(STREAM, { maxFrames: 50 });
  assert.deepEqual(slow.seqs, []);
  slow.unsentBytes = 0;
  follower.drained();
  await slow.reached(50);
  assert.deepEqual(new Set(slow.gaps.map(({ reason }) => reason)), new Set(["retention"]));
  assert.equal(slow.gaps[0]?.after, 4);
  assert.equal(slow.gaps.at(-1)?.first, 4_961);
  assert.deepEqual(slow.seqs, upTo(5_010, 4_961));

  const late = new CollectingSink();
  using _late = await log.follow(late, { epoch, seq: 7 as Seq });
  await late.reached(50);
  assert.deepEqual(
    late.gaps.map(({ reason, after, first, head }) => [reason, after, first, head]),
    [["retention", 7, 4_961, 5_010]],
  );
  assert.deepEqual(late.seqs, upTo(5_010, 4_961));
});

test("a reader that was before the first frame hears of a gap when that frame has been trimmed, whatever the epoch it knew", async () => {
  await using log = await openRetained();
  const { epoch } = await log.sequencer.append(STREAM, events(20));
  await log.retention.set(STREAM, { maxFrames: 5 });
  for (const known of [epoch, "another"]) {
    const sink = new CollectingSink();
    using _follower = await log.follow(sink, { epoch: known, seq: 0 as Seq });
    await sink.reached(5);
    assert.deepEqual(sink.seqs, upTo(20, 16));
    assert.deepEqual([sink.gaps[0]?.reason, sink.gaps[0]?.after, sink.gaps[0]?.first], ["retention", 0, 16]);
  }
  const fresh = new CollectingSink();
  using _fresh = await log.follow(fresh);
  await fresh.reached(5);
  assert.deepEqual(fresh.gaps, []);
});

test("a deleted stream is gone with its policy, its readers hear of it, and its name begins anew", async () => {
  await using log = await openRetained();
  const { epoch } = await log.sequencer.append(STREAM, events(10));
  await fill(log, 7_000);
  await log.retention.set(STREAM, { maxFrames: 6_000 });
  const sink = new CollectingSink();
  using _follower = await log.follow(sink, { epoch, seq: 7_010 as Seq });
  log.clock.advance(1);
  await log.retention.remove(STREAM);
  await sink.reached(1);
  assert.deepEqual(sink.failures, ["gone"]);
  assert.deepEqual(await log.reader.count(), { streams: 0, frames: 0 });
  const again = await log.sequencer.append(STREAM, events(3));
  assert.equal(again.firstSeq, 1);
  assert.notEqual(again.epoch, epoch);
  assert.equal((await log.retention.state(STREAM)).isDefault, true);
  await assertSound(log.directory);
});

test("policies and what they left survive a restart; message ids of trimmed frames still are duplicates", async () => {
  const first = await openRetained({ isKept: true });
  await first.sequencer.append(STREAM, [{ type: "log", data: 1, messageId: "once" }]);
  await fill(first, 30);
  await first.retention.set(STREAM, { maxFrames: 10, maxAgeMs: DAY_MS });
  await first.close();
  await using log = await openRetained({ directory: first.directory });
  const { policy, first: from, frames } = await log.retention.state(STREAM);
  assert.deepEqual([policy, from, frames], [{ maxFrames: 10, maxAgeMs: DAY_MS }, 22, 10]);
  const { duplicates } = await log.sequencer.append(STREAM, [{ type: "log", data: 1, messageId: "once" }]);
  assert.equal(duplicates, 1);
});

test("a stream that is deleted while it is trimmed takes its policy with it: whoever gets its id next keeps everything", async () => {
  await using log = await openRetained();
  const frames = 5 * TRIM_FRAMES_MAX;
  await fill(log, frames);
  const jsons = Array.from({ length: 100 }, (_, at) => JSON.stringify({ n: at, ts: 1 }));
  const other = { stream: "other", epoch: "anew", nowMs: 0, firstSeq: 1, jsons, opens: false };
  const swap = [
    { op: "log.remove", args: { stream: STREAM } },
    { op: "log.append", args: other },
  ];
  let swapped: Promise<unknown> | undefined;
  const sequencer = {
    trimmed: () => {
      swapped ??= log.storage.writeAll(swap);
    },
    remove: () => Promise.resolve(),
  };
  const { id } = await rowOf(log, STREAM);
  await using retention = new Retention({ storage: log.storage, sequencer, clock: log.clock });
  await assert.rejects(retention.set(STREAM, { maxFrames: 1 }), { code: "not_found" });
  await swapped;
  const row = await rowOf(log, "other" as StreamId);
  assert.equal(row.id, id, "the other stream got the id");
  assert.deepEqual([row.first, row.frames], [1, 100]);
});

async function rowOf({ storage }: RetainedLog, stream: StreamId): Promise<RetainedStream["row"]> {
  const found = await storage.read<RetentionReads["stream"]>("retention.stream", { stream });
  assert.ok(found, `no stream ${stream}`);
  return found.row;
}
