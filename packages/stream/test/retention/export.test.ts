import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cursor, Frame, Seq, StreamId } from "@millrace/protocol";
import { exportFrames } from "@millrace/stream";
import { events, STREAM, upTo } from "../fixture.ts";
import { fill, openRetained } from "./fixture.ts";

async function collect(pages: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const page of pages) text += page;
  return text;
}

const seqsOf = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Frame).seq as number);

test("every frame, byte for byte, one a line, to the head there was when it began", async () => {
  await using log = await openRetained();
  await fill(log, 3_500);
  const { after, until, pages } = await exportFrames(log.storage, STREAM, {});
  await log.sequencer.append(STREAM, events(500));
  const text = await collect(pages);
  assert.deepEqual([after.seq, until.seq], [0, 3_500]);
  assert.deepEqual(seqsOf(text), upTo(3_500));
  const page = await log.reader.frames(STREAM, after, 1_000);
  assert.ok(text.startsWith(page.frames.map(({ json }) => `${json}\n`).join("")));
});

test("a part: after is left out, until is the last; the end of one is the beginning of the next", async () => {
  await using log = await openRetained();
  const { epoch } = await log.sequencer.append(STREAM, events(100));
  const at = (seq: number): Cursor => ({ epoch, seq: seq as Seq });
  const first = await exportFrames(log.storage, STREAM, { until: at(40) });
  assert.deepEqual(seqsOf(await collect(first.pages)), upTo(40));
  const rest = await exportFrames(log.storage, STREAM, { after: first.until });
  assert.deepEqual(seqsOf(await collect(rest.pages)), upTo(100, 41));
  const none = await exportFrames(log.storage, STREAM, { after: rest.until });
  assert.equal(await collect(none.pages), "");
});

test("cursors that cannot be honoured are refused, each with its reason", async () => {
  await using log = await openRetained();
  await assert.rejects(exportFrames(log.storage, STREAM, {}), { code: "not_found" });
  const { epoch } = await log.sequencer.append(STREAM, events(100));
  await log.retention.set(STREAM, { maxFrames: 10 });
  const at = (seq: number): Cursor => ({ epoch, seq: seq as Seq });
  const refused = (range: { after?: Cursor; until?: Cursor }) => exportFrames(log.storage, STREAM, range);
  await assert.rejects(refused({ after: at(101) }), { code: "invalid_argument" });
  await assert.rejects(refused({ until: at(101) }), { code: "invalid_argument" });
  await assert.rejects(refused({ after: at(95), until: at(94) }), { code: "invalid_argument" });
  await assert.rejects(refused({ after: at(20) }), { code: "gone", message: /kept from .*:91 on/ });
  await assert.rejects(refused({ after: { epoch: "other", seq: 5 as Seq } }), { code: "stale_epoch" });
  assert.equal((await refused({ after: at(90) })).after.seq, 90);
});

test("frames trimmed or deleted before they were read end the export with an error, never with a hole", async () => {
  await using log = await openRetained();
  for (const stream of [STREAM, "chat:2" as StreamId]) {
    await fill(log, 5_000, { stream });
    const { pages } = await exportFrames(log.storage, stream, {});
    const reading = pages[Symbol.asyncIterator]();
    const first = await reading.next();
    assert.equal(seqsOf(String(first.value)).at(-1), 1_000);
    if (stream === STREAM) await log.retention.set(stream, { maxFrames: 100 });
    else {
      await log.retention.remove(stream);
      log.clock.advance(1);
      await fill(log, 5_000, { stream });
    }
    await assert.rejects(reading.next(), { code: "gone" });
  }
});

test("one page is read at a time, when it is asked for", async () => {
  await using log = await openRetained();
  await fill(log, 4_000, { chars: 2_000 });
  let reads = 0;
  const counting = {
    settled: () => log.storage.settled(),
    read: (op: string, args: never) => {
      if (op === "log.range") reads++;
      return log.storage.read(op, args);
    },
  } as unknown as typeof log.storage;
  const { pages } = await exportFrames(counting, STREAM, {});
  let taken = 0;
  for await (const page of pages) {
    taken++;
    assert.ok(page.length <= 1_100_000);
    assert.equal(reads, taken, "no page is read ahead");
  }
  assert.ok(taken >= 8);
});
