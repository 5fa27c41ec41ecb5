import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import {
  createIndex,
  type IndexOptions,
  K_MAX,
  type Metric,
  type SearchOptions,
  type VectorIndex,
} from "@millrace/vector";
import { similarity } from "./exact.ts";
import { DISTRIBUTIONS } from "./vectors.ts";

function isCode(code: string, pattern: RegExp) {
  return (error: unknown) => error instanceof MillraceError && error.code === code && pattern.test(error.message);
}

function filled(options: IndexOptions, rows: number, seed = 1): VectorIndex {
  const index = createIndex(options);
  const rng = createRng(seed);
  for (let id = 0; id < rows; id++) index.add(id, DISTRIBUTIONS.uniform(rng, options.dims));
  return index;
}

/** An index with graphs and one without. */
const FORMS = [
  ["graphs", { graphRowsMin: 0 }],
  ["scans", {}],
] as const;

test("an empty index answers with nothing, and so does one that was emptied", async () => {
  for (const [, form] of FORMS) {
    const index = filled({ dims: 4, metric: "l2", ...form }, 200);
    for (let id = 0; id < 200; id++) assert.equal(index.remove(id), true);
    await index.settle();
    for (const empty of [createIndex({ dims: 4, metric: "l2" }), index]) {
      const { ids, scores } = empty.search(new Float32Array(4), 10);
      assert.deepEqual([ids.length, scores.length, empty.size, empty.has(7)], [0, 0, 0, false]);
      assert.equal(empty.remove(7), false);
      assert.equal(empty.vector(7), undefined);
    }
  }
});

test("equal scores come in order of id", () => {
  for (const [name, form] of FORMS) {
    const rng = createRng(3);
    const make = () => Float32Array.from({ length: 33 }, (_, at) => (at === 0 ? 127 : randomBelow(rng, 5) - 2));
    const index = createIndex({ dims: 33, metric: "dot", ...form });
    const distinct = [make(), make(), make(), make()];
    const rows = Array.from({ length: 15 }, () => distinct[randomBelow(rng, 4)] ?? make());
    for (const [at, row] of rows.entries()) index.add(14 - at, row);
    const query = make();
    const expected = rows
      .map((row, at) => ({ id: 14 - at, score: similarity("dot", query, row) }))
      .sort((a, b) => b.score - a.score || a.id - b.id);
    assert.deepEqual(
      [...index.search(query, 15).ids],
      expected.map(({ id }) => id),
      name,
    );
  }
});

test("a zero query scores 0 with every row under cosine and dot, lowest ids first; a zero row scores about 0", () => {
  const rng = createRng(9);
  for (const [name, form] of FORMS) {
    const index = createIndex({ dims: 20, metric: "cosine", ...form });
    for (let id = 1; id < 1_400; id++) index.add(id, DISTRIBUTIONS.dominant(rng, 20));
    index.add(2_000, new Float32Array(20));
    const opposite = DISTRIBUTIONS.dominant(rng, 20).map((value) => -value);
    const { ids, scores } = index.search(opposite, 1, { recall: "exact" });
    assert.deepEqual([...ids], [2_000], name);
    assert.ok(Math.abs(scores[0] ?? 1) < 0.01, `${scores[0]}`);
    const zeros = index.search(new Float32Array(20), 2, { filter: (id) => id > 5 });
    assert.deepEqual(zeros, { ids: Uint32Array.of(6, 7), scores: Float32Array.of(0, 0) });
  }
});

test("cosine knows no lengths, of 1e-30 or 1e30, and its scores stay within −1..1", () => {
  const rng = createRng(4);
  const index = createIndex({ dims: 16, metric: "cosine" });
  const rows = Array.from({ length: 300 }, () => DISTRIBUTIONS.uniform(rng, 16));
  for (const [id, row] of rows.entries()) {
    const size = [1e-30, 1e-6, 1, 1e12, 1e17][id % 5] ?? 1;
    index.add(
      id,
      row.map((value) => value * size),
    );
  }
  for (const [id, row] of rows.entries()) {
    const size = id % 2 === 0 ? 1e-30 : 1e17;
    const { ids, scores } = index.search(
      row.map((value) => value * size),
      1,
    );
    assert.deepEqual([...ids], [id]);
    assert.ok((scores[0] ?? 0) > 0.999 && (scores[0] ?? 2) <= 1, `${scores[0]}`);
  }
});

