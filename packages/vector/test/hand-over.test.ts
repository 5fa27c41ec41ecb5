import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import {
  adoptIndex,
  createIndex,
  type IndexOptions,
  openIndex,
  openReader,
  type ReleasedIndex,
} from "@millrace/vector";
import { createHistory, isPresent, operate, vectorOf } from "./history.ts";
import type { OwnerTask } from "./owner-thread.ts";
import { problemsOf } from "./segments-of.ts";
import { startReaders } from "./start-readers.ts";

const ownerUrl = new URL("./owner-thread.ts", import.meta.url);
const IDS = 1_500;
const isConflict = (error: unknown): boolean => error instanceof MillraceError && error.code === "conflict";

for (const [name, options] of [
  ["built by whoever owns it", { graphRowsMin: 0, segmentRows: 2_048 }],
  ["built by threads of its owner", { graphRowsMin: 0, segmentRows: 2_048, workers: 1 }],
  ["scanned", { segmentRows: 1_024, graphs: "demanded" }],
] satisfies [string, Partial<IndexOptions>][]) {
  test(`writers hand an index around while a reader misses nothing: ${name}`, async () => {
    const history = createHistory(IDS);
    const index = createIndex({ dims: 20, metric: "cosine", ...options });
    const { counters, faults } = await startReaders(index, history, { readers: 1, searches: 600 });
    const rng = createRng(3);
    for (let at = 0; at < 500; at++) operate(index, history, randomBelow(rng, IDS));
    let released = index.release();
    const owners = [new Worker(ownerUrl), new Worker(ownerUrl)];
    let turns = 0;
    while (Atomics.load(counters, 2) < 1 || turns < 6) {
      const owner = owners[turns % owners.length];
      assert.ok(owner);
      const task: OwnerTask = { released, history, writes: 700, seed: ++turns };
      owner.postMessage(task, [...released.ports]);
      const [next] = (await once(owner, "message")) as [ReleasedIndex];
      released = next;
    }
    assert.deepEqual(await faults, []);
    const last = adoptIndex(released);
    const present = Array.from({ length: IDS }, (_, id) => id).filter((id) => isPresent(id, history.done[id] ?? 0));
    const query = vectorOf(1, 1, 20);
    const { ids } = last.search(query, IDS, { recall: "exact" });
    assert.deepEqual(
      [...ids].sort((a, b) => a - b),
      present,
    );
    assert.equal(last.size, present.length);
    await last.settle();
    assert.equal(last.indexed, present.length);
    assert.deepEqual(problemsOf(last, true), []);
    await last.close();
    await Promise.all(owners.map((owner) => owner.terminate()));
  });
}

test("a reader shared before sees what the next owner adds, in segments opened since", () => {
  const index = createIndex({ dims: 8, metric: "l2", segmentRows: 1_024 });
  const reader = openReader(index.share());
  for (let id = 0; id < 3_000; id++) index.add(id, vectorOf(id, 1, 8));
  const next = adoptIndex(index.release());
  for (let id = 3_000; id < 6_000; id++) next.add(id, vectorOf(id, 1, 8));
  for (let id = 0; id < 2_000; id++) assert.ok(next.remove(id));
  for (let id = 1_900; id < 6_000; id += 50) {
    const { ids } = reader.search(vectorOf(id, 1, 8), 1, { recall: "exact" });
    assert.equal(ids[0] === id, id >= 2_000, `${id} as ${ids[0]}`);
  }
  assert.equal(reader.search(vectorOf(1, 1, 8), 10_000, { recall: "exact" }).ids.length, 4_000);
});

test("an index that was given up does nothing more, and is adopted once", async () => {
  const index = createIndex({ dims: 8, metric: "dot" });
  index.add(1, vectorOf(1, 1, 8));
  const released = structuredClone(index.release());
  const query = vectorOf(2, 1, 8);
  assert.throws(() => index.add(2, query), isConflict);
  assert.throws(() => index.search(query, 1), isConflict);
  assert.throws(() => index.vector(1), isConflict);
  assert.throws(() => index.release(), isConflict);
  assert.throws(() => index.share(), isConflict);
  await assert.rejects(index.settle(), isConflict);
  await assert.rejects(index.save("nowhere"), isConflict);
  const next = adoptIndex(released);
  assert.throws(() => adoptIndex(released), isConflict);
  assert.deepEqual([...next.search(query, 1).ids], [1]);
  assert.ok(next.remove(1));
});

test("settling ends with a conflict when the index is given up meanwhile, and nothing is lost", async () => {
  const index = createIndex({ dims: 20, metric: "cosine", graphRowsMin: 0, segmentRows: 8_192 });
  for (let id = 0; id < 6_000; id++) index.add(id, vectorOf(id, 1, 20));
  const settled = index.settle();
  const refused = assert.rejects(settled, isConflict);
  const next = adoptIndex(index.release());
  await refused;
  await next.settle();
  assert.equal(next.indexed, 6_000);
  assert.deepEqual(problemsOf(next, true), []);
});

test("an index that was handed on saves only what changed since its last owner's save", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-hand-over-"));
  try {
    const index = createIndex({ dims: 8, metric: "dot", segmentRows: 1_024 });
    for (let id = 0; id < 6_000; id++) index.add(id, vectorOf(id, 1, 8));
    const saving = index.save(directory);
    assert.throws(() => index.release(), isConflict);
    await saving;
    const next = adoptIndex(structuredClone(index.release()));
    next.add(6_000, vectorOf(6_000, 1, 8));
    await next.save(directory);
    const again = await openIndex(directory);
    assert.deepEqual([again.size, again.mended.length], [6_001, 0]);
    const ofTheFirst = readdirSync(directory).filter((file) => file.startsWith("segment-1-"));
    assert.ok(ofTheFirst.length >= 4, `${ofTheFirst.length} files of the first save are kept`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
