import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Seq, StreamId } from "@millrace/protocol";
import { events, openLog, STREAM, temporaryDirectory } from "./fixture.ts";

test("the count of streams and frames follows appends, refusals and deletions", async () => {
  await using log = await openLog();
  assert.deepEqual({ ...(await log.reader.count()) }, { streams: 0, frames: 0 });
  await log.sequencer.append(STREAM, events(3));
  await log.sequencer.append("other" as StreamId, events(2));
  await assert.rejects(
    log.sequencer.append("third" as StreamId, events(1), { alongside: [{ op: "log.nonsense", args: null }] }),
  );
  assert.deepEqual({ ...(await log.reader.count()) }, { streams: 2, frames: 5 });
  await log.sequencer.remove([STREAM]);
  assert.deepEqual({ ...(await log.reader.count()) }, { streams: 1, frames: 2 });
});

test("a log written before totals were kept is counted when it is opened", async () => {
  using directory = temporaryDirectory();
  const before = await openLog({ directory: directory.path });
  await before.sequencer.append(STREAM, events(3));
  await before.storage.close();
  const db = new DatabaseSync(`${directory.path}/millrace.db`);
  db.exec(`ALTER TABLE producers DROP COLUMN position; ALTER TABLE producers DROP COLUMN used_seq; DROP TABLE lifecycles; DROP TABLE epochs; DROP INDEX streams_open; ALTER TABLE streams DROP COLUMN is_open; DROP TRIGGER stream_added; DROP TRIGGER stream_changed; DROP TRIGGER stream_removed; DROP TABLE log_totals;
    UPDATE schema_versions SET version = 1 WHERE module = 'log'`);
  db.close();
  await using again = await openLog({ directory: directory.path });
  await again.sequencer.append(STREAM, events(1));
  assert.deepEqual({ ...(await again.reader.count()) }, { streams: 1, frames: 4 });
});

test("a page after a cursor past the head is refused; one at the head is empty", async () => {
  await using log = await openLog();
  const { epoch } = await log.sequencer.append(STREAM, events(3));
  assert.deepEqual((await log.reader.frames(STREAM, { epoch, seq: 3 as Seq }, 10)).frames, []);
  await assert.rejects(log.reader.frames(STREAM, { epoch, seq: 4 as Seq }, 10), { code: "invalid_argument" });
});
