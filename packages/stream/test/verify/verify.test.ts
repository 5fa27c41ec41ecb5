import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import { DATABASE_FILE, type FindingCheck, verifyStore } from "@millrace/stream";
import fc from "fast-check";
import { temporaryDirectory, upTo } from "../fixture.ts";
import { openRetained } from "../retention/fixture.ts";
import { CHAT, copyStore, damage, JOB, openFilled } from "./store.ts";

const healthy = await openFilled();
await healthy.close();
after(() => rmSync(healthy.directory, { recursive: true, force: true }));

async function findingsAfter(change: (db: DatabaseSync) => void) {
  using place = temporaryDirectory();
  copyStore(healthy.directory, place.path);
  damage(place.path, change);
  return await verifyStore({ directory: place.path });
}

test("a healthy store has no findings, and the report says how much was looked at", async () => {
  const report = await verifyStore({ directory: healthy.directory });
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    [report.isSound, report.found, report.streams, report.frames, report.entities, report.notCompared],
    [true, 0, 6, 36 + 12 + 15 + 8, 4, 1],
  );
});

const OF_CHAT = "WHERE stream = (SELECT id FROM streams WHERE name = 'chat:1')";
const NAMED = "WHERE name = 'chat:1'";
const damages: readonly (readonly [string, FindingCheck, string])[] = [
  ["a frame is missing in the middle", "seq", `DELETE FROM frames ${OF_CHAT} AND seq = 7`],
  ["the first frame is missing", "seq", `DELETE FROM frames ${OF_CHAT} AND seq = 1`],
  ["the last frame is missing", "seq", `DELETE FROM frames ${OF_CHAT} AND seq = 36`],
  ["all frames are missing", "seq", `DELETE FROM frames ${OF_CHAT}`],
  ["a frame has another seq", "seq", `UPDATE frames SET seq = 99 ${OF_CHAT} AND seq = 7`],
  ["head is too high", "seq", `UPDATE streams SET head = head + 1 ${NAMED}`],
  ["head is too low", "seq", `UPDATE streams SET head = head - 1 ${NAMED}`],
  ["first is too high", "seq", `UPDATE streams SET first = 3 ${NAMED}`],
  ["the count of frames is off", "counters", `UPDATE streams SET frames = frames + 1 ${NAMED}`],
  ["the bytes are off by one", "counters", `UPDATE streams SET bytes = bytes - 1 ${NAMED}`],
  ["a frame is no JSON", "json", `UPDATE frames SET json = substr(json, 2) ${OF_CHAT} AND seq = 7`],
  ["a frame is no object", "json", `UPDATE frames SET json = '[1]' ${OF_CHAT} AND seq = 7`],
  [
    "a frame is of another stream",
    "frame",
    `UPDATE frames SET json = replace(json, 'chat:1', 'chat:2') ${OF_CHAT} AND seq = 7`,
  ],
  [
    "a frame says another seq",
    "frame",
    `UPDATE frames SET json = replace(json, '"seq":7,', '"seq":8,') ${OF_CHAT} AND seq = 7`,
  ],
  [
    "a frame has lost its data",
    "frame",
    `UPDATE frames SET json = replace(json, '"data":', '"dota":') ${OF_CHAT} AND seq = 7`,
  ],
  [
    "a frame begins with something else",
    "frame",
    `UPDATE frames SET json = json_insert('{}', '$.id', json_extract(json, '$.id'), '$.data', 1, '$.type', 'log', '$.stream', 'chat:1', '$.epoch', json_extract(json, '$.epoch'), '$.seq', 7, '$.ts', json_extract(json, '$.ts')) ${OF_CHAT} AND seq = 7`,
  ],
  [
    "a frame is of an epoch the stream never had",
    "epoch",
    `UPDATE frames SET json = json_set(json, '$.epoch', 'zzz') ${OF_CHAT} AND seq = 7`,
  ],
  [
    "an epoch was kept further than the log goes",
    "epoch",
    "INSERT INTO epochs SELECT id, 'older', head + 5 FROM streams WHERE name = 'chat:1'",
  ],
  ["time steps back", "order", `UPDATE frames SET json = json_set(json, '$.ts', 1) ${OF_CHAT} AND seq = 7`],
  ["a message id points nowhere", "message-id", `UPDATE message_ids SET seq = 500 ${OF_CHAT} AND seq = 7`],
  ["a message id is there twice", "message-id", `UPDATE message_ids SET message_id = 'm0-0' ${OF_CHAT} AND seq = 7`],
  ["a producer is at no place", "producer", `UPDATE producers SET seq = -5 ${OF_CHAT}`],
  ["frames belong to no stream", "orphan", `UPDATE frames SET stream = 777 ${OF_CHAT} AND seq = 36`],
  ["a policy belongs to no stream", "orphan", "INSERT INTO retention VALUES (777, 1, 1, 1)"],
  ["a policy keeps less than nothing", "retention", "UPDATE retention SET max_frames = 0"],
  ["the totals are off", "totals", "UPDATE log_totals SET frames = frames + 1"],
  ["the totals are missing", "totals", "DELETE FROM log_totals"],
  ["an entity is of a later frame than there is", "entity", "UPDATE entities SET version = 99 WHERE kind = 'job'"],
  ["an entity is in another state", "entity", "UPDATE entities SET state = 'running' WHERE kind = 'job'"],
  ["an entity's properties are no JSON", "entity", "UPDATE entities SET props = '{' WHERE kind = 'job'"],
  ["an entity's properties are others", "entity", `UPDATE entities SET props = '{"total":4}' WHERE kind = 'job'`],
  ["an entity is missing", "entity", "DELETE FROM entities WHERE id = 'd1'"],
];
for (const [what, check, sql] of damages) {
  test(`found: ${what}`, async () => {
    const { isSound, findings } = await findingsAfter((db) => db.exec(sql));
    assert.equal(isSound, false);
    assert.ok(
      findings.some((finding) => finding.check === check),
      `no finding of ${check}: ${JSON.stringify(findings.slice(0, 5))}`,
    );
    assert.ok(findings.every(({ message }) => message.length > 10));
  });
}

