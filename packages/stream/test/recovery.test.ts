import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { Seq } from "@millrace/protocol";
import { anthropicTranslators, Follower, openAiTranslators } from "@millrace/stream";
import { CollectingSink, events, openLog, STREAM, temporaryDirectory, upTo } from "./fixture.ts";
import { freeze, freezeModuleUrl } from "./frozen-disk.ts";

/** A log whose process was killed after readers had seen `kept + lost` frames, of which `kept` were durable. */
async function crashed(directory: string, kept: number, lost: number): Promise<{ epoch: string; seen: number }> {
  const args = ["--conditions=source", `${import.meta.dirname}/crash-child.ts`, directory, String(kept), String(lost)];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  child.kill("SIGKILL");
  await once(child, "exit");
  return JSON.parse(line) as { epoch: string; seen: number };
}

test("I2: frames that were seen and not kept are taken back with a new epoch; a reader before the cut goes on without a gap", async () => {
  using directory = temporaryDirectory();
  const { epoch, seen } = await crashed(directory.path, 9, 5);
  assert.equal(seen, 14);
  await using log = await openLog({ directory: directory.path });
  await log.sequencer.append(STREAM, events(8, 100));

  const ahead = new CollectingSink();
  using _ahead = await log.follow(ahead, { epoch, seq: 14 as Seq });
  await ahead.reached(8);
  assert.deepEqual(ahead.seqs, upTo(17, 10));
  assert.equal(ahead.gaps.length, 1);
  const { reason, after, first } = ahead.gaps[0] ?? assert.fail();
  assert.deepEqual({ reason, after, first }, { reason: "epoch", after: 14, first: 10 });
  assert.notEqual(ahead.started?.epoch, epoch);

  const before = new CollectingSink();
  using _before = await log.follow(before, { epoch, seq: 6 as Seq });
  await before.reached(11);
  assert.deepEqual(before.seqs, upTo(17, 7));
  assert.deepEqual(before.gaps, []);
  const page = await log.reader.frames(STREAM, { epoch, seq: 9 as Seq }, 100);
  assert.equal(page.frames.length, 8);
  await assert.rejects(log.reader.frames(STREAM, { epoch, seq: 10 as Seq }, 100), { code: "stale_epoch" });
});

test("I2: a clean end changes no epoch, whatever was in flight", async () => {
  using directory = temporaryDirectory();
  const before = await openLog({ directory: directory.path });
  const { epoch } = await before.sequencer.append(STREAM, events(1));
  const last = await before.sequencer.submit(STREAM, events(3));
  await before.storage.close();
  assert.equal((await last.durable).lastSeq, 4);
  await using log = await openLog({ directory: directory.path });
  assert.equal((await log.sequencer.append(STREAM, events(1))).epoch, epoch);
});

test("relaxed: readers see frames while the disk is frozen, durableSeq stands still, and nothing is lost once it answers", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl] });
  await log.sequencer.append(STREAM, events(1));
  const told: number[] = [];
  const sink = Object.assign(new CollectingSink(), { durable: (seq: number) => void told.push(seq) });
  using _follower = await log.follow(sink);
  const disk = freeze(log.storage);
  const submitted = [];
  for (let n = 0; n < 3_000; n++) submitted.push(await log.sequencer.submit(STREAM, events(1, n)));
  await sink.reached(3_001);
  assert.deepEqual(new Set(submitted.map(({ durableSeq }) => durableSeq)), new Set([1]));
  assert.deepEqual(told, []);
  await disk.thaw();
  await Promise.all(submitted.map(({ durable }) => durable));
  assert.deepEqual(sink.seqs, upTo(3_001));
  assert.equal((await log.reader.stream(STREAM)).head, 3_001);
});

test("strict: readers see nothing while the disk is frozen", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl], mode: "strict" });
  await log.sequencer.append(STREAM, events(1));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const disk = freeze(log.storage);
  const { durable } = await log.sequencer.submit(STREAM, events(1));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sink.seqs, [1]);
  await disk.thaw();
  await durable;
  await sink.reached(2);
});

test("a relaxed frame waits behind a strict one: readers see numbers in order", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl] });
  await log.sequencer.append(STREAM, events(1));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const disk = freeze(log.storage);
  const strict = await log.sequencer.submit(STREAM, events(1), { mode: "strict" });
  const relaxed = await log.sequencer.submit(STREAM, events(1));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sink.seqs, [1]);
  await disk.thaw();
  await Promise.all([strict.durable, relaxed.durable]);
  await sink.reached(3);
  assert.deepEqual(sink.seqs, upTo(3));
});

