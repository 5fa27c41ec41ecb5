import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyLog } from "../../../src/observations/log/verify-log.ts";
import { appendGroup, DIRECTORY, observations, openWriter, removals } from "./fixture.ts";
import { MemoryLogDisk } from "./memory-log-disk.ts";

const row = (firstRow: number, space = 1) => observations({ firstRow, space });

test("verifying changes nothing and counts what is there", async () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [[row(0), row(3), removals([1])], [row(0, 2)]]);
  writer.rotate();
  appendGroup(writer, [[row(6)]]);
  const { files, operations } = disk;
  const report = await verifyLog(DIRECTORY, { disk });
  assert.equal(disk.operations, operations);
  assert.deepEqual(disk.files, files);
  assert.deepEqual(
    { ...report, bytes: 0 },
    { files: 2, records: 5, rows: 12, bytes: 0, findings: [], findingCount: 0, isSound: true },
  );
});

test("row numbers that are given twice or left out are found, each with its place; a removed space begins anew", async () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [
    [row(0), row(3), row(9), row(10)],
    [row(0, 2), { kind: "space-removed", space: 2 }, row(0, 2)],
  ]);
  const report = await verifyLog(DIRECTORY, { disk });
  assert.deepEqual(
    report.findings.map(({ kind, space, firstRow }) => [kind, space, firstRow]),
    [
      ["rows-missing", 1, 9],
      ["rows-repeated", 1, 10],
    ],
  );
  assert.equal(report.isSound, false);
});

test("a write under way, or torn, is told from damage", async () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [[row(0)]]);
  const path = `${DIRECTORY}/observations-0000000001.log`;
  const whole = disk.files.get(path) ?? new Uint8Array(0);
  const torn = new MemoryLogDisk(new Map([[path, Buffer.concat([whole, new Uint8Array(4_096).fill(7)])]]));
  const report = await verifyLog(DIRECTORY, { disk: torn });
  assert.deepEqual([report.findings.map(({ kind }) => kind), report.isSound], [["torn"], true]);
});
