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
