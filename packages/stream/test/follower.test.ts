import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, ManualClock, randomBelow } from "@millrace/core";
import type { Seq } from "@millrace/protocol";
import { Follower, RING_FRAMES_MAX, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { CollectingSink, events, openLog, STREAM, upTo } from "./fixture.ts";

test("a disconnect after every single frame loses, repeats and reorders nothing, while the writer goes on", async () => {
  await using log = await openLog();
  const total = 300;
  const rng = createRng(7);
  const writing = (async () => {
    for (let sent = 0; sent < total; sent += 3) await log.sequencer.append(STREAM, events(3, sent));
  })();
  const got: number[] = [];
  let epoch = "";
  while (got.length < total) {
    const sink = new CollectingSink();
    const after = epoch === "" ? undefined : { epoch, seq: (got.at(-1) ?? 0) as Seq };
    const follower = await log.follow(sink, after);
    epoch = sink.started?.epoch ?? "";
    const want = Math.min(1 + randomBelow(rng, 4), total - got.length);
    await sink.reached(want);
    follower[Symbol.dispose]();
    got.push(...sink.seqs.slice(0, want));
  }
  await writing;
  assert.deepEqual(got, upTo(total));
});

test("a reader far behind is fed from the log, then live, without a seam", async () => {
  await using log = await openLog();
  const behind = RING_FRAMES_MAX + 500;
  for (let sent = 0; sent < behind; sent += 100) await log.sequencer.append(STREAM, events(100, sent));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const more = Promise.all(upTo(20).map((n) => log.sequencer.append(STREAM, events(1, n))));
  const { head } = await more.then(() => log.reader.stream(STREAM));
  await sink.reached(head);
  assert.deepEqual(sink.seqs, upTo(head));
});

test("I6: a reader over its budget is handed nothing more, and everything once it drains", async () => {
  await using log = await openLog();
  const sink = new CollectingSink();
  using follower = await log.follow(sink);
  await log.sequencer.append(STREAM, events(10));
  await sink.reached(10);
  sink.unsentBytes = SUBSCRIBER_BYTES_MAX + 1;
  for (let sent = 0; sent < 30; sent++) await log.sequencer.append(STREAM, events(100));
  assert.equal(sink.seqs.length, 10);
  sink.unsentBytes = 0;
  follower.drained();
  await sink.reached(3010);
  assert.deepEqual(sink.seqs, upTo(3010));
});

test("I6: a reader that never drains is ended as slow_consumer", async () => {
  await using log = await openLog();
  const clock = new ManualClock();
  const sink = new CollectingSink();
  sink.unsentBytes = SUBSCRIBER_BYTES_MAX + 1;
  await log.sequencer.append(STREAM, events(1));
  using _follower = await Follower.start({ ...log, stream: STREAM, after: undefined, sink, clock });
  clock.advance(30_000);
  assert.deepEqual(sink.failures, ["slow_consumer"]);
});

test("I6: a reader that took its bytes unheard goes on, and one that makes progress is given time", async () => {
  await using log = await openLog();
  const clock = new ManualClock();
  const sink = new CollectingSink();
  sink.unsentBytes = SUBSCRIBER_BYTES_MAX + 1;
  await log.sequencer.append(STREAM, events(1));
  using follower = await Follower.start({ ...log, stream: STREAM, after: undefined, sink, clock });
  await log.reader.count();
  clock.advance(29_000);
  follower.drained();
  await log.reader.count();
  clock.advance(29_000);
  assert.deepEqual(sink.failures, []);
  sink.unsentBytes = 0;
  clock.advance(1_000);
  await sink.reached(1);
  assert.deepEqual(sink.failures, []);
});

test("a cursor of another epoch gets a gap, then everything from the first frame; one ahead of the stream is refused", async () => {
  await using log = await openLog();
  const { epoch } = await log.sequencer.append(STREAM, events(5));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink, { epoch: "other", seq: 3 as Seq });
  await sink.reached(5);
  assert.equal(sink.gaps[0]?.reason, "epoch");
  assert.deepEqual(sink.seqs, upTo(5));
  await assert.rejects(log.follow(new CollectingSink(), { epoch, seq: 6 as Seq }), { code: "invalid_argument" });
});

test("a deleted stream ends its readers with gone", async () => {
  await using log = await openLog();
  await log.sequencer.append(STREAM, events(5));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  await sink.reached(5);
  await log.sequencer.remove([STREAM]);
  await sink.reached(6);
  assert.deepEqual(sink.failures, ["gone"]);
});
