import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, type Rng } from "@millrace/core";
import type { LogRecord, ObservationsRecord } from "../../../src/observations/log/log-record.ts";
import { Reclaimer } from "../../../src/observations/log/reclaimer.ts";
import { verifyLog } from "../../../src/observations/log/verify-log.ts";
import { appendGroup, assertRecords, DIRECTORY, flip, observations, openWriter, readAll } from "./fixture.ts";
import { MemoryLogDisk } from "./memory-log-disk.ts";
import { columnOf, Model } from "./reclaim-model.ts";

/** What of the unsynced survives is drawn so many times for each place of a crash. */
const CRASHES = 6;
const NOW_MS = 1_700_000_000_000;

type Done = {
  readonly removed: number;
  readonly written: number;
  readonly moved: readonly (readonly [number, number])[];
  readonly found: number;
};

/** Reclaims all that can be, as the threads do it. */
function reclaim(disk: MemoryLogDisk, { writer }: ReturnType<typeof openWriter>, model: Model, nowMs = NOW_MS): Done {
  const files = writer.closed.map(({ file }) => file);
  let salt = 77;
  const reclaimer = new Reclaimer({
    disk,
    directory: DIRECTORY,
    mode: "direct",
    fileBytesMax: 65_536,
    nowMs,
    files,
    salt: () => ++salt,
  });
  const { space, firstRow, count } = reclaimer.survey();
  reclaimer.decide(space.map((number, at) => model.liveIn(number, firstRow[at] ?? 0, count[at] ?? 0)));
  const done = { removed: 0, written: 0, moved: [] as (readonly [number, number])[] };
  for (let step = reclaimer.step(writer.reserveFile()); step; step = reclaimer.step(writer.reserveFile())) {
    writer.replaceFiles(step.removed, step.added);
    reclaimer.discard();
    done.removed += step.removed.length;
    done.written += step.added ? 1 : 0;
    if (step.moved) done.moved.push(...columnOf(step.moved));
  }
  return { ...done, found: reclaimer.findings.count };
}

/** Appends and removes at random; files of a few dozen records. */
function fill(
  opened: ReturnType<typeof openWriter>,
  model: Model,
  { rng, steps }: { readonly rng: Rng; readonly steps: number },
): void {
  for (let step = 0; step < steps; step++) {
    const records: LogRecord[] = model.next(rng);
    const [outcome] = appendGroup(opened.writer, [records]);
    assert.ok(outcome && "offsets" in outcome);
    model.apply(records);
  }
}

/** Everything alive is there; nothing dead has come back to life; sessions and row numbers go on where they were. */
function check(disk: MemoryLogDisk, model: Model, label: string): void {
  const { recovered } = openWriter(disk);
  assert.deepEqual(recovered.findings, [], label);
  const found = readAll(disk, recovered);
  for (const record of model.alive()) {
    const same = found.find(({ space, firstRow }) => space === record.space && firstRow === record.firstRow);
    assert.ok(same, `${label}: space ${record.space} row ${record.firstRow}`);
    assertRecords([same], [record]);
  }
  const removed = new Map(recovered.spaces.map(({ space, removedRows }) => [space, new Set(removedRows)]));
  const isAlive = (record: ObservationsRecord) =>
    Array.from({ length: record.count }, (_, at) => record.firstRow + at).filter(
      (row) => !removed.get(record.space)?.has(row),
    );
  for (const record of found)
    assert.deepEqual(
      isAlive(record),
      model.aliveRows(record),
      `${label}: rows of ${record.firstRow} in ${record.space}`,
    );
  for (const space of model.spaces()) {
    const recoveredSpace = recovered.spaces.find((one) => one.space === space);
    assert.equal(recoveredSpace?.nextRow ?? 0, model.nextRow(space), `${label}: next row of ${space}`);
    const session = recovered.sessions.find((one) => one.space === space);
    assert.equal(session?.lastSeq ?? 0, model.nextRow(space), `${label}: session of ${space}`);
  }
}

test("reclaiming keeps what is alive, what makes the rest dead, where sessions and rows stood, and frees most of the rest", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const rng = createRng(seed);
    const disk = new MemoryLogDisk();
    const opened = openWriter(disk);
    const model = new Model();
    let removed = 0;
    for (let round = 0; round < 4; round++) {
      fill(opened, model, { rng, steps: 250 });
      const moved = new Map(reclaimMoved(disk, opened, model, (count) => (removed += count)));
      for (const [space, firstRow] of moved.keys()) assert.ok(model.has(space, firstRow));
      check(new MemoryLogDisk(disk.files), model, `seed ${seed}, round ${round}`);
      const bytes = opened.writer.closed.reduce((sum, file) => sum + file.bytes, 0);
      assert.ok(bytes < 3 * model.aliveBytes() + 150_000, `seed ${seed}: ${bytes} bytes for ${model.aliveBytes()}`);
    }
    assert.ok(removed > 4, `seed ${seed}: ${removed}`);
    const again = reclaim(disk, opened, model);
    const third = reclaim(disk, opened, model);
    assert.ok(third.removed <= again.removed && third.removed <= 1, "it comes to rest");
  }
});

function reclaimMoved(
  disk: MemoryLogDisk,
  opened: ReturnType<typeof openWriter>,
  model: Model,
  onRemoved: (count: number) => void,
) {
  const { removed, moved } = reclaim(disk, opened, model);
  onRemoved(removed);
  return moved.map((key) => [key, true] as const);
}

