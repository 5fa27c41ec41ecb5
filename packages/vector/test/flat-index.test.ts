import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import { createFlatIndex, createMean, type FlatIndex, METRICS, type Metric } from "@millrace/vector";
import fc from "fast-check";
import { errorBound, similarity } from "./exact.ts";
import { DISTRIBUTIONS, type Distribution } from "./vectors.ts";

const distribution = fc.constantFrom(...(Object.keys(DISTRIBUTIONS) as Distribution[]));
const metric = fc.constantFrom<Metric>(...METRICS);

function isCode(code: string, pattern: RegExp) {
  return (error: unknown) => error instanceof MillraceError && error.code === code && pattern.test(error.message);
}

/** Each score is within its bound of the exact one, and nothing left out is better by more than both bounds. */
function checkAgainstBruteForce(
  index: FlatIndex,
  rows: ReadonlyMap<number, Float32Array>,
  query: Float32Array,
  k: number,
): void {
  const means = index.means.map(({ values }) => values);
  const { ids, scores } = index.search(query, k);
  assert.equal(ids.length, Math.min(k, rows.size));
  const found = new Set(ids);
  assert.equal(found.size, ids.length, "no id twice");
  for (const [at, id] of ids.entries()) {
    const row = rows.get(id);
    assert.ok(row, `id ${id} is a row of the index`);
    const exact = similarity(index.metric, query, row);
    const error = Math.abs((scores[at] ?? Number.NaN) - exact);
    const bound = errorBound(index.metric, query, row, means);
    assert.ok(error <= bound, `score of ${id} is off by ${error}, bound ${bound}`);
    if (at > 0) assert.ok((scores[at - 1] ?? 0) >= (scores[at] ?? 0), "best first");
  }
  const worst = scores[scores.length - 1] ?? Number.NEGATIVE_INFINITY;
  for (const [id, row] of rows) {
    if (found.has(id)) continue;
    const exact = similarity(index.metric, query, row);
    const bound = errorBound(index.metric, query, row, means);
    assert.ok(exact - bound <= worst, `${id} at ${exact} (± ${bound}) was left out, the worst found is ${worst}`);
  }
}

