import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import fc from "fast-check";
import { loadDataSet, makeDataSet, openRows } from "../vector/data/data-set.ts";
import { createRows, DISTRIBUTION_NAMES, type DistributionName, generate } from "../vector/data/distributions.ts";
import { parseImages } from "../vector/data/fashion-mnist.ts";
import { holdOut, readVectors } from "../vector/data/words.ts";

const DIMS = 24;

function rowsOf(numbers: Float32Array, dims = DIMS): Float32Array[] {
  return Array.from({ length: numbers.length / dims }, (_, at) => numbers.subarray(at * dims, (at + 1) * dims));
}

function normOf(row: Float32Array): number {
  return Math.hypot(...row);
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)));
}

function distinct(rows: readonly Float32Array[]): number {
  return new Set(rows.map((row) => row.join())).size;
}

test("rows made in pieces are the rows made at once", () => {
  const name = fc.constantFrom<DistributionName>(...DISTRIBUTION_NAMES);
  fc.assert(
    fc.property(name, fc.nat(199), fc.nat(), (chosen, from, seed) => {
      const source = createRows(chosen, { count: 200, dims: 9, seed });
      const whole = source.rows(0, 200);
      const count = Math.min(20, 200 - from);
      assert.deepEqual(source.rows(from, count), whole.slice(from * 9, (from + count) * 9));
    }),
    { numRuns: 60 },
  );
});

for (const name of DISTRIBUTION_NAMES) {
  test(`${name}: finite, not zero, other rows for another seed or stream`, () => {
    const options = { count: 300, dims: DIMS, seed: 7 };
    const rows = rowsOf(generate(name, options));
    assert.ok(rows.every((row) => row.every(Number.isFinite) && normOf(row) > 0));
    assert.notDeepEqual(generate(name, { ...options, seed: 8 }), generate(name, options));
    if (name === "duplicates") assert.equal(distinct(rows), 20);
    else assert.equal(distinct(rows), 300);
    assert.notDeepEqual(generate(name, { ...options, stream: 1 }), generate(name, options));
  });
}

test("no two of 300,000 rows have the same noise", () => {
  const source = createRows("gaussian", { count: 300_000, dims: 4, seed: 1 });
  const [halves, rows] = [new BigUint64Array(source.rows(0, 300_000).buffer), new Set<bigint>()];
  for (let at = 0; at < halves.length; at += 2) rows.add(((halves[at] ?? 0n) << 64n) | (halves[at + 1] ?? 0n));
  assert.equal(rows.size, 300_000);
});

test("normal numbers have mean 0 and variance 1", () => {
  const numbers = generate("gaussian", { count: 2_000, dims: DIMS, seed: 3 });
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + value * value, 0) / numbers.length - mean * mean;
  assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.02, `variance ${variance}`);
});

test("a mixture has unit rows, frequent topics and near-duplicates", () => {
  const rows = rowsOf(generate("mixture", { count: 1_500, dims: DIMS, seed: 5 }));
  assert.ok(rows.every((row) => Math.abs(normOf(row) - 1) < 1e-5));
  const repeats = rows.filter((row, at) =>
    rows.slice(Math.max(0, at - 64), at).some((old) => distance(old, row) < 0.06),
  );
  assert.ok(repeats.length > 90 && repeats.length < 210, `${repeats.length} near-duplicates`);
});

test("drift ends elsewhere than it began", () => {
  const rows = rowsOf(generate("drift", { count: 2_000, dims: DIMS, seed: 5 }));
  const meanNearest = (from: number, to: number) => {
    const others = rows.slice(to, to + 200);
    const sums = rows.slice(from, from + 50).map((row) => Math.min(...others.map((other) => distance(row, other))));
    return sums.reduce((sum, value) => sum + value, 0) / sums.length;
  };
  assert.ok(meanNearest(0, 1_800) > 1.2 * meanNearest(0, 100));
});

test("tight clusters lie within 1 to 5 percent of a centre", () => {
  const rows = rowsOf(generate("clusters", { count: 1_000, dims: DIMS, seed: 5 }));
  const nearest = rows.slice(500).map((row) => Math.min(...rows.slice(0, 500).map((other) => distance(row, other))));
  assert.ok(nearest.every((value) => value < 0.12));
  assert.ok(rows.slice(1).filter((row) => distance(row, rows[0] ?? row) > 0.5).length > 900);
});

test("one dimension outweighs the others, and lengths span twelve powers of ten", () => {
  const dominant = generate("dominant", { count: 500, dims: DIMS, seed: 5 });
  const [first, second] = [0, 1].map((dim) => rowsOf(dominant).reduce((sum, row) => sum + Math.abs(row[dim] ?? 0), 0));
  assert.ok((first ?? 0) > 80 * (second ?? 1));
  const norms = rowsOf(generate("norms", { count: 500, dims: DIMS, seed: 5 })).map(normOf);
  assert.ok(Math.min(...norms) < 1e-5 && Math.max(...norms) > 1e5);
});

