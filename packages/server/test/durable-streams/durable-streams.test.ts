import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import fc from "fast-check";
import { DurableStream } from "../../src/durable-streams/durable-stream.ts";
import type { DurableStreams } from "../../src/durable-streams/durable-streams.ts";
import { OPEN_MAX } from "../../src/durable-streams/limits.ts";
import { parseOffset } from "../../src/durable-streams/offset.ts";
import { toLogName } from "../../src/durable-streams/stream-path.ts";
import { codeOf, openStreams, readText, temporaryDirectory, toAppend, toMake } from "./fixture.ts";

const fork = (from: string, at?: string, subOffset = 0) => ({
  contentType: undefined,
  fork: { from, at: at === undefined ? undefined : parseOffset(at), subOffset },
});
const append = (streams: DurableStreams, path: string, text: string, seq: number) =>
  streams.write(path, toAppend(text, { producer: { id: "p", epoch: 0, seq } }));

test("writes follow one another without waiting for each other's commit, in order", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a"));
  const commits = () => log.storage.commitMicros.count;
  const before = commits();
  const writing = Array.from({ length: 500 }, (_, n) => append(log.streams, "a", `${n},`, n));
  const written = await Promise.all(writing);
  assert.ok(written.every(({ verdict }) => verdict.kind === "accepted"));
  assert.deepEqual(
    written.map(({ tail }) => tail),
    Array.from({ length: 500 }, (_, n) => n + 1),
  );
  assert.equal(await readText(log.streams, "a"), Array.from({ length: 500 }, (_, n) => `${n},`).join(""));
  assert.ok(commits() - before < 100, `${commits() - before} commits for 500 appends at once`);
});

test("I3, I4: a repetition is answered only when the original is durable", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a"));
  const producer = { id: "p", epoch: 0, seq: 0 };
  const original = toAppend("lost", { producer, alongside: [{ op: "no.such.operation", args: null }] });
  const [failed, again] = await Promise.all([
    codeOf(log.streams.write("a", original)),
    log.streams.write("a", toAppend("kept", { producer })),
  ]);
  assert.equal(failed, "storage_failed");
  assert.equal(again.verdict.kind, "accepted", "the original was not kept, so this is none");
  assert.equal(await readText(log.streams, "a"), "kept");
  const [first, second] = await Promise.all([append(log.streams, "a", "x", 1), append(log.streams, "a", "x", 1)]);
  assert.deepEqual([first.verdict.kind, second.verdict], ["accepted", { kind: "duplicate", seq: 1 }]);
  assert.equal(await readText(log.streams, "a"), "keptx");
});

test("I4: when a write fails those behind it fail with it, nothing of them is kept, and the stream goes on from what was", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "first"));
  const bad = toAppend("lost", { alongside: [{ op: "no.such.operation", args: null }] });
  const results = await Promise.all([
    codeOf(log.streams.write("a", bad)),
    codeOf(append(log.streams, "a", "behind", 0)),
    codeOf(log.streams.write("a", toAppend("", { closes: true, mediaType: undefined, events: () => [] }))),
  ]);
  assert.ok(
    results.every((result) => typeof result === "string"),
    JSON.stringify(results),
  );
  assert.equal(await readText(log.streams, "a"), "first");
  const { verdict, tail } = await append(log.streams, "a", "second", 0);
  assert.deepEqual([verdict.kind, tail], ["accepted", 2], "neither the close nor the producer's position was kept");
  assert.equal(await readText(log.streams, "a"), "firstsecond");
});

test("everything that was told survives a restart: messages, producers, Stream-Seq, closing, forks", async () => {
  using directory = temporaryDirectory();
  {
    await using log = await openStreams(directory.path);
    await log.streams.create(toMake("a", "one"));
    await append(log.streams, "a", "two", 0);
    await log.streams.write(
      "a",
      toAppend("three", { seq: "m", closes: true, producer: { id: "p", epoch: 0, seq: 1 } }),
    );
    await log.streams.create(toMake("b", "!", fork("a")));
    await log.streams.remove("a");
  }
  await using log = await openStreams(directory.path);
  assert.equal(await readText(log.streams, "b"), "onetwothree!");
  assert.equal(await codeOf(readText(log.streams, "a")), "gone");
  assert.equal(await codeOf(log.streams.create(toMake("a"))), "conflict");
  await log.streams.create(toMake("c", "x"));
  await log.streams.write("c", toAppend("y", { seq: "m", producer: { id: "p", epoch: 3, seq: 0 } }));
  await log.streams.remove("b");
  await log[Symbol.asyncDispose]();

  await using again = await openStreams(directory.path);
  const { verdict } = await again.streams.write(
    "c",
    toAppend("y", { seq: "n", producer: { id: "p", epoch: 3, seq: 0 } }),
  );
  assert.deepEqual(verdict, { kind: "duplicate", seq: 0 });
  assert.equal((await again.streams.write("c", toAppend("z", { seq: "a" }))).verdict.kind, "seq_regressed");
  assert.equal(await codeOf(readText(again.streams, "a")), "not_found", "the last fork took its source with it");
  await again.streams.create(toMake("a", "new"));
  assert.equal(await readText(again.streams, "a"), "new");
});

