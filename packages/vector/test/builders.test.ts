import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { createIndex } from "@millrace/vector";
import { checkOptions } from "../src/index-options.ts";
import { Builders } from "../src/owner/builders.ts";
import { orderBuild } from "../src/segment/run-build.ts";
import { Segment } from "../src/segment/segment.ts";
import { plainTransform } from "../src/segment/transform.ts";
import { makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { problemsOf } from "./segments-of.ts";

const DIMS = 32;

test("graphs built by two threads while rows come, go and are searched are sound and find what they should", async () => {
  const index = createIndex({ dims: DIMS, metric: "cosine", workers: 2, graphRowsMin: 0, segmentRows: 2_048 });
  const { rows, queries } = makeData("topics", { dims: DIMS, rows: 9_000, queries: 40, seed: 3 });
  const model = new Map<number, Float32Array>();
  const rng = createRng(4);
  for (const [at, row] of rows.entries()) {
    const id = randomBelow(rng, 6_000);
    index.add(id, row);
    model.set(id, row);
    if (at % 5 === 0) {
      const gone = randomBelow(rng, 6_000);
      assert.equal(index.remove(gone), model.delete(gone));
    }
    if (at % 300 !== 0) continue;
    const { ids } = index.search(row, 10, { recall: "exact" });
    assert.equal(ids.length, Math.min(10, model.size));
    assert.ok(ids.includes(id) || !model.has(id), `${id}, added last, is missing`);
    assert.ok(ids.every((found) => model.has(found)));
  }
  await Promise.all([index.settle(), index.settle()]);
  assert.deepEqual(problemsOf(index, true), []);
  assert.deepEqual([index.size, index.indexed], [model.size, model.size]);
  assert.ok(
    index.segments.every(({ rows: held, linked }) => held === linked),
    JSON.stringify(index.segments),
  );
  const recalls = queries.map((query) =>
    recallOf(index.search(query, 10), { rows: model, query, k: 10, metric: "cosine", slack: 1e-5 }),
  );
  const recall = recalls.reduce((sum, one) => sum + one, 0) / recalls.length;
  assert.ok(recall >= 0.93, `recall@10 ${recall}`);
  await index.close();
});

function makeSegment(): Segment {
  return Segment.create({ dims: DIMS, metric: "dot", capacity: 1_024, hasLow: true }, plainTransform(DIMS));
}

test("a builder that is given what it cannot work on ends, and settling says so, then and later", async () => {
  const builders = new Builders(checkOptions({ dims: DIMS, metric: "dot", workers: 2 }));
  const options = { graphRowsMin: 0, recall: 0.95, m: 16, efConstruction: undefined, isDemanded: false };
  const order = orderBuild(makeSegment(), { place: 0, options, build: undefined });
  builders.take(order);
  await builders.settle();
  builders.take({ ...order, place: 1, memory: new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }) });
  const isEnd = (error: unknown) =>
    error instanceof MillraceError && error.code === "unavailable" && error.cause instanceof Error;
  await assert.rejects(builders.settle(), isEnd);
  await assert.rejects(builders.settle(), isEnd);
  await builders.close();
});

test("settling an index whose builders were ended is refused, and it goes on answering", async () => {
  const index = createIndex({ dims: DIMS, metric: "l2", workers: 1, graphRowsMin: 0 });
  const { rows } = makeData("gaussian", { dims: DIMS, rows: 1_300, queries: 0, seed: 3 });
  for (const [id, row] of rows.entries()) index.add(id, row);
  await index.close();
  await assert.rejects(
    index.settle(),
    (error: unknown) => error instanceof MillraceError && error.code === "unavailable",
  );
  assert.deepEqual([...index.search(rows[5] ?? new Float32Array(DIMS), 1).ids], [5]);
  assert.equal(index.size, 1_300);
});
