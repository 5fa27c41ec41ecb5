import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError } from "@millrace/core";
import type { VectorIndex } from "@millrace/vector";
import { openIndexOn } from "../src/files/open-index.ts";
import { createIndexOf } from "../src/vector-index.ts";
import { makeData } from "./data-sets.ts";
import { MemoryDisk } from "./files-memory-disk.ts";

const DIMS = 10;
const DIRECTORY = "/saved";
const ROWS = 2_600;
/** What may have been kept of what was not synced is drawn so many times for each place of a crash. */
const CRASHES = 6;
const { rows, queries } = makeData("gaussian", { dims: DIMS, rows: ROWS, queries: 3, seed: 21 });
const rowOf = (id: number): Float32Array => rows[id % ROWS] ?? new Float32Array(DIMS);

/** What an index answers, to compare. */
function answersOf(index: VectorIndex): unknown {
  return [index.size, ...queries.map((query) => index.search(query, 12)), index.vector(3), index.has(2_200)];
}

/** A first save of some segments; the changes that a second one brings. */
async function makeFirst(disk: MemoryDisk): Promise<VectorIndex> {
  const options = { dims: DIMS, metric: "cosine", segmentRows: 1_024, graphRowsMin: 500 } as const;
  const index = createIndexOf(options, { segments: [], mended: [], disk });
  for (let id = 0; id < 2_200; id++) index.add(id, rowOf(id));
  await index.settle();
  await index.save(DIRECTORY);
  return index;
}

function change(index: VectorIndex): void {
  for (let id = 2_200; id < 2_600; id++) index.add(id, rowOf(id));
  for (let id = 0; id < 100; id++) index.add(id, rowOf(id + 1_000));
  for (let id = 100; id < 150; id++) index.remove(id);
}

/** The disk after the first save, the answers before and after the change, and how many operations a save takes. */
async function prepare() {
  const disk = new MemoryDisk();
  const before = answersOf(await makeFirst(disk));
  const files = disk.files;
  const trial = new MemoryDisk(files);
  const index = await openIndexOn(trial, DIRECTORY, {});
  change(index);
  const after = answersOf(index);
  const from = trial.operations;
  await index.save(DIRECTORY);
  return { files, before, after, saveOperations: trial.operations - from };
}

const first = await prepare();

/** An index opened from the first save, changed, whose disk fails at the `nth` operation of the save to come. */
async function failingIndex(nth: number, fault: { readonly code: string; readonly isFatal: boolean }) {
  const disk = new MemoryDisk(first.files);
  const index = await openIndexOn(disk, DIRECTORY, {});
  change(index);
  disk.fault = { at: disk.operations + nth, ...fault };
  return { disk, index };
}

test("power lost at any step of a save leaves the old state or the new, whole", async () => {
  assert.ok(first.saveOperations > 20);
  assert.notDeepEqual(first.before, first.after);
  const seen = { old: 0, new: 0 };
  for (let nth = 0; nth <= first.saveOperations; nth++) {
    const { disk, index } = await failingIndex(nth, { code: "EIO", isFatal: true });
    const isSaved = await index.save(DIRECTORY).then(
      () => true,
      () => false,
    );
    for (let seed = 0; seed < CRASHES; seed++) {
      const found = disk.crash(createRng(nth * CRASHES + seed));
      const again = await openIndexOn(found, DIRECTORY, {});
      assert.deepEqual(again.mended, [], `operation ${nth}, seed ${seed}`);
      const answers = answersOf(again);
      const isNew = isEqual(answers, first.after);
      assert.ok(isNew || isEqual(answers, first.before), `operation ${nth}, seed ${seed}: neither old nor new`);
      assert.ok(isNew || !isSaved, `operation ${nth}, seed ${seed}: the save was done`);
      seen[isNew ? "new" : "old"]++;
      if (seed === 0) await assertGoesOn(again, found);
    }
  }
  assert.ok(seen.old > 10 && seen.new > 10, JSON.stringify(seen));
});

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

/** After a crash the next save is as any, and leaves nothing behind of the one that was cut off. */
async function assertGoesOn(index: VectorIndex, disk: MemoryDisk): Promise<void> {
  index.add(5_000, rowOf(7));
  await index.save(DIRECTORY);
  const again = await openIndexOn(disk, DIRECTORY, {});
  assert.deepEqual(again.mended, []);
  assert.ok(again.has(5_000));
  assert.deepEqual(answersOf(again), answersOf(index));
  const segments = [...disk.files.keys()].filter((path) => path.includes("segment-"));
  assert.equal(segments.length, again.segments.length);
  assert.equal(disk.files.size, segments.length + 2);
}

test("power lost during the first save leaves nothing or all", async () => {
  for (let nth = 0; nth < 30; nth++) {
    const disk = new MemoryDisk();
    const options = { dims: DIMS, metric: "dot" } as const;
    const index = createIndexOf(options, { segments: [], mended: [], disk });
    for (let id = 0; id < 40; id++) index.add(id, rowOf(id));
    disk.fault = { at: nth, code: "EIO", isFatal: true };
    const isSaved = await index.save(DIRECTORY).then(
      () => true,
      () => false,
    );
    const found = disk.crash(createRng(nth));
    try {
      assert.equal((await openIndexOn(found, DIRECTORY, {})).size, 40);
    } catch (error) {
      assert.ok(error instanceof MillraceError && error.code === "not_found" && !isSaved, `${nth}: ${error}`);
    }
  }
});

for (const [code, expected] of [
  ["ENOSPC", "storage_full"],
  ["EIO", "storage_failed"],
] as const) {
  test(`${code} at any step fails the save with ${expected}; the index goes on and the next save is whole`, async () => {
    for (let nth = 0; nth < first.saveOperations; nth++) {
      const { disk, index } = await failingIndex(nth, { code, isFatal: false });
      const failure = await index.save(DIRECTORY).catch((error: unknown) => error);
      if (failure) {
        assert.ok(failure instanceof MillraceError);
        assert.equal(failure.code, expected);
        assert.match(failure.message, /could not be saved to \/saved/);
        const held = answersOf(await openIndexOn(new MemoryDisk(disk.files), DIRECTORY, {}));
        assert.ok(isEqual(held, first.before) || isEqual(held, first.after), `operation ${nth}`);
      }
      assert.deepEqual(answersOf(index), first.after);
      await assertGoesOn(index, disk);
    }
  });
}

test("a failed save takes back the room that it took", async () => {
  const { disk, index } = await failingIndex(8, { code: "ENOSPC", isFatal: false });
  await assert.rejects(index.save(DIRECTORY), { code: "storage_full" });
  assert.deepEqual([...disk.files.keys()].sort(), [...first.files.keys()].sort());
});

test("only what changed is written", async () => {
  const disk = new MemoryDisk(first.files);
  const index = await openIndexOn(disk, DIRECTORY, {});
  const sizes = [...first.files].filter(([path]) => path.includes("segment-")).map(([, bytes]) => bytes.length);
  index.remove(5);
  await index.save(DIRECTORY);
  const manifests = disk.bytesWritten;
  assert.ok(manifests < Math.max(...sizes) / 4, `${manifests} bytes for a removal`);
  index.add(9_000, rowOf(1));
  await index.save(DIRECTORY);
  assert.ok(disk.bytesWritten < 2 * manifests + (sizes.at(-1) ?? 0) * 1.1 + 500, "the open segment and the manifests");
  assert.deepEqual((await openIndexOn(disk, DIRECTORY, {})).size, index.size);
});
