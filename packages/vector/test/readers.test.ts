import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createRng, randomBelow } from "@millrace/core";
import { createIndex, type IndexOptions, type VectorIndex } from "@millrace/vector";
import { createHistory, operate } from "./history.ts";
import { problemsOf } from "./segments-of.ts";
import { startReaders } from "./start-readers.ts";

/** Writes between two turns of the event loop. */
const WRITES_AT_ONCE = 256;
/** Writes at least, so that they go through several segments, and searches of all readers. */
const WRITES_MIN = 6_000;
const SEARCHES_MIN = 3_000;

/** Operates on random ids while readers search, until enough of either was done. */
async function churn(options: Omit<IndexOptions, "dims" | "metric">): Promise<VectorIndex> {
  const index = createIndex({ dims: 20, metric: "cosine", ...options });
  const history = createHistory(1_500);
  const rng = createRng(3);
  const { counters, faults } = await startReaders(index, history, { readers: 2 });
  for (let writes = 0; writes < WRITES_MIN || Atomics.load(counters, 0) < SEARCHES_MIN; writes += WRITES_AT_ONCE) {
    for (let at = 0; at < WRITES_AT_ONCE; at++) operate(index, history, randomBelow(rng, history.done.length));
    await turn();
    // One that has seen enough faults ends by itself.
    if (Atomics.load(counters, 2) > 0) break;
  }
  Atomics.store(counters, 3, 1);
  assert.deepEqual(await faults, []);
  return index;
}

for (const [name, options] of [
  ["graphs built by the writer", { graphRowsMin: 0, segmentRows: 2_048 }],
  ["scans", { segmentRows: 1_024 }],
] as const) {
  test(`readers miss no row and see none twice, torn or removed while it is replaced, moved and linked: ${name}`, async () => {
    const index = await churn(options);
    await index.settle();
    assert.deepEqual(problemsOf(index, true), []);
    await index.close();
  });
}

test("a reader never gets short results while the first rows are linked and learned from", async () => {
  for (let round = 0; round < 8; round++) {
    const index = createIndex({ dims: 20, metric: "cosine", graphRowsMin: 0 });
    const history = createHistory(1_100);
    const { counters, faults } = await startReaders(index, history, { readers: 1 });
    for (let id = 0; id < history.done.length; id++) operate(index, history, id);
    Atomics.store(counters, 3, 1);
    assert.deepEqual(await faults, []);
    await index.close();
  }
});
