import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import { ACTIVE_STREAMS_MAX, Follower, STREAMS_FOLLOWED_MAX } from "@millrace/stream";
import { CollectingSink, events, openLog, STREAM, upTo } from "./fixture.ts";

const names = (count: number) => upTo(count).map((n) => `s${n}` as StreamId);

test("a reader that opens a stream when the table is full of followed ones gets its frames", async () => {
  await using log = await openLog();
  const { sequencer, storage } = log;
  const follow = (stream: StreamId, sink: CollectingSink) =>
    Follower.start({ sequencer, storage, stream, after: undefined, sink });
  const followers = await Promise.all(names(ACTIVE_STREAMS_MAX).map((name) => follow(name, new CollectingSink())));
  const sink = new CollectingSink();
  using _late = await follow(STREAM, sink);
  await sequencer.append(STREAM, events(1));
  await sink.reached(1);
  assert.equal(sequencer.active, ACTIVE_STREAMS_MAX + 1);
  for (const follower of followers) follower[Symbol.dispose]();
});

test("readers are refused past the limit, writers are not, and what nobody holds any more is closed", async () => {
  await using log = await openLog();
  const { sequencer } = log;
  const held = await Promise.all(names(STREAMS_FOLLOWED_MAX).map((name) => sequencer.follow(name)));
  await assert.rejects(sequencer.follow(STREAM), { code: "overloaded" });
  assert.equal(await sequencer.follow("s1" as StreamId), held[0]);
  assert.equal((await sequencer.append(STREAM, events(1))).lastSeq, 1);
  for (const live of held) sequencer.release(live);
  assert.equal(sequencer.active, ACTIVE_STREAMS_MAX);
  assert.equal((await sequencer.follow("s1" as StreamId)).holds, 2);
});

test("streams that were only written to are closed in order of last use, and go on where they were", async () => {
  await using log = await openLog();
  const all = names(ACTIVE_STREAMS_MAX + 200);
  await Promise.all(all.map((name) => log.sequencer.append(name, events(1))));
  assert.equal(log.sequencer.active, ACTIVE_STREAMS_MAX);
  const again = await Promise.all(all.map((name) => log.sequencer.append(name, events(1))));
  assert.ok(again.every(({ lastSeq }) => lastSeq === 2));
});
