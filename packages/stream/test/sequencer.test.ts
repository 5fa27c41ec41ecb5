import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { Seq, StreamId } from "@millrace/protocol";
import { ACTIVE_STREAMS_MAX } from "@millrace/stream";
import fc from "fast-check";
import { CollectingSink, events, openLog, STREAM, temporaryDirectory, upTo } from "./fixture.ts";

const codeIs = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

test("I1: concurrent appends get 1, 2, 3 … without gap or repeat, in the order they were made", async () => {
  await using log = await openLog();
  const results = await Promise.all(upTo(200).map((n) => log.sequencer.append(STREAM, events((n % 3) + 1, n * 10))));
  const page = await log.reader.frames(STREAM, undefined, 1000);
  assert.deepEqual(
    page.frames.map(({ seq }) => seq),
    upTo(page.head),
  );
  assert.deepEqual(
    results.map(({ firstSeq }) => firstSeq),
    results.map((_, at) => 1 + results.slice(0, at).reduce((sum, { accepted }) => sum + accepted, 0)),
  );
  const numbers = page.frames.map(({ json }) => (JSON.parse(json) as { data: { n: number } }).data.n);
  assert.deepEqual(
    numbers,
    upTo(200).flatMap((n) => events((n % 3) + 1, n * 10).map(({ data }) => (data as { n: number }).n)),
  );
});

test("I2: a stream keeps its epoch over a restart and gets another when it is made anew", async () => {
  using directory = temporaryDirectory();
  const first = await openLog({ directory: directory.path });
  const { epoch } = await first.sequencer.append(STREAM, events(2));
  await first.storage.close();
  await using again = await openLog({ directory: directory.path });
  assert.equal((await again.sequencer.append(STREAM, events(1))).epoch, epoch);
  assert.equal((await again.reader.stream(STREAM)).head, 3);
  await again.sequencer.remove([STREAM]);
  const anew = await again.sequencer.append(STREAM, events(1));
  assert.notEqual(anew.epoch, epoch);
  assert.equal(anew.firstSeq, 1);
});

test("I3: what a producer sends again is appended once, also after a restart and in any overlap", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ start: fc.nat(30), count: fc.integer({ min: 1, max: 8 }), restart: fc.boolean() }), {
        maxLength: 12,
      }),
      async (sends) => {
        using directory = temporaryDirectory();
        let log = await openLog({ directory: directory.path });
        let next = 0;
        for (const { start, count, restart } of sends) {
          const seq = Math.min(start, next);
          const producer = { producer: "p", epoch: 1, seq };
          const result = await log.sequencer.append(STREAM, events(count, seq), { producer });
          assert.equal(result.accepted, Math.max(0, seq + count - next));
          assert.equal(result.accepted + result.duplicates, count);
          next = Math.max(next, seq + count);
          if (!restart) continue;
          await log.storage.close();
          log = await openLog({ directory: directory.path });
        }
        const page = next === 0 ? { frames: [] } : await log.reader.frames(STREAM, undefined, 1000);
        assert.deepEqual(
          page.frames.map(({ json }) => (JSON.parse(json) as { data: { n: number } }).data.n),
          next === 0 ? [] : upTo(next - 1, 0),
        );
        await log.storage.close();
      },
    ),
    { numRuns: 15 },
  );
});

test("I3: a message id is appended once, alone, in one batch, in flight and after a restart", async () => {
  using directory = temporaryDirectory();
  const event = { type: "log", data: 1, messageId: "m1" };
  const first = await openLog({ directory: directory.path });
  const both = await Promise.all([
    first.sequencer.append(STREAM, [event, event]),
    first.sequencer.append(STREAM, [event]),
  ]);
  assert.deepEqual(
    both.map(({ accepted }) => accepted),
    [1, 0],
  );
  await first.storage.close();
  await using again = await openLog({ directory: directory.path });
  assert.equal((await again.sequencer.append(STREAM, [event])).duplicates, 1);
});

