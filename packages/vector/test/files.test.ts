import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRng, MillraceError } from "@millrace/core";
import {
  createIndex,
  type IndexOptions,
  METRICS,
  openIndex,
  type SearchOptions,
  type VectorIndex,
} from "@millrace/vector";
import { Segment } from "../src/segment/segment.ts";
import { Trim } from "../src/segment/trim.ts";
import { createIndexOf } from "../src/vector-index.ts";
import { type DataSet, makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { problemsOf } from "./segments-of.ts";

let root = "";
before(async () => {
  root = await mkdtemp(join(tmpdir(), "millrace-files-"));
});
after(() => rm(root, { recursive: true, force: true }));

let directories = 0;
const freshDirectory = (): string => join(root, `index-${directories++}`);

const SEARCHES: readonly SearchOptions[] = [
  {},
  { recall: "exact" },
  { recall: 0.8 },
  { recall: 0.99 },
  { efSearch: 40 },
  { filter: (id) => id % 3 === 0 },
  { filter: (id) => id % 50 === 0, recall: "exact" },
];

/** Every search returns the same ids with the same bits of score. */
function assertSameAnswers(one: VectorIndex, other: VectorIndex, queries: readonly Float32Array[]): void {
  for (const query of queries) {
    for (const options of SEARCHES) {
      const [expected, found] = [one, other].map((index) => index.search(query, 10, options));
      assert.deepEqual(found, expected);
      assert.ok(expected && expected.ids.length > 0);
    }
  }
}

type Kind = {
  readonly name: string;
  readonly options: Partial<IndexOptions>;
  readonly data: DataSet;
  readonly dims: number;
  readonly rows: number;
  readonly removed?: number;
  readonly isSettled: boolean;
  readonly expected: (index: VectorIndex) => boolean;
};

const KINDS: readonly Kind[] = [
  {
    name: "a scanned segment that has learned nothing yet",
    options: {},
    data: "uniform",
    dims: 24,
    rows: 700,
    removed: 60,
    isSettled: false,
    expected: ({ segments }) => segments.every(({ code, hasLow }) => code === "scan-bytes" && hasLow),
  },
  {
    name: "scanned segments, some full",
    options: { segmentRows: 2_048 },
    data: "gaussian",
    dims: 64,
    rows: 6_000,
    isSettled: true,
    expected: ({ segments }) => segments.length > 2 && segments.every(({ code }) => code.startsWith("scan")),
  },
  {
    name: "graphs of several segments with removed rows",
    options: { segmentRows: 1_024, graphRowsMin: 0, metric: "l2" },
    data: "gaussian",
    dims: 32,
    rows: 3_000,
    removed: 300,
    isSettled: true,
    expected: ({ segments, dead }) => segments.every(({ code }) => code.startsWith("graph")) && dead > 100,
  },
  {
    name: "a graph in the middle of its building",
    options: { graphRowsMin: 2_000, metric: "dot" },
    data: "topics",
    dims: 48,
    rows: 3_000,
    isSettled: false,
    expected: ({ segments }) => segments.some(({ linked, rows }) => linked > 0 && linked < rows),
  },
  {
    name: "tight clusters, which keep low bytes",
    options: { segmentRows: 1_024 },
    data: "tightClusters",
    dims: 40,
    rows: 2_500,
    isSettled: true,
    expected: ({ segments }) => segments.length > 1 && segments.every(({ hasLow }) => hasLow),
  },
];

async function make({ options, data, dims, rows, removed = 0, isSettled }: Kind) {
  const made = makeData(data, { dims, rows, queries: 6, seed: 11 });
  const index = createIndex({ dims, metric: "cosine", ...options });
  for (const [id, vector] of made.rows.entries()) index.add(id * 7, vector);
  for (let at = 0; at < removed; at++) index.remove(at * 49);
  if (isSettled) await index.settle();
  return { index, ...made };
}

for (const kind of KINDS) {
  test(`what was saved is opened and answers bit by bit the same: ${kind.name}`, async () => {
    const { index, queries } = await make(kind);
    assert.ok(kind.expected(index), JSON.stringify(index.segments));
    const directory = freshDirectory();
    await index.save(directory);
    const again = await openIndex(directory);
    assert.deepEqual(again.mended, []);
    assert.equal(again.size, index.size);
    assert.deepEqual([again.dims, again.metric, again.dead], [index.dims, index.metric, index.dead]);
    assertSameAnswers(index, again, queries);
    assert.deepEqual(again.vector(7 * 500), index.vector(7 * 500));
    assert.equal(again.has(0), index.has(0));
    assert.deepEqual(problemsOf(again, kind.isSettled), []);
  });
}

for (const metric of METRICS) {
  for (const [isRotated, hasLow] of [
    [true, true],
    [true, false],
    [false, false],
  ] as const) {
    const shapes = `${isRotated ? "rotated" : "plain"}, ${hasLow ? "with" : "without"} low bytes, ${metric}`;
    test(`a graph over rows coded in any way is opened as it was: ${shapes}`, async () => {
      const dims = 50;
      const { rows, queries } = makeData("gaussian", { dims, rows: 1_100, queries: 5, seed: 2 });
      const mean = (rows[0] ?? new Float32Array(dims)).map((value) => value / 5);
      const made = Segment.create({ dims, metric, capacity: 1_100, hasLow: true }, { mean, isRotated });
      const { exports, input } = made.engine(0);
      exports.setDegree(10);
      for (const [id, vector] of rows.entries()) {
        input.set(vector);
        exports.append(id);
      }
      for (let row = 500; row < 540; row++) made.kill(row);
      const fitted = new Trim(made, hasLow).finish();
      fitted.engine(0).exports.linkMany(1_100, 30, 1);
      const states = { navigation: 1, isLearned: 1, isSettled: 1 } as const;
      for (const [name, value] of Object.entries(states)) fitted.setState(name as keyof typeof states, value);
      const index = createIndexOf({ dims, metric }, { segments: [fitted], mended: [] });
      const directory = freshDirectory();
      await index.save(directory);
      const again = await openIndex(directory);
      assert.deepEqual(again.segments, index.segments);
      const { isRotated: wasRotated, hasLow: hadLow, code } = again.segments[0] ?? assert.fail();
      assert.deepEqual([wasRotated, hadLow, code], [isRotated, hasLow, "graph-signs"]);
      assertSameAnswers(index, again, queries);
      assert.deepEqual(again.vector(7), index.vector(7));
      assert.deepEqual(problemsOf(again, false), []);
    });
  }
}

test("an opened index goes on: rows are added, replaced, removed, linked, saved and opened again", async () => {
  for (const metric of METRICS) {
    const dims = 20;
    const { rows, queries } = makeData("gaussian", { dims, rows: 3_000, queries: 8, seed: 3 });
    const model = new Map<number, Float32Array>();
    const directory = freshDirectory();
    let index = createIndex({ dims, metric, segmentRows: 1_024, graphRowsMin: 300 });
    for (let from = 0; from < rows.length; from += 1_000) {
      for (let id = from; id < from + 1_000; id++) {
        index.add(id, rows[id] ?? new Float32Array(dims));
        model.set(id, rows[id] ?? new Float32Array(dims));
        if (id % 5 !== 0) continue;
        assert.equal(index.remove(id / 5), model.delete(id / 5));
        const replaced = Math.floor(id / 2);
        index.add(replaced, rows[id / 5] ?? new Float32Array(dims));
        model.set(replaced, rows[id / 5] ?? new Float32Array(dims));
      }
      await index.save(directory);
      await index.close();
      index = await openIndex(directory);
      assert.equal(index.size, model.size);
    }
    await index.settle();
    assert.deepEqual(problemsOf(index, true), []);
    for (const id of model.keys()) assert.ok(index.has(id));
    const slack = 0.01;
    for (const query of queries) {
      const found = index.search(query, 10, { recall: "exact" });
      assert.equal(recallOf(found, { rows: model, query, k: 10, metric, slack }), 1);
      assert.ok([...found.ids].every((id) => model.has(id)));
    }
    await index.close();
  }
});

test("an empty index, and one whose rows were all removed, are saved and opened", async () => {
  const directory = freshDirectory();
  const index = createIndex({ dims: 4, metric: "dot" });
  await index.save(directory);
  const empty = await openIndex(directory);
  assert.equal(empty.size, 0);
  empty.add(9, Float32Array.of(1, 2, 3, 4));
  assert.deepEqual([...empty.search(Float32Array.of(1, 0, 0, 0), 3).ids], [9]);
  empty.remove(9);
  await empty.save(directory);
  const again = await openIndex(directory);
  assert.deepEqual([again.size, again.search(Float32Array.of(1, 0, 0, 0), 3).ids.length], [0, 0]);
});

test("what an index was made with is kept, and may be said anew", async () => {
  const directory = freshDirectory();
  const options = { dims: 8, metric: "l2", recall: 0.97, graphRowsMin: 10, m: 8, efConstruction: 20 } as const;
  const index = createIndex({ ...options, segmentRows: 1_024 });
  const rows = makeData("gaussian", { dims: 8, rows: 1_500, queries: 1, seed: 1 }).rows;
  for (const [id, vector] of rows.entries()) index.add(id, vector);
  await index.settle();
  await index.save(directory);
  const scanning = await openIndex(directory, { graphRowsMin: 100_000, recall: "exact", build: "scalar" });
  const linking = await openIndex(directory);
  for (const [id, vector] of rows.entries()) for (const one of [scanning, linking]) one.add(2_000 + id, vector);
  await Promise.all([scanning.settle(), linking.settle()]);
  assert.equal(scanning.segments.at(-1)?.code.slice(0, 4), "scan");
  assert.ok(linking.segments.every(({ code }) => code.startsWith("graph")));
  assert.equal(scanning.share().recall, "exact");
  assert.equal(linking.share().recall, 0.97);
});

test("a segment that did not change keeps its file, and files of no save are removed", async () => {
  const directory = freshDirectory();
  const { rows } = makeData("gaussian", { dims: 16, rows: 4_000, queries: 1, seed: 5 });
  const index = createIndex({ dims: 16, metric: "cosine", segmentRows: 1_024 });
  for (const [id, vector] of rows.entries()) index.add(id, vector);
  await index.settle();
  await index.save(directory);
  const first = (await readdir(directory)).sort();
  await writeFile(join(directory, "segment-99-0.mrv"), "left by a save that was cut off");
  await writeFile(join(directory, "segment-100-0.mrv.tmp"), "left by a save that was cut off");
  await writeFile(join(directory, "notes.txt"), "not ours");
  index.remove(0);
  index.add(9_999, rows[1] ?? new Float32Array(16));
  await index.save(directory);
  const second = (await readdir(directory)).sort();
  const kept = first.filter((name) => second.includes(name));
  assert.equal(first.length, 2 + index.segments.length);
  assert.equal(kept.length, first.length - 1, "all but the open segment");
  assert.equal(second.length, first.length + 1);
  assert.ok(second.includes("notes.txt"));
  const again = await openIndex(directory);
  assert.deepEqual([again.size, again.has(0), again.has(9_999)], [4_000, false, true]);
  await again.save(directory);
  assert.deepEqual(
    (await readdir(directory)).sort(),
    second,
    "nothing changed, so nothing is written but the manifest",
  );
});

test("another index may be saved over one that is there", async () => {
  const directory = freshDirectory();
  for (const dims of [8, 12]) {
    const index = createIndex({ dims, metric: "cosine" });
    index.add(dims, new Float32Array(dims).fill(1));
    await index.save(directory);
    const again = await openIndex(directory);
    assert.deepEqual([again.dims, again.size, again.has(dims)], [dims, 1, true]);
  }
  assert.equal((await readdir(directory)).length, 3);
});

/**
 * Rows come in order, each 4th replaces, each 5th removes an older one: what is there after n operations follows from n alone, so a
 * save that saw two moments shows.
 */
function operate(index: VectorIndex, nth: number, vectorOf: (id: number, version: number) => Float32Array): void {
  index.add(nth, vectorOf(nth, 0));
  if (nth % 4 === 0) index.add(nth / 2, vectorOf(nth / 2, 1));
  if (nth % 5 === 0) index.remove(nth - 3);
}

for (const workers of [0, 2]) {
  test(`a save during changes holds what was there at one moment, with ${workers} workers`, async () => {
    const dims = 12;
    const vectorOf = (id: number, version: number): Float32Array => {
      const rng = createRng(id * 2 + version);
      return Float32Array.from({ length: dims }, () => rng() * 2 - 1);
    };
    const index = createIndex({ dims, metric: "l2", segmentRows: 1_024, graphRowsMin: 200, workers });
    let done = 0;
    const grow = (until: number): void => {
      while (done < until) operate(index, ++done, vectorOf);
    };
    grow(1_500);
    for (let round = 0; round < 4; round++) {
      const directory = freshDirectory();
      const from = done;
      let isSaved = false;
      const saving = index.save(directory).then(() => {
        isSaved = true;
      });
      while (!isSaved && done < from + 2_000) {
        grow(done + 10);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await saving;
      const again = await openIndex(directory, { workers: (workers + round) % 2 });
      const last = Math.max(...Array.from({ length: done + 1 }, (_, id) => (again.has(id) ? id : 0)));
      // The newest row may have been removed again only three operations later.
      assert.ok(last >= from - 3 && last <= done, `${last} of ${from} to ${done}`);
      const twin = createIndex({ dims, metric: "l2" });
      for (let nth = 1; nth <= last; nth++) operate(twin, nth, vectorOf);
      assert.equal(again.size, twin.size);
      for (let id = 1; id <= done; id++) assert.equal(again.has(id), twin.has(id), `id ${id} of ${last}`);
      for (let id = 2; id <= last; id += 31) assertNear(again.vector(id), twin.vector(id));
      assert.deepEqual(problemsOf(again, false), []);
      await again.settle();
      assert.deepEqual(problemsOf(again, true), []);
      await again.close();
    }
    await index.close();
  });
}

test("an index whose builders have ended is saved all the same, and linked where it is opened", async () => {
  const directory = freshDirectory();
  const { rows, queries } = makeData("gaussian", { dims: 16, rows: 2_500, queries: 3, seed: 8 });
  const index = createIndex({ dims: 16, metric: "cosine", segmentRows: 1_024, graphRowsMin: 0, workers: 1 });
  for (const [id, vector] of rows.entries()) index.add(id, vector);
  await index.close();
  await index.save(directory);
  const again = await openIndex(directory);
  assert.equal(again.size, 2_500);
  await again.settle();
  assert.ok(again.segments.every(({ code, linked, rows }) => code.startsWith("graph") && linked === rows));
  assert.deepEqual(problemsOf(again, true), []);
  const options = { recall: "exact" } as const;
  for (const query of queries)
    assert.deepEqual(again.search(query, 10, options).ids, index.search(query, 10, options).ids);
});

test("a byte flipped on the disk is found, and rows come back from where they came from", async () => {
  const directory = freshDirectory();
  const { rows, queries } = makeData("gaussian", { dims: 16, rows: 900, queries: 3, seed: 6 });
  const index = createIndex({ dims: 16, metric: "l2" });
  for (const [id, vector] of rows.entries()) index.add(id, vector);
  await index.save(directory);
  const file = join(directory, "segment-1-0.mrv");
  const bytes = await readFile(file);
  bytes[20_000] = (bytes[20_000] ?? 0) ^ 4;
  await writeFile(file, bytes);
  await assert.rejects(openIndex(directory), coded("storage_failed", /codes of segment-1-0\.mrv; 900 rows are lost/));
  const again = await openIndex(directory, {
    rebuild: async function* ({ ids }) {
      for (const id of ids) yield { id, vector: rows[id] ?? new Float32Array(16) };
    },
  });
  assert.deepEqual(again.mended, [{ file: "segment-1-0.mrv", part: "codes", how: "rebuilt", rows: 900, missing: 0 }]);
  assert.equal(again.size, 900);
  for (const query of queries) assert.deepEqual(again.search(query, 10), index.search(query, 10));
});

function assertNear(found: Float32Array | undefined, expected: Float32Array | undefined): void {
  assert.equal(found === undefined, expected === undefined);
  for (const [at, value] of found?.entries() ?? []) assert.ok(Math.abs(value - (expected?.[at] ?? 0)) < 0.02);
}

test("two saves at once, unknown options, nothing there and a file for a directory are refused", async () => {
  const directory = freshDirectory();
  const index = createIndex({ dims: 4, metric: "dot" });
  const saving = index.save(directory);
  await assert.rejects(index.save(directory), coded("conflict", /a save is running/));
  await saving;
  await index.save(directory);
  await assert.rejects(openIndex(directory, { dims: 4 } as never), coded("invalid_argument", /"dims".*rebuild/));
  await assert.rejects(openIndex(freshDirectory()), coded("not_found", /no saved index in .*index-/));
  const file = join(root, "file");
  await writeFile(file, "x");
  await assert.rejects(index.save(file), coded("storage_failed", /could not be saved to .*file/));
  await assert.rejects(openIndex(file), coded("storage_failed", /could not be read/));
  await index.save(directory);
});

function coded(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
