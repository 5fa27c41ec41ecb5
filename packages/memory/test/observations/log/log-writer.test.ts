import assert from "node:assert/strict";
import { test } from "node:test";
import { appendGroup, assertRecords, errorOf, observations, openWriter, readAll, removals } from "./fixture.ts";
import { MemoryLogDisk } from "./memory-log-disk.ts";

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => observations({ firstRow: (from + at) * 3 }));

test("appends that wait become one write", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  const records = many(100);
  const outcomes = appendGroup(
    writer,
    records.map((record) => [record]),
  );
  assert.equal(writer.figures.commits, 1);
  assert.equal(writer.figures.appends, 100);
  assert.equal(new Set(outcomes.map((outcome) => outcome && "offsets" in outcome && outcome.offsets[0])).size, 100);
  assertRecords(readAll(disk, openWriter(disk).recovered), records);
});

test("a file is closed before it would grow past its limit, and records go on in the next", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  const records = many(400);
  for (let at = 0; at < records.length; at += 7) appendGroup(writer, [records.slice(at, at + 7)]);
  assert.ok(writer.figures.files > 2);
  for (const { bytes } of writer.closed) assert.ok(bytes > 40_000 && bytes < 65_536 + 20_000, String(bytes));
  const { recovered } = openWriter(disk);
  assertRecords(readAll(disk, recovered), records);
  assert.equal(recovered.filesWalked, 1);
});

test("a write that fails leaves nothing of its appends, and what comes later is kept", () => {
  for (const code of ["ENOSPC", "EIO", "EFBIG"]) {
    const disk = new MemoryLogDisk();
    const { writer } = openWriter(disk);
    appendGroup(writer, [many(5)]);
    disk.fault = { at: disk.operations, code, times: 1 };
    const [failed] = appendGroup(writer, [many(5, 5)]);
    assert.equal(errorOf(failed).code, code === "EIO" ? "storage_failed" : "storage_full");
    const [kept] = appendGroup(writer, [many(5, 10)], 1);
    assert.ok(kept && "offsets" in kept);
    assertRecords(readAll(disk, openWriter(disk).recovered), [...many(5), ...many(5, 10)]);
  }
});

test("appends made before a failure was known fail with it, so that nothing durable has a hole before it", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [many(1)]);
  disk.fault = { at: disk.operations, code: "ENOSPC", times: 1 };
  appendGroup(writer, [many(1, 1)]);
  const [early] = appendGroup(writer, [many(1, 2)], 0);
  assert.equal(errorOf(early).code, "storage_full");
  appendGroup(writer, [many(1, 3)], 1);
  assertRecords(readAll(disk, openWriter(disk).recovered), [...many(1), ...many(1, 3)]);
});

test("a disk that fills in the middle of a write: taken back, and used again once there is room", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [many(20)]);
  const before = disk.files;
  disk.bytesMax = [...before.values()].reduce((sum, { byteLength }) => sum + byteLength, 0) + 1_536;
  const [failed] = appendGroup(writer, [many(20, 20)]);
  assert.equal(errorOf(failed).code, "storage_full");
  assert.deepEqual(disk.files, before);
  disk.bytesMax = Number.POSITIVE_INFINITY;
  appendGroup(writer, [many(20, 40)], 1);
  assertRecords(readAll(disk, openWriter(disk).recovered), [...many(20), ...many(20, 40)]);
});

test("when a failed write cannot be taken back, the log refuses all, and opening it finds nothing of the write", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [many(20)]);
  const bytes = [...disk.files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  disk.bytesMax = bytes + 2_048;
  disk.fault = { at: disk.operations + 2, code: "EIO", times: 100 };
  assert.equal(errorOf(appendGroup(writer, [many(20, 20)])[0]).code, "storage_full");
  disk.bytesMax = Number.POSITIVE_INFINITY;
  disk.fault = undefined;
  const refused = errorOf(appendGroup(writer, [many(1, 40)], 5)[0]);
  assert.equal(refused.code, "storage_failed");
  assert.equal(refused.retryable, false);
  const { writer: again, recovered } = openWriter(disk);
  assertRecords(readAll(disk, recovered), many(20));
  assert.ok("offsets" in (appendGroup(again, [many(1, 50)])[0] ?? {}));
});

test("a log of limited size refuses what does not fit, before it writes", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk, { bytesMax: 200_000 });
  let epoch = 0;
  let refused: unknown;
  for (let at = 0; at < 100 && !refused; at++) {
    const [outcome] = appendGroup(writer, [many(10, at * 10)], epoch);
    if (outcome && "error" in outcome) refused = outcome.error.message;
  }
  assert.match(
    String(refused),
    /its limit is 200000, of which observations may fill 187500: remove observations, or raise bytesMax/,
  );
  const written = [...disk.files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(written > 150_000 && written <= 200_000, String(written));
  epoch++;
  const operations = disk.operations;
  appendGroup(writer, [many(100, 5_000)], epoch);
  assert.equal(disk.operations, operations);
});

test("file systems that refuse direct writes get buffered ones that are synced", () => {
  for (const refusal of ["open", "write"] as const) {
    const disk = new MemoryLogDisk();
    disk.refusesDirect = refusal;
    const { writer } = openWriter(disk);
    const [outcome] = appendGroup(writer, [many(10)]);
    assert.ok(outcome && "offsets" in outcome, refusal);
    assert.equal(writer.figures.isDirect, false);
    const survived = disk.crash(() => 0);
    assertRecords(readAll(survived, openWriter(survived).recovered), many(10));
    assert.deepEqual(disk.list("/log"), ["observations-0000000001.log"]);
  }
});

test("removals and removed spaces come back, each for what came before it", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [
    [observations({ space: 2 })],
    [observations({ space: 1 }), removals([1, 2])],
    [removals([0], 2)],
  ]);
  appendGroup(writer, [[{ kind: "space-removed", space: 2 }], [removals([0], 1)]]);
  appendGroup(writer, [
    [
      observations({ space: 3, session: "" }),
      { kind: "space-removed", space: 3 },
      observations({ space: 3, session: "" }),
    ],
  ]);
  const { recovered } = openWriter(disk);
  assert.deepEqual(
    recovered.spaces.map(({ space, nextRow, removedRows }) => [space, nextRow, [...removedRows]]),
    [
      [1, 3, [1, 2, 0]],
      [3, 3, []],
    ],
  );
  assert.deepEqual(recovered.removedSpaces, [2]);
  assert.deepEqual(
    recovered.sessions.map(({ space, session, lastSeq }) => [space, session, lastSeq]),
    [[1, "s", 3]],
  );
  assert.equal(recovered.records, 2);
});
