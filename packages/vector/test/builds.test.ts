import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { abandonBuild, createIndex, type IndexOptions, openIndex, runBuild, type VectorIndex } from "@millrace/vector";
import { LINK_BYTES } from "../src/segment/layout.ts";
import { orderBuild } from "../src/segment/run-build.ts";
import { Segment } from "../src/segment/segment.ts";
import { plainTransform } from "../src/segment/transform.ts";
import { validateSegment } from "../src/segment/validate.ts";
import type { BuildTask } from "./build-thread.ts";
import { makeData } from "./data-sets.ts";
import { problemsOf, segmentsOf } from "./segments-of.ts";

const buildThreadUrl = new URL("./build-thread.ts", import.meta.url);
const DIMS = 32;

function makeIndex(options: Partial<IndexOptions> = {}): VectorIndex {
  const shape = { graphRowsMin: 1_024, segmentRows: 4_096, builds: "offered" } as const;
  return createIndex({ dims: DIMS, metric: "cosine", ...shape, ...options });
}

function fill(index: VectorIndex, rows: number): readonly Float32Array[] {
  const made = makeData("gaussian", { dims: DIMS, rows, queries: 0, seed: 6 });
  for (const [id, row] of made.rows.entries()) index.add(id, row);
  return made.rows;
}

function linkedOf(index: VectorIndex): number {
  return index.segments.reduce((sum, { linked }) => sum + linked, 0);
}

test("an index that offers its builds links nothing itself, and what others built is final", () => {
  const index = makeIndex();
  const rows = fill(index, 9_500);
  assert.equal(linkedOf(index), 0);
  let orders = index.builds();
  assert.ok(orders.length >= 2, `${orders.length} orders`);
  for (; orders.length > 0; orders = index.builds()) {
    for (const order of orders) {
      const run = runBuild(structuredClone(order));
      assert.ok(run);
      while (run.step(256)) {
        // Each does a part.
      }
    }
  }
  assert.ok(index.indexed >= rows.length - 64, `${index.indexed} of ${rows.length} are final`);
  assert.deepEqual(problemsOf(index, false), []);
  assert.equal(makeIndex({ builds: "own" }).builds().length, 0);
});

test("a segment is built by one at a time, and who builds it lets go between two steps", async () => {
  const index = makeIndex();
  const rows = fill(index, 5_500);
  const [first] = index.builds();
  const [again] = index.builds();
  assert.ok(first && again && first.place === again.place && first.ticket !== again.ticket);
  const run = runBuild(first);
  assert.ok(run);
  assert.ok(run.step(16));
  assert.equal(runBuild(again), undefined);
  assert.ok(!index.builds().some(({ place }) => place === first.place), "what is being built is not offered");
  run.close();
  assert.equal(run.step(16), false);
  const other = runBuild(again);
  assert.ok(other);
  assert.ok(other.step(16), "another goes on");
  const linkedAtStop = (async () => {
    while (other.step(16)) await turn();
    return linkedOf(index);
  })();
  await index.settle();
  const linked = await linkedAtStop;
  assert.ok(linked < rows.length / 2, `${linked} rows were linked before settling got the segment`);
  assert.equal(index.indexed, rows.length);
  assert.deepEqual(problemsOf(index, true), []);
});