test("data of low intrinsic dimension is spanned by eight directions", () => {
  const rows = rowsOf(generate("lowdim", { count: 40, dims: DIMS, seed: 5 }));
  const basis: Float32Array[] = [];
  const residuals = rows.map((row) => {
    const rest = row.slice();
    for (const direction of basis) {
      const share = rest.reduce((sum, value, at) => sum + value * (direction[at] ?? 0), 0);
      for (let at = 0; at < DIMS; at++) rest[at] = (rest[at] ?? 0) - share * (direction[at] ?? 0);
    }
    const length = normOf(rest);
    if (basis.length < 8) basis.push(rest.map((value) => value / length));
    return length / normOf(row);
  });
  assert.ok(Math.max(...residuals.slice(8)) < 0.2, "rows after the eighth are spanned");
  assert.ok(Math.min(...residuals.slice(0, 6)) > 0.05, "the first ones are independent");
});

test("counts, dimensions, places and names outside their limits are refused", () => {
  const bad: [() => unknown, RegExp][] = [
    [() => createRows("uniform", { count: 0, dims: 8, seed: 1 }), /count is 0/],
    [() => createRows("uniform", { count: 1, dims: 5_000, seed: 1 }), /dims is 5000/],
    [() => createRows("uniform", { count: 9, dims: 8, seed: 1 }).rows(5, 5), /count of rows is 5.*to 4/],
    [
      () => createRows("round" as DistributionName, { count: 9, dims: 8, seed: 1 }),
      /distribution is round; use one of mix/,
    ],
  ];
  for (const [call, message] of bad) assert.throws(call, { code: "invalid_argument", message });
});

test("a made data set holds rows, queries from another stream, and 100 answers a query", async () => {
  const made = await makeDataSet("mixture", { rows: 400, dims: 16, queries: 5, seed: 9, metric: "l2" });
  assert.equal(made.base.length, 400 * 16);
  assert.equal(made.query.length, 5 * 16);
  assert.equal(made.truth.length, 500);
  const [query] = rowsOf(made.query, 16);
  const order = rowsOf(made.base, 16)
    .map((row, id) => ({ id, at: distance(row, query ?? row) }))
    .sort((a, b) => a.at - b.at);
  assert.equal(made.truth[0], order[0]?.id);
  assert.deepEqual(await makeDataSet("mixture", { rows: 400, dims: 16, queries: 5, seed: 9, metric: "l2" }), made);
});

test("endless rows come from any place", async () => {
  const source = await openRows("mixture", { count: 1_000_000, dims: 16 });
  assert.equal(source.rows(999_990, 10).length, 160);
});

test("a data set that is unknown or missing says what to do", async () => {
  const directory = import.meta.dirname;
  const refused = async (name: string, code: string, message: RegExp) => {
    const error = await loadDataSet(name, { directory }).catch((cause: unknown) => cause);
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
  };
  await refused("bge", "invalid_argument", /data set is bge; use one of bge-768/);
  await refused("toString", "invalid_argument", /data set is toString/);
  await refused("bge-768", "unavailable", /put base\.f32/);
  await refused("bge-100k", "unavailable", /put base\.f32/);
  await refused("fashion-mnist", "unavailable", /apt-get install dataset-fashion-mnist/);
  await refused("words-100", "unavailable", /npm ci --prefix bench\/vector\/peers/);
});

test("images are read from IDX files and nothing else", () => {
  const bytes = Buffer.alloc(16 + 12);
  for (const [at, word] of [0x0803, 2, 2, 3].entries()) bytes.writeUInt32BE(word, at * 4);
  bytes.set([1, 2, 3, 4, 5, 255, 7, 8, 9, 10, 11, 12], 16);
  assert.deepEqual(parseImages(bytes), { dims: 6, rows: Float32Array.of(1, 2, 3, 4, 5, 255, 7, 8, 9, 10, 11, 12) });
  assert.throws(() => parseImages(bytes.subarray(1)), { code: "invalid_argument" });
  assert.throws(() => parseImages(bytes.subarray(0, 27)), { code: "invalid_argument" });
  assert.throws(() => parseImages(Buffer.alloc(3)), { code: "invalid_argument" });
});

test("word vectors are read whatever the words and wherever the text is cut", async () => {
  const text = JSON.stringify({
    size: 5,
    words: ["vectors", "]"],
    vectors: {
      "a]": [1, 2.5, 9],
      "[1,2": [3, -4e-3, 9],
      '":[7,7,7]': [5, 6, 9],
      zero: [0, 0, 9],
      short: [1],
      "\\": [7, 8, 9],
    },
    unkVector: [0, 0, -1],
  });
  const expected = Float32Array.of(1, 2.5, 3, -4e-3, 5, 6, 7, 8);
  for (const size of [1, 2, 7, 1_000]) {
    const parts = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
    assert.deepEqual(await readVectors(streamOf(parts), 2), expected);
  }
  await assert.rejects(readVectors(streamOf(["{}"]), 2), { code: "invalid_argument" });
});

test("rows held out as queries leave the others as they were", () => {
  const rows = Float32Array.from({ length: 60 }, (_, at) => at);
  const { base, query } = holdOut(rows, { dims: 2, queries: 10, seed: 4 });
  const seen = [...rowsOf(base, 2), ...rowsOf(query, 2)].map((row) => row.join());
  assert.equal(query.length, 20);
  assert.equal(base.length, 40);
  assert.deepEqual(
    seen.sort(),
    rowsOf(rows, 2)
      .map((row) => row.join())
      .sort(),
  );
  assert.deepEqual(holdOut(rows, { dims: 2, queries: 10, seed: 4 }), { base, query });
});

async function* streamOf(parts: readonly string[]): AsyncGenerator<string> {
  yield* parts;
}