test("found: a job that goes on after its end (I7)", async () => {
  const { findings } = await findingsAfter((db) => {
    const { id, json } = db.prepare("SELECT stream AS id, json FROM frames WHERE json LIKE '%job.done%'").get() as {
      id: number;
      json: string;
    };
    const again = json.replace('"seq":8,', '"seq":9,');
    db.prepare("INSERT INTO frames VALUES (?, 9, ?)").run(id, again);
    db.prepare("UPDATE streams SET head = 9, frames = 9, bytes = bytes + ? WHERE id = ?").run(again.length, id);
  });
  assert.deepEqual(
    findings.map(({ check, stream, seq }) => [check, stream, seq]),
    [["terminal", JOB, 9]],
  );
});

test("found: pages of the file that were overwritten; what is unreadable does not end the verification", async () => {
  for (const page of [3, 5, 8]) {
    using place = temporaryDirectory();
    copyStore(healthy.directory, place.path);
    damage(place.path, (db) => db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    const file = join(place.path, DATABASE_FILE);
    assert.ok(statSync(file).size > (page + 1) * 4_096);
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.alloc(2_000, 0xa5), 0, 2_000, page * 4_096);
    closeSync(handle);
    const { isSound } = await verifyStore({ directory: place.path });
    assert.equal(isSound, false, `page ${page}`);
  }
  using place = temporaryDirectory();
  writeFileSync(join(place.path, DATABASE_FILE), "this is no database, and never was one".repeat(300));
  assert.equal((await verifyStore({ directory: place.path })).findings[0]?.check, "integrity");
});