test("I3: how far a producer has come survives a restart also when all it sent last were duplicates by message id", async () => {
  using directory = temporaryDirectory();
  const first = await openLog({ directory: directory.path });
  const known = ["m1", "m2"].map((messageId) => ({ type: "log", data: messageId, messageId }));
  await first.sequencer.append(STREAM, known);
  const producer = (seq: number) => ({ producer: { producer: "p", epoch: 1, seq } });
  await first.sequencer.append(STREAM, events(1), producer(0));
  const again = await first.sequencer.append(STREAM, known, producer(1));
  assert.deepEqual([again.duplicates, again.lastSeq], [2, 3]);
  await first.storage.close();
  await using log = await openLog({ directory: directory.path });
  assert.equal((await log.sequencer.append(STREAM, events(1), producer(3))).lastSeq, 4);
});

test("an older producer epoch and a skipped number are refused and change nothing", async () => {
  await using log = await openLog();
  await log.sequencer.append(STREAM, events(1), { producer: { producer: "p", epoch: 2, seq: 0 } });
  await assert.rejects(
    log.sequencer.append(STREAM, events(1), { producer: { producer: "p", epoch: 1, seq: 1 } }),
    codeIs("stale_epoch"),
  );
  await assert.rejects(
    log.sequencer.append(STREAM, events(1), { producer: { producer: "p", epoch: 2, seq: 5 } }),
    codeIs("sequence_gap"),
  );
  assert.equal(
    (await log.sequencer.append(STREAM, events(1), { producer: { producer: "p", epoch: 2, seq: 1 } })).lastSeq,
    2,
  );
});

test("a frame that is too large is refused before a number is taken", async () => {
  await using log = await openLog();
  const large = { type: "log", data: "x".repeat(300_000) };
  await assert.rejects(log.sequencer.append(STREAM, [...events(2), large]), codeIs("too_large"));
  assert.equal((await log.sequencer.append(STREAM, events(1))).firstSeq, 1);
});

test("disk full: refused as storage_full, nothing half-written, readers saw only what is kept, and writing goes on once there is room", async () => {
  await using log = await openLog({ bytesMax: 600_000 });
  const sink = new CollectingSink();
  using _follower = await log.follow(sink);
  const big = () => [{ type: "log", data: "y".repeat(50_000) }];
  const outcomes = await Promise.allSettled(upTo(40).map(() => log.sequencer.append(STREAM, big())));
  const kept = outcomes.filter(({ status }) => status === "fulfilled").length;
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [(outcome.reason as MillraceError).code] : [],
  );
  assert.ok(
    reasons.length > 0 && reasons.every((code) => code === "storage_full" || code === "storage_failed"),
    reasons.join(),
  );
  assert.ok(reasons.includes("storage_full"));
  const accepted: number[] = [];
  for (let tries = 0; accepted.length < 3 && tries < 200; tries++) {
    await log.sequencer.append(STREAM, events(1)).then(
      ({ lastSeq }) => accepted.push(lastSeq),
      () => {},
    );
    await log.reader.count();
  }
  assert.deepEqual(accepted, upTo(kept + 3, kept + 1));
  await sink.reached(kept + 3);
  assert.deepEqual(sink.seqs, upTo(kept + 3));
});

test("alongside writes are kept exactly when the frames are", async () => {
  await using log = await openLog();
  const alongside = [{ op: "log.nonsense", args: null }];
  await assert.rejects(log.sequencer.append(STREAM, events(1), { alongside }));
  await assert.rejects(log.reader.frames(STREAM, { epoch: "x", seq: 0 as Seq }, 10), codeIs("not_found"));
});

test("a data directory is held by one process: a second open says who to ask", async () => {
  using directory = temporaryDirectory();
  await using _log = await openLog({ directory: directory.path });
  await assert.rejects(openLog({ directory: directory.path }), codeIs("data_in_use"));
});

test("a data directory of a newer version is refused by name and left as it is", async () => {
  using directory = temporaryDirectory();
  const log = await openLog({ directory: directory.path });
  await log.storage.close();
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(`${directory.path}/millrace.db`);
  db.exec("UPDATE schema_versions SET version = 99 WHERE module = 'log'");
  db.close();
  await assert.rejects(
    openLog({ directory: directory.path }),
    (error) => codeIs("data_too_new")(error) && /version 99/.test(String(error)),
  );
});