test("an index is saved with the graphs that others are building", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-builds-"));
  try {
    const index = makeIndex();
    fill(index, 5_500);
    const [order] = index.builds();
    assert.ok(order);
    const run = runBuild(order);
    while (linkedOf(index) < 1_500) assert.ok(run?.step(64));
    const steps = (async () => {
      while (run?.step(16)) await turn();
    })();
    await index.save(directory);
    await steps;
    const again = await openIndex(directory, { builds: "offered" });
    assert.ok(linkedOf(again) >= 1_500, `${linkedOf(again)} rows are linked`);
    assert.deepEqual(problemsOf(again, false), []);
    assert.ok(runBuild(index.builds()[0] ?? order), "the index builds on after the save");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("threads that are ended in the middle of a step leave segments that others finish", async () => {
  const index = makeIndex({ efConstruction: 300, segmentRows: 8_192 });
  const rows = fill(index, 9_500);
  const rng = createRng(11);
  let ended = 0;
  while (ended < 6) {
    const [order] = index.builds();
    assert.ok(order, "six threads link less than half of 8,192 rows");
    const worker = new Worker(buildThreadUrl);
    const goal = linkedOf(index) + 100 + randomBelow(rng, 200);
    // Where this thread is held up, the other does not go on to the end.
    worker.postMessage({ order, linkedMax: goal + 300 } satisfies BuildTask);
    while (linkedOf(index) < goal) await turn();
    await worker.terminate();
    assert.ok(!index.builds().some(({ place }) => place === order.place), "nobody said that it ended");
    abandonBuild(order);
    ended++;
    const [again] = index.builds();
    assert.ok(again && again.place === order.place);
    const run = runBuild(again);
    run?.close();
    const segment = new Segment(order.memory);
    assert.deepEqual(validateSegment(segment, { isRepaired: false, codes: 8 }), []);
  }
  await index.settle();
  assert.equal(index.indexed, rows.length);
  assert.deepEqual(problemsOf(index, true), []);
});

test("threads share the builds of several indexes while rows come and go", async () => {
  const indexes = [makeIndex(), makeIndex({ metric: "l2" })];
  const workers = [new Worker(buildThreadUrl), new Worker(buildThreadUrl)];
  const { rows } = makeData("topics", { dims: DIMS, rows: 9_000, queries: 0, seed: 8 });
  const rng = createRng(4);
  for (const [at, row] of rows.entries()) {
    for (const index of indexes) {
      index.add(randomBelow(rng, 6_000), row);
      if (at % 5 === 0) index.remove(randomBelow(rng, 6_000));
      if (at % 500 !== 0) continue;
      for (const order of index.builds()) workers[order.place % 2]?.postMessage({ order } satisfies BuildTask);
    }
    if (at % 500 === 0) await turn();
  }
  await Promise.all(indexes.map((index) => index.settle()));
  for (const index of indexes) {
    assert.equal(index.indexed, index.size);
    assert.deepEqual(problemsOf(index, true), []);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
});

/** A graph over random rows of which the last are not linked yet. */
function makeGraph(linked: number): Segment {
  const segment = Segment.create({ dims: DIMS, metric: "l2", capacity: 2_048, hasLow: true }, plainTransform(DIMS));
  const engine = segment.engine(0);
  const { rows } = makeData("gaussian", { dims: DIMS, rows: 2_000, queries: 0, seed: 2 });
  for (const [id, row] of rows.entries()) {
    engine.input.set(row);
    engine.exports.append(id);
  }
  engine.exports.setDegree(16);
  segment.setState("navigation", 2);
  engine.exports.linkMany(linked, 32, 2);
  return segment;
}

const TEARS: Readonly<Record<string, (segment: Segment) => void>> = {
  "links to a row that is not linked": (segment) => {
    for (const row of [3, 700, 701]) {
      const at = segment.layout.linksAt / 4 + (row * LINK_BYTES) / 4;
      const count = segment.words[at] ?? 0;
      segment.words[at + count] = segment.linked;
    }
  },
  "an overflowing list that was half written": (segment) => {
    const at = segment.layout.linksAt / 4 + (40 * LINK_BYTES) / 4;
    const count = segment.words[at] ?? 0;
    for (let place = 1; place <= count / 2; place++) segment.words[at + place] = segment.words[at + count] ?? 0;
  },
  "an entry that is not linked": (segment) => segment.setState("entry", segment.linked + 1),
  "a top level that is not the entry's": (segment) => segment.setState("topLevel", segment.state("topLevel") + 1),
  "a graph that is begun anew": (segment) => segment.setState("entry", 0),
  "upper lists taken for a row that is not linked": (segment) =>
    segment.setState("upperUsed", segment.state("upperUsed") + 2),
};

for (const [name, tear] of Object.entries(TEARS)) {
  test(`a graph is mended after ${name}, and linked to its end`, () => {
    const segment = makeGraph(1_200);
    const options = { graphRowsMin: 0, recall: 0.95, m: 16, efConstruction: undefined, isDemanded: false };
    const order = () => orderBuild(segment, { place: 0, options, build: undefined });
    const died = order();
    assert.ok(runBuild(died));
    tear(segment);
    assert.equal(runBuild(order()), undefined, "nobody said that who builds it died");
    abandonBuild(died);
    runBuild(order())?.close();
    assert.deepEqual(validateSegment(segment, { isRepaired: false }), []);
    const { exports } = segment.engine(1);
    exports.setDegree(16);
    exports.linkMany(2_000, 32, 2);
    assert.equal(segment.linked, 2_000);
    exports.beginRepair();
    while (exports.repairSome(100, 32, 2)) assert.ok(segment.state("entry") > 0);
    assert.deepEqual(validateSegment(segment, { isRepaired: true }), []);
  });
}

test("settling waits for a thread that builds, also when that ended", async () => {
  const index = makeIndex();
  fill(index, 5_500);
  const [order] = index.builds();
  assert.ok(order);
  assert.ok(runBuild(order)?.step(8));
  const settled = index.settle();
  await turn();
  abandonBuild(order);
  await settled;
  assert.deepEqual(problemsOf(index, true), []);
  assert.ok(segmentsOf(index).every((segment) => segment.state("runner") === 0));
  await index.close();
  assert.throws(
    () => index.builds(),
    (error: unknown) => error instanceof MillraceError && error.code === "conflict",
  );
});