test("a failed write takes back what was seen: readers get a gap, the next frames another epoch, also after a restart", async () => {
  using directory = temporaryDirectory();
  const log = await openLog({ directory: directory.path, modules: [freezeModuleUrl] });
  const { epoch } = await log.sequencer.append(STREAM, events(2));
  const sink = new CollectingSink();
  const follower = await log.follow(sink);
  const disk = freeze(log.storage);
  const failing = await log.sequencer.submit(STREAM, events(1), { alongside: [{ op: "log.nonsense", args: null }] });
  // Handed over before the failure is known: their numbers follow one that will not be kept.
  const voided = await log.sequencer.submit(STREAM, events(2));
  await disk.thaw();
  await assert.rejects(failing.durable);
  await assert.rejects(voided.durable, { code: "storage_failed" });
  const after = await log.sequencer.append(STREAM, events(2));
  assert.deepEqual([after.firstSeq, after.lastSeq], [3, 4]);
  await sink.reached(4);
  assert.equal(after.epoch, epoch, "the strict frame hid those behind it: nothing seen was lost");
  follower[Symbol.dispose]();
  await log.storage.close();
});

test("a disk that fails after relaxed frames were seen: a gap to the cut, then the frames that were kept", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl] });
  const { epoch } = await log.sequencer.append(STREAM, events(2));
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const late = new CollectingSink();
  const disk = freeze(log.storage);
  // The writer will find that the stream has been deleted: what was numbered on top of it cannot be kept.
  const removal = log.storage.writeAll([{ op: "log.remove", args: { stream: STREAM } }]);
  const lost = await log.sequencer.submit(STREAM, events(3));
  await sink.reached(5);
  await disk.thaw();
  await removal;
  await assert.rejects(lost.durable, { code: "storage_failed" });
  const after = await log.sequencer.append(STREAM, events(1));
  assert.notEqual(after.epoch, epoch);
  assert.equal(after.firstSeq, 1);
  await sink.reached(6);
  assert.deepEqual(sink.seqs, [...upTo(5), 1]);
  assert.equal(sink.gaps[0]?.first, 1);
  using _late = await Follower.start({ ...log, stream: STREAM, after: { epoch, seq: 5 as Seq }, sink: late });
  await late.reached(1);
  assert.equal(late.gaps[0]?.reason, "epoch");
});

test("an append of duplicates only hides nothing: what a producer sends again after a restart is followed by what is new", async () => {
  using directory = temporaryDirectory();
  const producer = { producer: "p", epoch: 1, seq: 0 };
  const before = await openLog({ directory: directory.path });
  await before.sequencer.append(STREAM, events(3), { producer });
  await before.storage.close();
  await using log = await openLog({ directory: directory.path });
  assert.equal((await log.sequencer.append(STREAM, events(3), { producer })).duplicates, 3);
  assert.equal((await log.sequencer.append(STREAM, events(3), { producer, mode: "strict" })).duplicates, 3);
  await log.sequencer.append(STREAM, events(2));
  assert.equal([...log.sequencer.opened()][0]?.visible, 5);
});

test("what a translator knew is taken back with the frames that were not kept: the same chunks sent again are the same frames", async () => {
  await using log = await openLog({ modules: [freezeModuleUrl] });
  const chunk = (n: number, delta: object, finish: string | null = null) => ({
    type: "openai.chunk",
    data: { id: "c1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }], n },
  });
  log.sequencer.translators.addAll(openAiTranslators);
  const all = [chunk(0, { role: "assistant", content: "a" }), chunk(1, { content: "b" }), chunk(2, {}, "stop")];
  await log.sequencer.append(STREAM, events(1));
  const disk = freeze(log.storage);
  // Numbered on top of an append that will fail, so that none of them is kept.
  const first = await log.sequencer.submit(STREAM, events(1), { alongside: [{ op: "log.nonsense", args: null }] });
  const failing = await Promise.all(all.map((event) => log.sequencer.submit(STREAM, [event])));
  await disk.thaw();
  await assert.rejects(first.durable);
  for (const { durable } of failing) await assert.rejects(durable, { code: "storage_failed" });
  for (const event of all) await log.sequencer.append(STREAM, [event]);
  const { frames } = await log.reader.frames(STREAM, undefined, 20);
  const types = frames.map(({ json }) => JSON.parse(json).type);
  assert.deepEqual(types, ["log", "llm.start", "llm.delta", "llm.delta", "llm.final"]);
});

test("readers that are still in the log when their stream is deleted are told that it is gone", async () => {
  await using log = await openLog();
  for (let n = 0; n < 30; n++) await log.sequencer.append(STREAM, events(100, n * 100));
  const sinks = upTo(60).map(() => new CollectingSink());
  const removing = log.sequencer.remove([STREAM]);
  const followers = await Promise.all(sinks.map((sink) => log.follow(sink).catch(() => undefined)));
  await removing;
  await Promise.all(sinks.map((sink, at) => followers[at] && sink.reached(10_000)));
  for (const [at, sink] of sinks.entries()) if (followers[at]) assert.deepEqual(sink.failures, ["gone"]);
});

test("events that become no frame make no stream", async () => {
  await using log = await openLog();
  log.sequencer.translators.addAll(anthropicTranslators);
  const { accepted } = await log.sequencer.append(STREAM, [{ type: "anthropic.event", data: { type: "ping" } }]);
  assert.equal(accepted, 1);
  await assert.rejects(log.reader.stream(STREAM), { code: "not_found" });
});