test("data given as JSON text is spliced as it is, unless the lifecycle fills in what is missing", async () => {
  await using log = await openLog();
  const raw = [
    { type: "x.raw", data: { b: 1 }, json: '{ "b": 1 }' },
    { type: "llm.delta", id: "m1", data: { append: "hi" }, json: '{"append":"hi"}' },
  ];
  await log.sequencer.append(STREAM, raw);
  const { frames } = await log.reader.frames(STREAM, undefined, 10);
  assert.ok(frames[0]?.json.endsWith('"data":{ "b": 1 }}'));
  assert.deepEqual(JSON.parse(frames[1]?.json ?? "").data, { offset: 0, append: "hi" });
});

test("I7: what a restart left open is ended once, and a delta for it is refused", async () => {
  using directory = temporaryDirectory();
  const before = await openLog({ directory: directory.path });
  await before.sequencer.append(STREAM, [
    { type: "llm.start", id: "m1", data: {} },
    { type: "llm.delta", id: "m1", data: { append: "half a sen" } },
    { type: "llm.start", id: "m2", data: {} },
    { type: "llm.final", id: "m2", data: {} },
  ]);
  await before.storage.close();
  await using log = await openLog({ directory: directory.path });
  assert.equal(await log.sequencer.recover(), 1);
  assert.equal(await log.sequencer.recover(), 0);
  const { frames } = await log.reader.frames(STREAM, undefined, 10);
  const last = frames.map(({ json }) => JSON.parse(json)).map(({ type, id }) => `${type} ${id}`);
  assert.deepEqual(last.slice(4), ["interrupted m1"]);
  const late = [{ type: "llm.delta", id: "m1", data: { append: "tence" } }];
  await assert.rejects(log.sequencer.append(STREAM, late), { code: "terminal" });
  const again = [{ type: "llm.delta", id: "m2", data: { append: "more" } }];
  await assert.rejects(log.sequencer.append(STREAM, again), { code: "terminal" });
  assert.equal((await log.reader.stream(STREAM)).head, 5);
});

test("I7: a stream that left memory knows what is open in it when it comes back", async () => {
  await using log = await openLog();
  await log.sequencer.append(STREAM, [{ type: "llm.delta", id: "m1", data: { append: "one" } }]);
  for (let n = 0; n <= ACTIVE_STREAMS_MAX; n++) await log.sequencer.append(`other:${n}` as StreamId, events(1));
  await log.sequencer.append(STREAM, [{ type: "llm.delta", id: "m1", data: { append: "two" } }]);
  const { frames } = await log.reader.frames(STREAM, undefined, 10);
  assert.equal(JSON.parse(frames.at(-1)?.json ?? "").data.offset, 3);
});

test("I3: events with the ids of a Redis stream are appended once, also out of a restart, an overlap or a batch that repeats itself", async () => {
  using directory = temporaryDirectory();
  const producer = { producer: "redis:chat", epoch: 0 };
  const at = (...positions: string[]) => positions.map((position) => ({ type: "log", data: position, position }));
  const first = await openLog({ directory: directory.path });
  const ids = ["1790000000000-0", "1790000000000-9", "1790000000000-10", "1790000000001-0"];
  const one = await first.sequencer.append(STREAM, at(...ids.slice(0, 3), ids[1] ?? ""), { producer });
  assert.deepEqual([one.accepted, one.duplicates], [3, 1]);
  await first.storage.close();
  await using log = await openLog({ directory: directory.path });
  const two = await log.sequencer.append(STREAM, at(...ids), { producer });
  assert.deepEqual([two.accepted, two.duplicates], [1, 3]);
  const { frames } = await log.reader.frames(STREAM, undefined, 10);
  assert.deepEqual(
    frames.map(({ json }) => JSON.parse(json).data),
    ids,
  );
  await assert.rejects(log.sequencer.append(STREAM, events(1), { producer }), { code: "invalid_argument" });
  await assert.rejects(log.sequencer.append(STREAM, at("1-1000000"), { producer }), { code: "invalid_argument" });
  await assert.rejects(log.sequencer.append(STREAM, events(1), { producer: { ...producer, seq: 1 } }), {
    code: "conflict",
  });
  assert.equal((await log.sequencer.append(STREAM, at("5-0"), { producer: { ...producer, epoch: 1 } })).accepted, 1);
  await assert.rejects(log.sequencer.append(STREAM, at("6-0"), { producer }), { code: "stale_epoch" });
});
