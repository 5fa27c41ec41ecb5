import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import fc from "fast-check";
import { writeManifest } from "../../../src/observations/log/manifest.ts";
import { verifyLog } from "../../../src/observations/log/verify-log.ts";
import {
  appendGroup,
  assertRecords,
  DIRECTORY,
  flip,
  type ObservationsOptions,
  observations,
  openWriter,
  readAll,
  removals,
} from "./fixture.ts";
import { MemoryLogDisk } from "./memory-log-disk.ts";

const row = (firstRow: number, options: ObservationsOptions = {}) => observations({ firstRow, ...options });
const FILE = `${DIRECTORY}/observations-0000000001.log`;

/** Three commits in one file, which is left as a crash leaves it. */
function threeCommits() {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  const kept = [row(0), row(3), row(6)];
  appendGroup(writer, [kept.slice(0, 2)]);
  appendGroup(writer, [kept.slice(2)]);
  const before = disk.files.get(FILE) ?? new Uint8Array(0);
  const last = [row(9, { count: 40 }), row(49, { count: 60 })];
  appendGroup(
    writer,
    last.map((record) => [record]),
  );
  const after = disk.files.get(FILE) ?? new Uint8Array(0);
  return { kept, last, before, after };
}

test("a write that is torn at any byte leaves exactly what was durable before it, and the log goes on", () => {
  const { kept, last, before, after } = threeCommits();
  assert.ok(after.length - before.length >= 4_096);
  for (let bytes = before.length; bytes <= after.length; bytes++) {
    const disk = new MemoryLogDisk(new Map([[FILE, after.subarray(0, bytes)]]));
    const { writer, recovered } = openWriter(disk);
    const expected = bytes === after.length ? [...kept, ...last] : kept;
    assert.equal(recovered.records, expected.length, `torn at ${bytes}`);
    const kinds = recovered.findings.map(({ kind }) => kind);
    assert.deepEqual(kinds, bytes === after.length || bytes === before.length ? [] : ["torn"], `torn at ${bytes}`);
    assert.equal(recovered.sessions[0]?.lastSeq, bytes === after.length ? 109 : 9);
    if (bytes % 97 !== 0) continue;
    appendGroup(writer, [[row(500)]]);
    const again = openWriter(disk).recovered;
    assert.deepEqual(again.findings, []);
    assertRecords(readAll(disk, again), [...expected, row(500)]);
  }
});

test("a write of which any parts reached the disk, in any order, is there whole or not at all", () => {
  const { kept, last, before, after } = threeCommits();
  const sectors = (after.length - before.length) / 512;
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: sectors, maxLength: sectors }), (isThere) => {
      const bytes = after.slice();
      for (const [at, is] of isThere.entries())
        if (!is) bytes.fill(0, before.length + at * 512, before.length + (at + 1) * 512);
      const disk = new MemoryLogDisk(new Map([[FILE, bytes]]));
      const isWhole = Buffer.from(bytes).equals(after);
      assertRecords(readAll(disk, openWriter(disk).recovered), isWhole ? [...kept, ...last] : kept);
    }),
    { numRuns: 300 },
  );
});

test("a flipped byte anywhere before the last commit costs the records that it is in, which are named, and nothing else", async () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  const records = Array.from({ length: 40 }, (_, at) => row(at * 3));
  const offsets = records.flatMap((record, at) => {
    const [outcome] = at % 4 === 0 ? appendGroup(writer, [records.slice(at, at + 4)]) : [];
    assert.ok(record);
    return outcome && "offsets" in outcome ? outcome.offsets : [];
  });
  const bytes = disk.files.get(FILE) ?? new Uint8Array(0);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: (offsets[36] ?? 0) - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, by) => {
        const flipped = bytes.slice();
        flip(flipped, at, by);
        const damaged = new MemoryLogDisk(new Map([[FILE, flipped]]));
        const report = await verifyLog(DIRECTORY, { disk: damaged });
        const { recovered } = openWriter(damaged);
        const found = readAll(damaged, recovered);
        const lost = records.filter(({ firstRow }) => !found.some((record) => record.firstRow === firstRow));
        assertRecords(
          found,
          records.filter((record) => !lost.includes(record)),
        );
        const hit = offsets.findLastIndex((offset) => offset <= at);
        assert.ok(lost.length <= 1 && lost.every((record) => record === records[hit]));
        if (lost.length === 0) return;
        const [finding] = recovered.findings;
        assert.equal(finding?.kind, "damaged");
        assert.ok(finding && finding.offset <= at && at < finding.offset + finding.bytes);
        assert.equal(report.isSound, false);
      },
    ),
    { numRuns: 200 },
  );
});