test("a filter bitmap covers only the ids it has bits for", () => {
  const index = createIndex({ dims: 2, metric: "dot" });
  index.add(3, Float32Array.of(1, 0));
  index.add(4_000_000_000, Float32Array.of(1, 0));
  assert.deepEqual([...index.search(Float32Array.of(1, 0), 5, { filter: Uint8Array.of(255) }).ids], [3]);
});

test("a filter decides before the choice of k, at every share allowed, as predicate and as bitmap", async () => {
  for (const [name, form] of FORMS) {
    const index = filled({ dims: 24, metric: "cosine", ...form }, 3_000);
    await index.settle();
    const query = DISTRIBUTIONS.uniform(createRng(8), 24);
    const all = [...index.search(query, 3_000, { recall: "exact" }).ids];
    for (const every of [1, 2, 10, 97, 1_000, 2_999]) {
      const bitmap = new Uint8Array(375);
      for (let id = 0; id < 3_000; id += every) bitmap[id >> 3] = (bitmap[id >> 3] ?? 0) | (1 << (id & 7));
      const allowed = (id: number) => id % every === 0;
      const expected = all.filter(allowed);
      for (const filter of [bitmap, allowed]) {
        const what = `${name}, 1 of ${every}, ${typeof filter}`;
        assert.deepEqual([...index.search(query, 3_000, { filter, recall: "exact" }).ids], expected, what);
        const { ids } = index.search(query, 10, { filter });
        assert.equal(ids.length, Math.min(10, expected.length), what);
        assert.ok(ids.every(allowed), what);
      }
    }
    assert.equal(index.search(query, 10, { filter: () => false }).ids.length, 0);
    assert.equal(index.search(query, 10, { filter: new Uint8Array(0) }).ids.length, 0);
  }
});

test("the largest k returns every row, sorted, and leaves the memory beside the results alone", async () => {
  for (const [name, form] of FORMS) {
    const index = filled({ dims: 4, metric: "l2", ...form }, 16_000);
    await index.settle();
    const query = Float32Array.of(0.1, 0.2, 0.3, 0.4);
    const few = index.search(query, 10);
    const all = index.search(query, K_MAX, { recall: "exact" });
    const allowed = new Uint8Array(2_000).fill(255);
    assert.deepEqual(index.search(query, K_MAX, { recall: "exact", filter: allowed }), all);
    for (const options of [{}, { recall: "exact" }, { efSearch: 10_240 }, { filter: allowed }] as const) {
      const { ids, scores } = index.search(query, K_MAX, options);
      assert.equal(new Set(ids).size, K_MAX, name);
      assert.ok(scores.every((score, at) => at === 0 || score <= (scores[at - 1] ?? 0)));
    }
    assert.deepEqual(index.search(query, 10), few);
  }
});