test("a search finds what brute force finds, within the rounding, on every distribution and metric", () => {
  const cases = fc.record({
    distribution,
    metric,
    dims: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.constantFrom(100, 255, 384, 1_000, 1_024)),
    count: fc.integer({ min: 1, max: 400 }),
    k: fc.integer({ min: 1, max: 30 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(cases, (input) => {
      const rng = createRng(input.seed);
      const make = () => DISTRIBUTIONS[input.distribution](rng, input.dims);
      const index = createFlatIndex({ dims: input.dims, metric: input.metric });
      const rows = new Map<number, Float32Array>();
      for (let at = 0; at < input.count; at++) {
        const id = randomBelow(rng, 2 ** 32);
        const vector = make();
        rows.set(id, vector);
        index.add(id, vector);
      }
      assert.equal(index.size, rows.size);
      checkAgainstBruteForce(index, rows, make(), input.k);
    }),
    { numRuns: 60 },
  );
});

test("any order of add, replace and remove leaves what a map would hold", () => {
  const step = fc.record({ id: fc.nat(60), isRemoval: fc.boolean(), seed: fc.nat(1_000) });
  fc.assert(
    fc.property(metric, fc.array(step, { minLength: 1, maxLength: 600, size: "max" }), (chosen, steps) => {
      const index = createFlatIndex({ dims: 5, metric: chosen });
      const rows = new Map<number, Float32Array>();
      for (const { id, isRemoval, seed } of steps) {
        if (isRemoval) {
          assert.equal(index.remove(id), rows.delete(id));
        } else {
          const vector = DISTRIBUTIONS.uniform(createRng(seed), 5);
          rows.set(id, vector);
          index.add(id, vector);
        }
        assert.equal(index.has(id), !isRemoval);
      }
      assert.equal(index.size, rows.size);
      checkAgainstBruteForce(index, rows, DISTRIBUTIONS.uniform(createRng(7), 5), 61);
    }),
    { numRuns: 40 },
  );
});

test("equal scores come in order of id, and whole-number vectors score exactly", () => {
  const rng = createRng(3);
  const make = () => Float32Array.from({ length: 33 }, (_, at) => (at === 0 ? 127 : randomBelow(rng, 5) - 2));
  const index = createFlatIndex({ dims: 33, metric: "dot" });
  const distinct = [make(), make(), make(), make()];
  const rows = Array.from({ length: 15 }, () => distinct[randomBelow(rng, 4)] ?? make());
  for (const [at, row] of rows.entries()) index.add(14 - at, row);
  const query = make();
  const expected = rows
    .map((row, at) => ({ id: 14 - at, score: similarity("dot", query, row) }))
    .sort((a, b) => b.score - a.score || a.id - b.id);
  const { ids, scores } = index.search(query, 15);
  assert.deepEqual(
    [...ids],
    expected.map(({ id }) => id),
  );
  assert.deepEqual(
    [...scores],
    expected.map(({ score }) => score),
  );
});

test("every kernel returns the same ids and scores", () => {
  const rng = createRng(11);
  const [first, ...others] = (["relaxed", "simd", "scalar"] as const).map((kernel) =>
    createFlatIndex({ dims: 70, metric: "cosine", kernel }),
  );
  for (let id = 0; id < 900; id++) {
    const vector = DISTRIBUTIONS.dominant(rng, 70);
    for (const index of [first, ...others]) index?.add(id, vector);
  }
  const query = DISTRIBUTIONS.dominant(rng, 70);
  for (const other of others) assert.deepEqual(other.search(query, 25), first?.search(query, 25));
});

test("a filter is applied before the choice of k, as predicate and as bitmap", () => {
  const rng = createRng(5);
  const index = createFlatIndex({ dims: 24, metric: "cosine" });
  const rows = new Map<number, Float32Array>();
  for (let id = 0; id < 2_000; id++) {
    const vector = DISTRIBUTIONS.uniform(rng, 24);
    index.add(id, vector);
    if (id % 97 === 0) rows.set(id, vector);
  }
  const bitmap = new Uint8Array(250);
  for (const id of rows.keys()) bitmap[id >> 3] = (bitmap[id >> 3] ?? 0) | (1 << (id & 7));
  const query = DISTRIBUTIONS.uniform(rng, 24);
  const all = index.search(query, 2_000);
  const expected = [...all.ids].filter((id) => rows.has(id));
  assert.equal(expected.length, 21);
  assert.deepEqual([...index.search(query, 2_000, { filter: (id) => rows.has(id) }).ids], expected);
  assert.deepEqual([...index.search(query, 10, { filter: bitmap }).ids], expected.slice(0, 10));
  assert.equal(index.search(query, 10, { filter: () => false }).ids.length, 0);
});

test("a filter bitmap covers only the ids it has bits for", () => {
  const index = createFlatIndex({ dims: 2, metric: "dot" });
  index.add(3, Float32Array.of(1, 0));
  index.add(4_000_000_000, Float32Array.of(1, 0));
  assert.deepEqual([...index.search(Float32Array.of(1, 0), 5, { filter: Uint8Array.of(255) }).ids], [3]);
});

test("a zero vector scores exactly 0 under cosine, as row and as query", () => {
  const rng = createRng(9);
  const index = createFlatIndex({ dims: 20, metric: "cosine" });
  for (let id = 1; id < 400; id++) index.add(id, DISTRIBUTIONS.dominant(rng, 20));
  index.add(500, new Float32Array(20));
  assert.equal(index.means.length, 3);
  const opposite = DISTRIBUTIONS.dominant(rng, 20).map((value) => -value);
  assert.deepEqual(index.search(opposite, 1), { ids: Uint32Array.of(500), scores: Float32Array.of(0) });
  assert.deepEqual(index.search(new Float32Array(20), 2), { ids: Uint32Array.of(1, 2), scores: Float32Array.of(0, 0) });
});

test("an empty index answers with nothing", () => {
  const { ids, scores } = createFlatIndex({ dims: 4, metric: "l2" }).search(new Float32Array(4), 10);
  assert.deepEqual([ids.length, scores.length], [0, 0]);
});

test("vectors that cannot be compared are refused by name and nothing changes", () => {
  const index = createFlatIndex({ dims: 3, metric: "cosine" });
  assert.throws(
    () => index.add(1, Float32Array.of(1, 2)),
    isCode("dimension_mismatch", /2 dimensions, the index has 3/),
  );
  assert.throws(
    () => index.add(1, Float32Array.of(1, Number.NaN, 2)),
    isCode("invalid_argument", /vector\[1\] is NaN/),
  );
  assert.throws(
    () => index.add(1, Float32Array.of(1, 2, Number.POSITIVE_INFINITY)),
    isCode("invalid_argument", /Infinity/),
  );
  assert.throws(
    () => index.add(1, Float32Array.of(3e38, 3e38, 0)),
    isCode("invalid_argument", /scale the vectors down/),
  );
  assert.throws(() => index.add(-1, new Float32Array(3)), isCode("invalid_argument", /id is -1/));
  assert.throws(() => index.addMany([1, 2], Float32Array.of(1, 2, 3, 4, 5)), isCode("dimension_mismatch", /5 numbers/));
  assert.throws(
    () => index.addMany([1, 2], Float32Array.of(1, 2, 3, 4, 5, Number.NaN)),
    isCode("invalid_argument", /vectors\[1\]/),
  );
  assert.throws(() => index.search(Float32Array.of(1), 1), isCode("dimension_mismatch", /query has 1/));
  assert.throws(() => index.search(new Float32Array(3), 0), isCode("invalid_argument", /k is 0/));
  assert.throws(() => createFlatIndex({ dims: 1, metric: "dot" }), isCode("invalid_argument", /dims is 1/));
  assert.throws(
    () => createFlatIndex({ dims: 2, metric: "hamming" as Metric }),
    isCode("invalid_argument", /cosine, dot, l2/),
  );
  assert.equal(index.size, 0);
});

test("removed rows are compacted away and the memory is taken again", () => {
  const rng = createRng(13);
  const index = createFlatIndex({ dims: 64, metric: "cosine" });
  for (let id = 0; id < 5_000; id++) index.add(id, DISTRIBUTIONS.uniform(rng, 64));
  const bytes = index.bytes;
  for (let id = 0; id < 4_500; id++) index.remove(id);
  assert.ok(index.compactions >= 5, `${index.compactions} compactions`);
  assert.ok(index.dead <= Math.max(64, index.size / 3), `${index.dead} dead of ${index.size}`);
  assert.ok(index.bytes < bytes / 3, `${index.bytes} of ${bytes} bytes`);
  const left = index.search(DISTRIBUTIONS.uniform(rng, 64), 1_000).ids;
  assert.deepEqual(
    [...left].sort((a, b) => a - b),
    Array.from({ length: 500 }, (_, at) => 4_500 + at),
  );
});

test("a full index refuses with its limit and goes on answering; after removals it takes rows again", () => {
  const index = createFlatIndex({
    dims: 64,
    metric: "cosine",
    capacityBytesMax: 400_000,
    means: [createMean(new Float32Array(64).fill(0.01), 256)],
  });
  const rng = createRng(1);
  let added = 0;
  assert.throws(
    () => {
      for (; added < 100_000; added++) index.add(added, DISTRIBUTIONS.uniform(rng, 64));
    },
    isCode("too_large", /the limit is 400000/),
  );
  assert.equal(index.size, added);
  assert.equal(index.search(DISTRIBUTIONS.uniform(rng, 64), 5).ids.length, 5);
  for (let id = 0; id < added; id += 2) index.remove(id);
  index.add(0, DISTRIBUTIONS.uniform(rng, 64));
  assert.ok(index.has(0));
});

test("centring brings the rows near: on data with a dominant dimension recall rises", () => {
  const rng = createRng(21);
  const dims = 96;
  const rows = Array.from({ length: 1_500 }, () => DISTRIBUTIONS.dominant(rng, dims));
  const none = createFlatIndex({
    dims,
    metric: "cosine",
    means: [createMean(new Float32Array(dims).fill(1e-30), 256)],
  });
  const learned = createFlatIndex({ dims, metric: "cosine" });
  for (const [id, row] of rows.entries()) {
    none.add(id, row);
    learned.add(id, row);
  }
  const recallOf = (index: FlatIndex) => {
    const queries = createRng(22);
    let hits = 0;
    for (let at = 0; at < 20; at++) {
      const query = DISTRIBUTIONS.dominant(queries, dims);
      const order = rows
        .map((row, id) => ({ id, score: similarity("cosine", query, row) }))
        .sort((a, b) => b.score - a.score);
      const best = new Set(order.slice(0, 10).map(({ id }) => id));
      hits += index.search(query, 10).ids.filter((id) => best.has(id)).length;
    }
    return hits / 200;
  };
  const [without, withMean] = [recallOf(none), recallOf(learned)];
  assert.ok(withMean >= 0.95 && withMean > without + 0.1, `recall@10 ${withMean} against ${without}`);
});