test("a stream ends when its time to live is over: reads and writes push it out, across a restart, and the sweep finds it unasked", async () => {
  using directory = temporaryDirectory();
  const clock = new ManualClock();
  {
    await using log = await openStreams(directory.path, { clock });
    await log.streams.create(toMake("a", "x", { ttlSeconds: 10 }));
    clock.advance(8_000);
    await log.streams.with("a", async (stream) => log.streams.touch(stream));
    clock.advance(8_000);
    assert.equal(await readText(log.streams, "a"), "x", "16 s old, read 8 s ago");
  }
  await using log = await openStreams(directory.path, { clock });
  assert.equal(await readText(log.streams, "a"), "x", "the read was stored");
  await append(log.streams, "a", "y", 0);
  clock.advance(9_999);
  assert.equal(await readText(log.streams, "a"), "xy");
  clock.advance(1);
  assert.equal(await codeOf(readText(log.streams, "a")), "not_found");

  await log.streams.create(toMake("b", "x", { expires: { at: "soon", ms: clock.now() + 5_000 } }));
  const live = await log.sequencer.follow("b" as never);
  const ended = new Promise<string | undefined>((resolve) => {
    const stop = live.onChange(() => {
      if (!live.ended) return;
      stop();
      resolve(live.ended.code);
    });
  });
  const timer = setInterval(() => clock.advance(1_000), 1);
  assert.equal(await ended, "gone", "nobody asked for it");
  clearInterval(timer);
  log.sequencer.release(live);
});

test("I12: streams in memory are bounded, and one that was put away is served as before", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  const paths = Array.from({ length: OPEN_MAX + 50 }, (_, n) => `many/${n}`);
  await Promise.all(paths.map((path) => log.streams.create(toMake(path, path))));
  await Promise.all(paths.map((path) => append(log.streams, path, "+", 0)));
  assert.ok(log.streams.active <= OPEN_MAX, `${log.streams.active} in memory`);
  const { verdict } = await append(log.streams, "many/0", "+", 0);
  assert.deepEqual(verdict, { kind: "duplicate", seq: 0 });
  assert.equal(await readText(log.streams, "many/0"), "many/0+");
});

test("who waits on a stream hears that it was deleted, also when it is kept for its forks", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "x"));
  await log.streams.create(toMake("b", "", fork("a")));
  await log.streams.with("a", async (stream) => {
    using reader = await log.streams.read(stream);
    const changed = reader.change(reader.tail, 60_000, new AbortController().signal);
    await log.streams.remove("a");
    await changed;
    assert.equal(await codeOf(reader.page(0)), "gone");
  });
  assert.ok((await log.streams.find("a")) instanceof DurableStream, "kept for its fork");
});

/** What forks mean: a stream is a list of messages, and a fork begins with a copy of a part of it. */
type Model = Map<string, { text: string[]; isHidden: boolean; source: string | undefined; offsets: string[] }>;
type Step = {
  readonly kind: "make" | "append" | "fork" | "remove";
  readonly at: number;
  readonly from: number;
  readonly cut: number;
};

test("forks read as copies would, through any order of creating, appending, forking and deleting", async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("make", "append", "append", "fork", "fork", "remove"),
    at: fc.nat(5),
    from: fc.nat(5),
    cut: fc.nat(8),
  });
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const prefix = `round-${round++}`;
      const model: Model = new Map();
      for (const one of steps) await play(log.streams, model, prefix, one);
      for (let at = 0; at <= 5; at++) {
        const path = `${prefix}/${at}`;
        const known = model.get(path);
        const wanted = known ? (known.isHidden ? "gone" : known.text.join("")) : "not_found";
        assert.equal(await codeOf(readText(log.streams, path)), wanted, path);
      }
    }),
    { numRuns: 40 },
  );
});