/** Ways to damage frame `seq` of a stream of `head` frames; each leaves the store readable. */
const CORRUPTIONS: readonly ((db: DatabaseSync, id: number, seq: number) => void)[] = [
  (db, id, seq) => void db.prepare("DELETE FROM frames WHERE stream = ? AND seq = ?").run(id, seq),
  (db, id, seq) => void db.prepare("UPDATE frames SET seq = seq + 1000 WHERE stream = ? AND seq = ?").run(id, seq),
  (db, id, seq) => void db.prepare("UPDATE frames SET json = json || ' ' WHERE stream = ? AND seq = ?").run(id, seq),
  (db, id, seq) =>
    void db
      .prepare("UPDATE frames SET json = substr(json, 1, length(json) - 1) WHERE stream = ? AND seq = ?")
      .run(id, seq),
  (db, id, seq) =>
    void db
      .prepare("UPDATE frames SET json = replace(json, '\"ts\":', '\"ts\":-') WHERE stream = ? AND seq = ?")
      .run(id, seq),
  (db, id, seq) => void db.prepare("UPDATE streams SET head = head + ? WHERE id = ?").run(seq, id),
  (db, id, seq) => void db.prepare("UPDATE streams SET head = head - ? WHERE id = ?").run(seq, id),
  (db, id, seq) => void db.prepare("UPDATE streams SET first = first + ? WHERE id = ?").run(seq, id),
  (db, id, seq) => void db.prepare("UPDATE streams SET frames = frames + ? WHERE id = ?").run(seq, id),
  (db, id, seq) => void db.prepare("UPDATE streams SET bytes = bytes - ? WHERE id = ?").run(seq, id),
  (db, id) => void db.prepare("UPDATE streams SET name = name || 'x' WHERE id = ?").run(id),
  (db, id) => void db.prepare("UPDATE streams SET epoch = 'other' WHERE id = ?").run(id),
  (db, id) => void db.prepare("DELETE FROM streams WHERE id = ?").run(id),
];

test("every random corruption of a store of random appends is found, and without one nothing is", async () => {
  const appends = fc.array(
    fc.record({
      stream: fc.constantFrom("a", "b", "c:d", "e-1"),
      data: fc.array(fc.jsonValue(), { minLength: 1, maxLength: 6 }),
      id: fc.option(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), { nil: undefined }),
      waitMs: fc.integer({ min: 0, max: 5 }),
      keep: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(appends, fc.nat(), fc.nat(), async (program, pickStream, pickSeq) => {
      const log = await openRetained({ isKept: true });
      try {
        for (const { stream, data, id, waitMs, keep } of program) {
          const name = stream as StreamId;
          log.clock.advance(waitMs);
          await log.sequencer.append(
            name,
            data.map((one) => ({ type: "log", data: one, ...(id === undefined ? {} : { id }) })),
          );
          if (keep !== undefined) await log.retention.set(name, { maxFrames: keep });
        }
        await log.close();
        assert.deepEqual((await verifyStore({ directory: log.directory })).findings, []);
        for (const [at, corrupt] of CORRUPTIONS.entries()) {
          using place = temporaryDirectory();
          copyStore(log.directory, place.path);
          damage(place.path, (db) => {
            const streams = db.prepare("SELECT id, first, head FROM streams").all() as {
              id: number;
              first: number;
              head: number;
            }[];
            const { id, first, head } = streams[pickStream % streams.length] as (typeof streams)[number];
            corrupt(db, id, at < 5 ? first + (pickSeq % (head - first + 1)) : 1 + (pickSeq % 50));
          });
          assert.equal((await verifyStore({ directory: place.path })).isSound, false, `corruption ${at}`);
        }
      } finally {
        await log.close();
        rmSync(log.directory, { recursive: true, force: true });
      }
    }),
    { numRuns: 8 },
  );
});

test("a store is verified while an engine appends to it and trims it", async () => {
  await using log = await openRetained();
  await log.sequencer.append(CHAT, [{ type: "log", data: 0 }]);
  let isDone = false;
  const writing = (async () => {
    while (!isDone) {
      await log.sequencer.append(
        CHAT,
        upTo(50).map((n) => ({ type: "log", data: n })),
      );
      await log.retention.set(CHAT, { maxFrames: 200 });
    }
  })();
  for (let round = 0; round < 5; round++) assert.deepEqual((await verifyStore(log)).findings, []);
  isDone = true;
  await writing;
});

test("no store, one of a newer version and a cancelled verification are said as what they are", async () => {
  using empty = temporaryDirectory();
  await assert.rejects(verifyStore({ directory: empty.path }), { code: "not_found" });
  await assert.rejects(
    findingsAfter((db) => db.exec("UPDATE schema_versions SET version = 99 WHERE module = 'log'")),
    { code: "data_too_new" },
  );
  await assert.rejects(verifyStore({ directory: healthy.directory, signal: AbortSignal.abort() }));
  const controller = new AbortController();
  const verifying = verifyStore({ directory: healthy.directory, signal: controller.signal });
  controller.abort();
  await assert.rejects(verifying);
});