test("what cannot be is refused by name, and nothing changes", () => {
  const index = createIndex({ dims: 3, metric: "cosine" });
  index.add(7, Float32Array.of(1, 2, 3));
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const refused: readonly (readonly [() => unknown, string, RegExp])[] = [
    [() => index.add(1, Float32Array.of(1, 2)), "dimension_mismatch", /2 dimensions, the index has 3/],
    [() => index.add(1, Float32Array.of(1, nan, 2)), "invalid_argument", /vector\[1\] is NaN/],
    [() => index.add(7, Float32Array.of(1, 2, infinity)), "invalid_argument", /vector\[2\] is Infinity/],
    [() => index.add(1, Float32Array.of(1, 2, -infinity)), "invalid_argument", /-Infinity/],
    [() => index.add(1, Float32Array.of(3e38, 3e38, 0)), "invalid_argument", /scale the vectors down/],
    [() => index.add(1, [1, 2, 3] as unknown as Float32Array), "invalid_argument", /Float32Array/],
    [() => index.add(-1, new Float32Array(3)), "invalid_argument", /id is -1/],
    [() => index.add(2 ** 32, new Float32Array(3)), "invalid_argument", /id is 4294967296/],
    [() => index.add(1.5, new Float32Array(3)), "invalid_argument", /id is 1.5/],
    [() => index.has(nan), "invalid_argument", /id/],
    [() => index.remove(-1), "invalid_argument", /id is -1/],
    [() => index.vector(-1), "invalid_argument", /id is -1/],
    [() => index.addMany([1, 2], Float32Array.of(1, 2, 3, 4, 5)), "dimension_mismatch", /5 numbers/],
    [() => index.addMany([1, 2], Float32Array.of(1, 2, 3, 4, 5, nan)), "invalid_argument", /vectors\[1\]/],
    [() => index.addMany([1, -2], new Float32Array(6)), "invalid_argument", /id is -2/],
    [() => index.search(Float32Array.of(1), 1), "dimension_mismatch", /query has 1/],
    [() => index.search(Float32Array.of(1, nan, 1), 1), "invalid_argument", /query\[1\] is NaN/],
    [() => index.search(new Float32Array(3), 0), "invalid_argument", /k is 0/],
    [() => index.search(new Float32Array(3), K_MAX + 1), "invalid_argument", /k is 10001/],
    [() => index.search(new Float32Array(3), 1, { recall: 0.3 }), "invalid_argument", /recall is 0.3/],
    [() => index.search(new Float32Array(3), 1, { recall: 1 }), "invalid_argument", /recall is 1;/],
    [() => index.search(new Float32Array(3), 1, { efSearch: 0 }), "invalid_argument", /efSearch is 0/],
    [() => index.search(new Float32Array(3), 1, { efSearch: 1e6 }), "invalid_argument", /efSearch is 1000000/],
    [() => index.search(new Float32Array(3), 1, { efort: 9 } as SearchOptions), "invalid_argument", /"efort"/],
    [
      () => index.search(new Float32Array(3), 1, { filter: [7] } as unknown as SearchOptions),
      "invalid_argument",
      /filter/,
    ],
  ];
  for (const [call, code, pattern] of refused) {
    assert.throws(call, isCode(code, pattern));
    assert.deepEqual([index.size, index.dead, index.has(1), index.has(2)], [1, 0, false, false]);
  }
  assert.deepEqual(index.search(Float32Array.of(1, 2, 3), 5).ids, Uint32Array.of(7));
});

test("options that are unknown or out of range are refused by name", () => {
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ dims: 1 }, /dims is 1/],
    [{ dims: 4_097 }, /dims is 4097/],
    [{ metric: "hamming" as Metric }, /cosine, dot, l2/],
    [{ recall: 2 }, /recall is 2/],
    [{ workers: -1 }, /workers is -1/],
    [{ workers: 65 }, /workers is 65/],
    [{ graphRowsMin: -1 }, /graphRowsMin is -1/],
    [{ segmentRows: 1_000 }, /segmentRows is 1000/],
    [{ capacityBytesMax: 1 }, /capacityBytesMax is 1/],
    [{ build: "avx" }, /"avx"/],
    [{ segmentrows: 2_048 }, /unknown option "segmentrows"/],
  ];
  for (const [options, pattern] of refused) {
    const make = () => createIndex({ dims: 8, metric: "dot", ...options } as IndexOptions);
    assert.throws(make, isCode("invalid_argument", pattern));
  }
});