test("bytes of a log that a client sends as a vector are not taken for records", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [[row(0)]]);
  const stolen = (disk.files.get(FILE) ?? new Uint8Array(0)).slice(4_096, 8_192);
  const evil = { ...row(3, { count: 1, dims: 1_024 }), vectors: stolen };
  // The very bytes, at the place where a walk looks for the next record once the header before them is damaged.
  const [outcome] = appendGroup(writer, [[evil]]);
  assert.ok(outcome && "offsets" in outcome);
  appendGroup(writer, [[row(10)]]);
  const bytes = disk.files.get(FILE) ?? new Uint8Array(0);
  flip(bytes, outcome.offsets[0] ?? 0);
  const damaged = new MemoryLogDisk(new Map([[FILE, bytes]]));
  assertRecords(readAll(damaged, openWriter(damaged).recovered), [row(0), row(10)]);
});

test("a log that was closed is opened without a walk, and misses files that are gone or changed", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  for (let at = 0; at < 300; at += 3) appendGroup(writer, [[row(at, { count: 3, dims: 100 })]]);
  writer.rotate();
  writeManifest(disk, DIRECTORY, new Map(writer.closed.map(({ file, bytes }) => [file, bytes])));
  assert.ok(writer.closed.length > 2);
  const files = disk.files;
  const whole = openWriter(new MemoryLogDisk(files)).recovered;
  assert.equal(whole.filesWalked, 0);
  assert.equal(whole.records, 100);
  assert.equal(whole.findingCount, 0);
  const without = new Map(files);
  without.delete(FILE);
  const missed = openWriter(new MemoryLogDisk(without)).recovered;
  assert.deepEqual(
    missed.findings.map(({ kind, file }) => [kind, file]),
    [["file-missing", 1]],
  );
  const longer = new Map(files).set(FILE, Buffer.concat([files.get(FILE) ?? new Uint8Array(0), new Uint8Array(4_096)]));
  const resized = openWriter(new MemoryLogDisk(longer)).recovered;
  assert.equal(resized.findings[0]?.kind, "file-resized");
  assert.equal(resized.records, 100);
  assert.equal(resized.filesWalked, 1);
});

test("a file whose index or either end is damaged still gives all its records", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  for (let at = 0; at < 300; at += 3) appendGroup(writer, [[row(at, { count: 3, dims: 100 })]]);
  const files = disk.files;
  const first = files.get(FILE) ?? new Uint8Array(0);
  const places = { firstBlock: 100, lastBlock: first.length - 4_000, index: first.length - 4_096 - 4_000 };
  for (const [name, at] of Object.entries(places)) {
    const flipped = first.slice();
    flip(flipped, at);
    const damaged = new MemoryLogDisk(new Map(files).set(FILE, flipped));
    assert.equal(readAll(damaged, openWriter(damaged).recovered).length, 100, name);
  }
});

test("a file of a later version is refused", () => {
  const { after } = threeCommits();
  const bytes = after.slice();
  bytes[4] = 2;
  const crc = new DataView(bytes.buffer, bytes.byteOffset);
  const { crc32 } = process.getBuiltinModule("node:zlib");
  crc.setUint32(4_092, crc32(bytes.subarray(0, 4_092)), true);
  assert.throws(() => openWriter(new MemoryLogDisk(new Map([[FILE, bytes]]))), { code: "data_too_new" });
});

