import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createRng, randomBelow } from "@millrace/core";
import { createIndex, type IndexOptions, type VectorIndex } from "@millrace/vector";
import { createHistory, type History, isRemoval, vectorOf } from "./history.ts";
import type { ReaderTask } from "./reader-thread.ts";
import { problemsOf } from "./segments-of.ts";

const readerUrl = new URL("./reader-thread.ts", import.meta.url);
/** Writes between two turns of the event loop. */
const WRITES_AT_ONCE = 256;

/** Does the next operation on an id, and tells of it before and after. */
function operate(index: VectorIndex, { begun, done }: History, id: number): void {
  const nth = Atomics.add(begun, id, 1) + 1;
  if (isRemoval(id, nth)) assert.equal(index.remove(id), true);
  else index.add(id, vectorOf(id, nth, index.dims));
  Atomics.add(done, id, 1);
}

/** Starts readers of an index; resolves when all search. */
async function startReaders(
  index: VectorIndex,
  history: History,
  { readers, searches }: { readers: number; searches: number },
) {
  const counters = new Int32Array(new SharedArrayBuffer(16));
  const workers = Array.from({ length: readers }, (_, at) => {
    const shared = index.share();
    const workerData: ReaderTask = { shared, history, counters, searches, seed: at + 1 };
    return new Worker(readerUrl, { workerData, transferList: [shared.port] });
  });
  const faults = Promise.all(workers.map(async (worker) => (await once(worker, "message")) as [string[]]));
  let at = Atomics.load(counters, 1);
  while (at < readers) {
    await Atomics.waitAsync(counters, 1, at, 1_000).value;
    at = Atomics.load(counters, 1);
  }
  return { counters, faults: faults.then((lists) => lists.flat(2)) };
}

/** Operates on random ids while readers search, until they are done. */
async function churn(options: Omit<IndexOptions, "dims" | "metric">): Promise<{ index: VectorIndex; writes: number }> {
  const index = createIndex({ dims: 20, metric: "cosine", ...options });
  const history = createHistory(1_500);
  const rng = createRng(3);
  const { counters, faults } = await startReaders(index, history, { readers: 2, searches: 1_500 });
  let writes = 0;
  while (Atomics.load(counters, 2) < 2) {
    for (let at = 0; at < WRITES_AT_ONCE; at++) operate(index, history, randomBelow(rng, history.done.length));
    writes += WRITES_AT_ONCE;
    await turn();
  }
  assert.deepEqual(await faults, []);
  return { index, writes };
}

for (const [name, options] of [
  ["graphs built by the writer", { graphRowsMin: 0, segmentRows: 2_048 }],
  ["scans", { segmentRows: 1_024 }],
] as const) {
  test(`readers miss no row and see none twice, torn or removed while it is replaced, moved and linked: ${name}`, async () => {
    const { index, writes } = await churn(options);
    assert.ok(writes > 6_000, `${writes} writes went through several segments`);
    await index.settle();
    assert.deepEqual(problemsOf(index, true), []);
    await index.close();
  });
}

test("a reader never gets short results while the first rows are linked and learned from", async () => {
  for (let round = 0; round < 8; round++) {
    const index = createIndex({ dims: 20, metric: "cosine", graphRowsMin: 0 });
    const history = createHistory(1_100);
    const { counters, faults } = await startReaders(index, history, { readers: 1, searches: 100_000 });
    for (let id = 0; id < history.done.length; id++) operate(index, history, id);
    Atomics.store(counters, 3, 1);
    assert.deepEqual(await faults, []);
    await index.close();
  }
});
