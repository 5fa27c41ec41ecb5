import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createRng, type Rng, randomBelow } from "@millrace/core";
import { createIndex, type IndexOptions, METRICS, type Metric, openReader, type VectorIndex } from "@millrace/vector";
import fc from "fast-check";
import { DATA_SET_NAMES, makeData } from "./data-sets.ts";
import { recallOf } from "./exact.ts";
import { checkExact, checkResult, type Oracle } from "./oracle.ts";
import { problemsOf, segmentsOf } from "./segments-of.ts";

/** Ids that operations choose from: some more than segments have rows, so that they roll over and their rows are moved. */
const IDS = 1_600;
/** Times a row may have been moved out of a trimmed segment in one run, at most. */
const MOVES = 8;
const CHECK_EVERY = 900;
const MANY = 60;

/** Shares of additions among operations, one after the other: growing, replacing, shrinking, growing again. */
const PHASES = [0.97, 0.6, 0.15, 0.8] as const;
const OPERATIONS_PER_PHASE = 1_500;

type Fuzz = {
  readonly index: VectorIndex;
  readonly rows: Map<number, Float32Array>;
  readonly rng: Rng;
  readonly vector: () => Float32Array;
};

/** One random change of the index and of the model. */
function change({ index, rows, rng, vector }: Fuzz, additions: number): void {
  const id = randomBelow(rng, IDS);
  if (rng() >= additions) {
    assert.equal(index.remove(id), rows.delete(id));
  } else if (rng() < 0.01) {
    const ids = Array.from({ length: randomBelow(rng, MANY) }, () => randomBelow(rng, IDS));
    const vectors = ids.map(vector);
    index.addMany(ids, Float32Array.from(vectors.flatMap((one) => [...one])));
    for (const [at, one] of ids.entries()) rows.set(one, vectors[at] ?? vector());
  } else {
    const one = vector();
    index.add(id, one);
    rows.set(id, one);
  }
  assert.equal(index.has(id), rows.has(id));
}

/** A filter that lets about a share of the ids pass; 0: none, and below a thousandth: one. */
function filterOf(rng: Rng, share: number): (id: number) => boolean {
  const one = randomBelow(rng, IDS);
  if (share > 0 && share < 0.001) return (id) => id === one;
  const salt = randomBelow(rng, 2 ** 31);
  return (id) => (Math.imul(id ^ salt, 0x9e37_79b1) >>> 0) / 2 ** 32 < share;
}

function bitmapOf(filter: (id: number) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(IDS / 8));
  for (let id = 0; id < IDS; id++) if (filter(id)) bitmap[id >> 3] = (bitmap[id >> 3] ?? 0) | (1 << (id & 7));
  return bitmap;
}

/** Everything that can be asked of an index, against the model. */
async function check({ index, rows, rng, vector }: Fuzz): Promise<void> {
  assert.equal(index.size, rows.size);
  const oracle: Oracle = { index, rows, segments: segmentsOf(index), moves: MOVES };
  const query = vector();
  checkResult(oracle, query, 10, index.search(query, 10));
  checkExact(oracle, query, 10);
  const all = index.search(query, IDS, { recall: "exact" });
  assert.deepEqual(
    [...all.ids].sort((a, b) => a - b),
    [...rows.keys()].sort((a, b) => a - b),
  );
  const reader = openReader(index.share());
  assert.deepEqual(reader.search(query, IDS, { recall: "exact" }), all);
  reader.close();
  await turn();
  for (const share of [0, 0.0005, 0.01, 0.3, 0.95]) {
    const filter = filterOf(rng, share);
    checkExact(oracle, query, 10, filter);
    const allowed = [...rows.keys()].filter(filter).length;
    const found = index.search(query, 10, { filter: bitmapOf(filter) });
    checkResult(oracle, query, 10, found, allowed);
    assert.ok(found.ids.every(filter));
    assert.deepEqual(
      index.search(query, 10, { filter, recall: "exact" }),
      index.search(query, 10, { filter: bitmapOf(filter), recall: "exact" }),
    );
  }
}

/** An index that got just the rows that are left answers as well as the one that lived through it all. */
async function checkRebuilt(fuzz: Fuzz, options: IndexOptions): Promise<void> {
  const { index, rows, vector } = fuzz;
  const rebuilt = createIndex(options);
  for (const [id, row] of rows) rebuilt.add(id, row);
  await rebuilt.settle();
  assert.deepEqual([rebuilt.size, rebuilt.indexed], [index.size, index.indexed]);
  const recalls = { lived: 0, rebuilt: 0 };
  const queries = Array.from({ length: 25 }, vector);
  for (const query of queries) {
    const truth = { rows, query, k: 10, metric: index.metric };
    recalls.lived += recallOf(index.search(query, 10), truth) / queries.length;
    recalls.rebuilt += recallOf(rebuilt.search(query, 10), truth) / queries.length;
  }
  checkExact({ index: rebuilt, rows, segments: segmentsOf(rebuilt) }, queries[0] ?? vector(), 10);
  assert.ok(recalls.lived > recalls.rebuilt - 0.12, JSON.stringify(recalls));
}

test("any sequence of changes leaves what a map would hold, however it is asked", async () => {
  const names = DATA_SET_NAMES.filter((name) => name !== "tightClusters");
  const cases = fc.record({
    name: fc.constantFrom(...names),
    metric: fc.constantFrom<Metric>(...METRICS),
    dims: fc.constantFrom(3, 8, 24),
    graphRowsMin: fc.constantFrom(0, 0, 16_384),
    segmentRows: fc.constantFrom(1_024, 2_048),
    seed: fc.nat(),
  });
  const property = fc.asyncProperty(cases, async ({ name, seed, ...options }) => {
    const rng = createRng(seed);
    const { rows: pool } = makeData(name, { dims: options.dims, rows: 2_000, queries: 0, seed });
    const vector = () => pool[randomBelow(rng, pool.length)] ?? new Float32Array(options.dims);
    const fuzz: Fuzz = { index: createIndex(options), rows: new Map(), rng, vector };
    for (const [phase, additions] of PHASES.entries()) {
      for (let at = 1; at <= OPERATIONS_PER_PHASE; at++) {
        change(fuzz, additions);
        if (at % CHECK_EVERY === 0) await check(fuzz);
      }
      if (phase % 2 === 0) continue;
      await Promise.all([fuzz.index.settle(), turn()]);
      assert.deepEqual(problemsOf(fuzz.index, true), []);
      await check(fuzz);
    }
    await checkRebuilt(fuzz, options);
  });
  await fc.assert(property, { numRuns: 8, endOnFailure: true });
});