/** Appends groups until the power goes; what was acknowledged, and all that was asked for, in order. */
function appendUntilCrash(disk: MemoryLogDisk, seed: number) {
  const rng = createRng(seed);
  const acknowledged: number[] = [];
  const asked: number[] = [];
  try {
    const { writer } = openWriter(disk, { mode: seed % 3 === 0 ? "buffered" : "direct" });
    for (let group = 0; group < 12; group++) {
      const firstRows = Array.from({ length: 1 + Math.floor(rng() * 3) }, () => asked.push(asked.length * 200) - 1).map(
        (at) => at * 200,
      );
      const outcomes = appendGroup(
        writer,
        firstRows.map((firstRow) => [row(firstRow, { count: 100, dims: 30 }), row(firstRow + 100, { count: 100 })]),
        group,
      );
      for (const [at, outcome] of outcomes.entries())
        if (outcome && "offsets" in outcome) acknowledged.push(firstRows[at] ?? -1);
    }
  } catch {
    // The power went while the log was opened.
  }
  return { acknowledged, asked };
}

test("power lost at any operation, while appending or while opening again: what was acknowledged is there, the rest whole or not at all", () => {
  const trial = new MemoryLogDisk();
  appendUntilCrash(trial, 1);
  assert.ok(trial.operations > 30);
  let crashes = 0;
  for (let at = 0; at < trial.operations; at++) {
    for (let seed = 1; seed <= 4; seed++) {
      const rng = createRng(at * 10 + seed);
      const disk = new MemoryLogDisk();
      disk.fault = { at, code: "EIO", times: 0, isFatal: true };
      const { acknowledged, asked } = appendUntilCrash(disk, seed);
      let found = disk.crash(rng);
      // The power goes again while it is opened.
      const opening = new MemoryLogDisk(found.files);
      opening.fault = { at: Math.floor(rng() * 8), code: "EIO", times: 0, isFatal: true };
      try {
        openWriter(opening);
      } catch {
        crashes++;
        found = opening.crash(rng);
      }
      const { writer, recovered } = openWriter(found);
      const rows = readAll(found, recovered).map(({ firstRow }) => firstRow);
      const label = `operation ${at}, seed ${seed}: ${JSON.stringify({ acknowledged, rows })}`;
      assert.ok(rows.every((firstRow, nth) => firstRow === nth * 100) && rows.length % 2 === 0, label);
      assert.ok(rows.length / 2 >= acknowledged.length && rows.length / 2 <= asked.length, label);
      assert.ok(
        recovered.findings.every(({ kind }) => kind === "torn"),
        label,
      );
      appendGroup(writer, [[row(100_000)]]);
      assert.equal(openWriter(found).recovered.records, rows.length + 1, label);
    }
  }
  assert.ok(crashes > 20, String(crashes));
});

test("removals that are damaged are named", () => {
  const disk = new MemoryLogDisk();
  const { writer } = openWriter(disk);
  appendGroup(writer, [[row(0), removals([1])]]);
  const [outcome] = appendGroup(writer, [[removals([2])]]);
  appendGroup(writer, [[row(3)]]);
  const bytes = disk.files.get(FILE) ?? new Uint8Array(0);
  assert.ok(outcome && "offsets" in outcome);
  flip(bytes, (outcome.offsets[0] ?? 0) + 128, 4);
  const { recovered } = openWriter(new MemoryLogDisk(new Map([[FILE, bytes]])));
  assert.deepEqual([...(recovered.spaces[0]?.removedRows ?? [])], [1]);
  assert.deepEqual(
    recovered.findings.map(({ kind, space, count }) => [kind, space, count]),
    [["damaged", 1, 1]],
  );
});
