/** Native producers beside the Durable Streams protocol: what they may append to, and how their streams are read through it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import type { DurableStreams } from "../../src/durable-streams/durable-streams.ts";
import { parseOffset } from "../../src/durable-streams/offset.ts";
import { codeOf, openStreams, readText, temporaryDirectory, toAppend, toMake } from "./fixture.ts";

const A = "a" as StreamId;
const EVENTS: StreamEvent[] = [{ type: "log", data: { n: 1 } }];

/** As the routes append for a client. */
async function appendNative({ nativeWrites, sequencer }: DurableStreams, name = A) {
  const alongside = await nativeWrites.alongside(name);
  return sequencer.append(name, EVENTS, alongside ? { alongside } : {});
}

const offsetOf = (streams: DurableStreams, position: number) =>
  streams.with(A, (stream) => Promise.resolve(stream.offset(position)));

test("a native append to a durable stream is a message of it, until it is closed", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "one"));
  assert.equal((await appendNative(log.streams)).lastSeq, 2);
  await log.streams.write("a", toAppend("two", { closes: true }));
  await assert.rejects(appendNative(log.streams), { code: "conflict", message: /is closed/ });
  assert.equal((await log.streams.with("a", async (stream) => (await log.streams.read(stream)).tail)) as number, 3);
});

test("a native append that was let in before the stream was closed, and comes to the disk behind it, is not kept", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "one"));
  const alongside = await log.streams.nativeWrites.alongside(A);
  assert.ok(alongside);
  await log.streams.write("a", toAppend("two", { closes: true }));
  await assert.rejects(log.sequencer.append(A, EVENTS, { alongside }), { code: "conflict" });
  assert.equal(await readText(log.streams, "a"), "onetwo");
});

test("a source that is kept for its forks takes no native append; its name does again once all are gone", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "one"));
  await log.streams.create(
    toMake("b", "", { contentType: undefined, fork: { from: "a", at: undefined, subOffset: 0 } }),
  );
  await log.streams.remove("a");
  await assert.rejects(appendNative(log.streams), { code: "conflict", message: /was deleted/ });
  await log.streams.remove("b");
  assert.equal((await appendNative(log.streams)).lastSeq, 1);
});

test("a name that was no durable stream is asked about again once one is made under it", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  assert.equal(await log.streams.nativeWrites.alongside(A), undefined);
  await log.streams.create(toMake("a", "one", { closes: true }));
  assert.equal(await codeOf(appendNative(log.streams)), "conflict");
});

test("a stream cannot be forked at a place that retention has taken; a fork made before goes on with what is left", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a"));
  for (const text of "1234") await log.streams.write("a", toAppend(text));
  const forkAt = async (path: string, position: number) => {
    const at = parseOffset(await offsetOf(log.streams, position));
    return log.streams.create(toMake(path, "5", { contentType: undefined, fork: { from: "a", at, subOffset: 0 } }));
  };
  await forkAt("before", 3);
  await log.retention.set(A, { maxFrames: 2 });
  assert.equal(await readText(log.streams, "before"), "35");
  assert.equal(await codeOf(forkAt("behind", 1)), "gone");
  await forkAt("after", 2);
  assert.equal(await readText(log.streams, "after"), "5");
});

test("an offset of a native stream is none of the stream that is made under its name later", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await appendNative(log.streams);
  const before = await offsetOf(log.streams, 1);
  assert.equal(await offsetOf(log.streams, 1), before, "stays while the stream does");
  await log.retention.remove(A);
  await appendNative(log.streams);
  assert.notEqual(await offsetOf(log.streams, 1), before);
});

test("an offset of a native stream outlives a crash, after which its log has another epoch", async () => {
  using directory = temporaryDirectory();
  let before: string;
  {
    await using log = await openStreams(directory.path);
    await appendNative(log.streams);
    before = await offsetOf(log.streams, 1);
  }
  {
    await using log = await openStreams(directory.path);
    const { row } = (await log.storage.read("log.load", { stream: A })) as { row: { epoch: string; head: number } };
    const renews = { epoch: row.epoch, upTo: row.head };
    const args = { stream: A, epoch: "after", nowMs: 0, firstSeq: row.head + 1, jsons: [], opens: false, renews };
    await log.storage.write("log.append", args);
  }
  await using log = await openStreams(directory.path);
  assert.equal(await offsetOf(log.streams, 1), before);
});