test("a log all of whose rows are gone becomes almost nothing, and numbers still go on", () => {
  const disk = new MemoryLogDisk();
  const opened = openWriter(disk);
  const model = new Model();
  fill(opened, model, { rng: createRng(5), steps: 200 });
  model.killAll();
  opened.writer.rotate();
  reclaim(disk, opened, model);
  reclaim(disk, opened, model);
  const bytes = opened.writer.closed.reduce((sum, file) => sum + file.bytes, 0);
  assert.ok(bytes < 60_000, String(bytes));
  const { recovered } = openWriter(new MemoryLogDisk(disk.files));
  for (const space of model.spaces()) {
    assert.equal(recovered.spaces.find((one) => one.space === space)?.nextRow ?? 0, model.nextRow(space));
  }
});

test("sessions that ended long ago are forgotten once their rows are gone", () => {
  const disk = new MemoryLogDisk();
  const opened = openWriter(disk);
  const model = new Model();
  const record = observations({ space: 9, count: 20 });
  appendGroup(opened.writer, [[record]]);
  opened.writer.rotate();
  reclaim(disk, opened, model, NOW_MS + 6 * 24 * 3_600_000);
  assert.equal(openWriter(new MemoryLogDisk(disk.files)).recovered.sessions[0]?.lastSeq, 20);
  reclaim(disk, opened, model, NOW_MS + 8 * 24 * 3_600_000);
  const { recovered } = openWriter(new MemoryLogDisk(disk.files));
  assert.deepEqual(recovered.sessions, []);
  assert.equal(recovered.spaces[0]?.nextRow, 20);
});

test("small files that restarts leave behind are merged", () => {
  const disk = new MemoryLogDisk();
  const model = new Model();
  for (let start = 0; start < 9; start++) {
    const opened = openWriter(disk);
    fill(opened, model, { rng: createRng(start), steps: 3 });
    opened.writer.rotate();
  }
  const opened = openWriter(disk);
  assert.equal(opened.writer.closed.length, 9);
  assert.deepEqual(reclaim(disk, opened, model).written, 1);
  assert.equal(opened.writer.closed.length, 1);
  check(disk, model, "merged");
});

test("a file with a damaged record stays as it is, and the others are reclaimed", async () => {
  const disk = new MemoryLogDisk();
  const opened = openWriter(disk);
  const model = new Model();
  fill(opened, model, { rng: createRng(3), steps: 400 });
  opened.writer.rotate();
  const files = disk.files;
  const kept = openWriter(new MemoryLogDisk(files)).recovered.spaces.flatMap(({ positions }) =>
    Array.from(positions.file, (file, at) => ({
      file,
      place: positions.place[at] ?? 0,
      space: positions.space[at] ?? 0,
      firstRow: positions.firstRow[at] ?? 0,
    })),
  );
  const hit = kept.find(({ space, firstRow }) => model.aliveCount(space, firstRow) > 0);
  assert.ok(hit);
  const path = `${DIRECTORY}/observations-${String(hit.file).padStart(10, "0")}.log`;
  const bytes = files.get(path) ?? new Uint8Array(0);
  flip(bytes, hit.place * 64 + 200);
  const damaged = new MemoryLogDisk(files);
  const again = openWriter(damaged);
  const { removed, found } = reclaim(damaged, again, model);
  assert.ok(removed > 0 && found === 1, JSON.stringify({ removed, found }));
  assert.ok(damaged.names.has(path));
  const report = await verifyLog(DIRECTORY, { disk: damaged });
  assert.equal(report.findings.filter(({ kind }) => kind === "damaged").length, 1);
});

test("power lost, or an operation failing, at any step of reclaiming loses nothing and brings nothing back", () => {
  const first = new MemoryLogDisk();
  const model = new Model();
  const opened = openWriter(first);
  fill(opened, model, { rng: createRng(8), steps: 350 });
  opened.writer.rotate();
  const files = first.files;
  const trial = new MemoryLogDisk(files);
  const { removed } = reclaim(trial, openWriter(trial), model);
  assert.ok(removed > 3);
  for (let at = 0; at < trial.operations; at++) {
    for (const isFatal of [true, false]) {
      const disk = new MemoryLogDisk(files);
      disk.fault = { at, code: isFatal ? "EIO" : "ENOSPC", times: 1, isFatal };
      try {
        reclaim(disk, openWriter(disk), model);
      } catch {
        // It goes on with the next reclaim.
      }
      disk.fault = undefined;
      for (let draw = 1; draw <= (isFatal ? CRASHES : 1); draw++) {
        const found = isFatal ? disk.crash(createRng(at * CRASHES + draw)) : disk;
        check(new MemoryLogDisk(found.files), model, `operation ${at} ${isFatal ? `fatal, ${draw}` : "failing"}`);
        reclaim(found, openWriter(found), model);
        check(found, model, `after operation ${at}`);
      }
    }
  }
});

test("a removed space does not come back when power is lost while its files are removed", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [[observations({ space: 9, count: 50 })]]);
  writer.rotate();
  appendGroup(writer, [[{ kind: "space-removed", space: 9 }]]);
  writer.rotate();
  const files = disk.files;
  let removedAll = 0;
  for (let at = 0; at < 12; at++) {
    for (let draw = 1; draw <= 10; draw++) {
      const crashing = new MemoryLogDisk(files);
      crashing.fault = { at, code: "EIO", times: 1, isFatal: true };
      try {
        reclaim(crashing, openWriter(crashing), new Model());
        removedAll++;
      } catch {
        // The power went.
      }
      const { recovered } = openWriter(crashing.crash(createRng(at * 10 + draw)));
      assert.deepEqual(recovered.spaces, [], `operation ${at}, draw ${draw}`);
    }
  }
  assert.ok(removedAll > 0);
});