test("a row decodes to its vector, of unit length for cosine, and follows replacements", () => {
  for (const metric of ["cosine", "dot", "l2"] as const) {
    const rng = createRng(2);
    const index = createIndex({ dims: 50, metric });
    const rows = Array.from({ length: 1_500 }, () => DISTRIBUTIONS.uniform(rng, 50));
    for (const [id, row] of rows.entries()) index.add(id % 1_200, row);
    for (let id = 0; id < 1_200; id++) {
      const row = rows[id < 300 ? 1_200 + id : id] ?? new Float32Array(50);
      const size = metric === "cosine" ? Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) : 1;
      const found = index.vector(id) ?? new Float32Array(50);
      const worst = Math.max(...row.map((value, at) => Math.abs(value / size - (found[at] ?? 0))));
      assert.ok(worst < 2 / 127 / 127, `${worst} for id ${id} under ${metric}`);
    }
  }
});

test("an index whose first rows were removed again learns from those that came later", async () => {
  const learned = [0, 300].map((removed) => {
    const index = filled({ dims: 64, metric: "cosine" }, removed);
    for (let id = 0; id < removed; id++) index.remove(id);
    const rng = createRng(6);
    for (let id = 0; id < 2_500; id++) index.add(id, DISTRIBUTIONS.sparse(rng, 64));
    assert.equal(index.size, 2_500);
    return index.segments.at(-1)?.isRotated;
  });
  assert.deepEqual(learned, [true, true]);
});

test("removed rows are moved out of the way and their memory is given back", async () => {
  for (const [name, form] of FORMS) {
    const index = filled({ dims: 64, metric: "cosine", segmentRows: 2_048, ...form }, 8_000);
    await index.settle();
    const { bytes } = index;
    for (let id = 0; id < 7_500; id++) index.remove(id);
    await index.settle();
    assert.ok(
      index.dead <= Math.max(64 * index.segments.length, index.size / 2),
      `${index.dead} dead of ${index.size}`,
    );
    assert.ok(index.bytes < bytes / 3, `${index.bytes} of ${bytes} bytes, ${name}`);
    const left = index.search(DISTRIBUTIONS.uniform(createRng(1), 64), 1_000).ids;
    assert.deepEqual(
      [...left].sort((a, b) => a - b),
      Array.from({ length: 500 }, (_, at) => 7_500 + at),
    );
  }
});

test("a full index refuses with its limit and goes on answering; after removals it takes rows again", async () => {
  const index = createIndex({ dims: 64, metric: "cosine", capacityBytesMax: 700_000, segmentRows: 1_024 });
  const rng = createRng(1);
  let added = 0;
  const fill = () => {
    for (; added < 100_000; added++) index.add(added, DISTRIBUTIONS.uniform(rng, 64));
  };
  assert.throws(fill, isCode("too_large", /the limit is 700000/));
  assert.equal(index.size, added);
  assert.ok(added > 1_024, `${added} rows`);
  const { dead } = index;
  const many = Float32Array.from({ length: 64 * 64 }, () => rng());
  assert.throws(() => index.addMany(new Array(64).fill(0), many), isCode("too_large", /the limit is 700000/));
  assert.deepEqual([index.size, index.dead], [added, dead]);
  assert.equal(index.search(DISTRIBUTIONS.uniform(rng, 64), 5).ids.length, 5);
  for (let id = 0; id < added; id += 2) index.remove(id);
  await index.settle();
  index.add(0, DISTRIBUTIONS.uniform(rng, 64));
  assert.ok(index.has(0));
});

test("every build of the engine returns the same ids and scores", async () => {
  const make = (build: "relaxed" | "simd" | "scalar") => {
    const index = createIndex({ dims: 70, metric: "cosine", graphRowsMin: 0, build });
    const rng = createRng(11);
    for (let id = 0; id < 1_600; id++) index.add(id, DISTRIBUTIONS.dominant(rng, 70));
    return index;
  };
  const indexes = [make("relaxed"), make("simd"), make("scalar")] as const;
  for (const index of indexes) await index.settle();
  const rng = createRng(12);
  for (let at = 0; at < 10; at++) {
    const query = DISTRIBUTIONS.dominant(rng, 70);
    const [relaxed, simd, scalar] = indexes.map((index) => index.search(query, 25));
    assert.deepEqual(simd, relaxed);
    assert.deepEqual(scalar, relaxed);
  }
});