async function play(
  streams: DurableStreams,
  model: Model,
  prefix: string,
  { kind, at, from, cut }: Step,
): Promise<void> {
  const path = `${prefix}/${at}`;
  const known = model.get(path);
  if (kind === "make" && !known) {
    const { tail } = await streams.create(toMake(path));
    model.set(path, { text: [], isHidden: false, source: undefined, offsets: [tail] });
  } else if (kind === "append" && known && !known.isHidden) {
    const { tail, stream } = await streams.write(path, toAppend(`[${path}:${known.text.length}]`));
    known.text.push(`[${path}:${known.text.length}]`);
    known.offsets.push(stream.offset(tail ?? 0));
  } else if (kind === "fork" && !known) {
    const source = model.get(`${prefix}/${from}`);
    const place = source ? cut % source.offsets.length : 0;
    const made = streams.create(toMake(path, "", fork(`${prefix}/${from}`, source?.offsets[place])));
    if (!source || source.isHidden) {
      assert.equal(await codeOf(made), source ? "conflict" : "not_found");
      return;
    }
    await made;
    const offsets = source.offsets.slice(0, place + 1);
    model.set(path, { text: source.text.slice(0, place), isHidden: false, source: `${prefix}/${from}`, offsets });
  } else if (kind === "remove" && known && !known.isHidden) {
    await streams.remove(path);
    known.isHidden = true;
    collect(model);
  }
}

/** Hidden streams without forks are gone, and with them perhaps their sources. */
function collect(model: Model): void {
  for (const [path, { isHidden }] of model) {
    const hasForks = [...model.values()].some(({ source }) => source === path);
    if (!isHidden || hasForks) continue;
    model.delete(path);
    collect(model);
    return;
  }
}

test("retention: who reads from the start skips what is gone, an offset before it is refused, and a fork never shows what follows its share", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a", "0"));
  const offsets: string[] = [];
  for (let n = 1; n < 10; n++) {
    const { tail, stream } = await log.streams.write("a", toAppend(String(n)));
    offsets[n] = stream.offset(tail ?? 0);
  }
  await log.streams.create(toMake("b", "x", fork("a", offsets[4])));
  for (const [maxFrames, wanted] of [
    [8, "23456789"],
    [3, "789"],
  ] as const) {
    await log.retention.set(toLogName("a"), { maxFrames });
    assert.equal(await readText(log.streams, "a"), wanted);
  }
  assert.equal(await readText(log.streams, "b"), "x", "its whole share is gone, and 789 was never its own");
  await log.streams.with("a", async (stream) => {
    using reader = await log.streams.read(stream);
    const place = parseOffset(offsets[3] ?? "") ?? "start";
    assert.throws(() => reader.positionOf(place), { code: "gone" });
  });
  await log.streams.with("b", async (stream) => {
    using reader = await log.streams.read(stream);
    assert.equal(await codeOf(reader.page(2)), "gone");
  });
});

test("appends that meet a deletion were taken before it or find nothing, and leave nothing behind", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  for (let round = 0; round < 20; round++) {
    await log.streams.create(toMake("a", "x"));
    const appends = Array.from({ length: 20 }, async (_, n) => {
      for (let turn = 0; turn < n; turn++) await Promise.resolve();
      return (await log.streams.write("a", toAppend("y"))).verdict.kind;
    });
    const [, ...results] = await Promise.all([log.streams.remove("a"), ...appends.map(codeOf)]);
    for (const result of results) assert.ok(["accepted", "not_found", "gone"].includes(String(result)), String(result));
    assert.equal(await codeOf(readText(log.streams, "a")), "not_found");
    const live = await log.sequencer.follow(toLogName("a"));
    assert.equal(live.head, 0, "no frame of the deleted stream is left or came after");
    log.sequencer.release(live);
  }
});

test("a write that is refused at once, behind one still under way, holds nobody up", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  await log.streams.create(toMake("a"));
  const huge = toAppend("", { events: () => [{ type: "x.durable", data: "x".repeat(300_000) }] });
  const [first, refused, behind] = await Promise.all([
    codeOf(append(log.streams, "a", "1", 0)),
    codeOf(log.streams.write("a", huge)),
    codeOf(append(log.streams, "a", "1", 0).then(({ verdict }) => verdict.kind)),
  ]);
  assert.equal(refused, "too_large");
  assert.deepEqual([typeof first, behind], ["object", "duplicate"]);
  assert.equal(await readText(log.streams, "a"), "1");
});
