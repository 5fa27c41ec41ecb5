import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { cacheNumbers } from "../vector/data/cache.ts";
import { type DistributionName, generate } from "../vector/data/distributions.ts";
import { type ExactMetric, type ExactSearch, exactNearest } from "../vector/data/exact.ts";
import { findTruth, searchInThreads } from "../vector/data/truth.ts";

/** The definition, pair by pair. */
function naiveNearest({ metric, dims, base, query, k }: ExactSearch): number[] {
  const at = (numbers: Float32Array, row: number, dim: number) => numbers[row * dims + dim] ?? 0;
  return Array.from({ length: query.length / dims }, (_, of) => {
    const scored = Array.from({ length: base.length / dims }, (_, row) => {
      let [dot, rowSquares, squares] = [0, 0, 0];
      for (let dim = 0; dim < dims; dim++) {
        dot += at(query, of, dim) * at(base, row, dim);
        rowSquares += at(base, row, dim) ** 2;
        squares += (at(query, of, dim) - at(base, row, dim)) ** 2;
      }
      const cosine = rowSquares === 0 ? 0 : dot / Math.sqrt(rowSquares);
      return { row, score: metric === "dot" ? dot : metric === "l2" ? -squares : cosine };
    });
    return scored.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
  }).flatMap((best) => best.map(({ row }) => row));
}

const metrics = fc.constantFrom<ExactMetric>("cosine", "l2", "dot");
const names = fc.constantFrom<DistributionName>("uniform", "gaussian", "mixture", "drift", "lowdim", "dominant");

test("finds what a double loop finds, for every metric, shape and odd count", () => {
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 150 }),
    dims: fc.integer({ min: 2, max: 33 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(metrics, names, sizes, (metric, name, { rows, dims, seed }) => {
      const base = generate(name, { count: rows, dims, seed });
      const query = generate(name, { count: 1 + (seed % 9), dims, seed, stream: 1 });
      const search = { metric, dims, base, query, k: Math.min(rows, 10) };
      assert.deepEqual([...exactNearest(search)], naiveNearest(search));
    }),
    { numRuns: 100 },
  );
});

test("equal rows come in order of their ids", () => {
  const base = generate("duplicates", { count: 200, dims: 16, seed: 2 });
  for (const metric of ["cosine", "l2", "dot"] as const) {
    const ids = exactNearest({ metric, dims: 16, base, query: base.slice(0, 16), k: 10 });
    const same = Array.from({ length: 200 }, (_, row) => row).filter((row) => base[row * 16] === base[0]);
    if (metric === "dot") continue; // a longer row may have the larger product
    assert.deepEqual([...ids.subarray(0, Math.min(10, same.length))], same.slice(0, 10));
  }
});

test("a zero row has cosine 0: after what points towards the query, before what points away", () => {
  const base = Float32Array.of(-1, 0, 0, 0, 1, 1);
  assert.deepEqual(
    [...exactNearest({ metric: "cosine", dims: 2, base, query: Float32Array.of(1, 0), k: 3 })],
    [2, 1, 0],
  );
});

test("two threads find what one finds, with fewer queries than threads too", async () => {
  const base = generate("mixture", { count: 300, dims: 12, seed: 6 });
  for (const queries of [1, 2, 7]) {
    const query = generate("mixture", { count: queries, dims: 12, seed: 6, stream: 1 });
    const search: ExactSearch = { metric: "cosine", dims: 12, base, query, k: 20 };
    assert.deepEqual(await searchInThreads(search), exactNearest(search));
  }
});

test("an answer is kept, read again, and made again when its file is damaged or its rows differ", async (context) => {
  const directory = join(tmpdir(), "millrace-vector-data");
  const name = `test-${process.pid}-exact`;
  const files = () => readdirSync(directory).filter((file) => file.startsWith(name));
  context.after(() => {
    for (const file of files()) rmSync(join(directory, file));
  });
  const base = generate("uniform", { count: 120, dims: 8, seed: 1 });
  const search: ExactSearch = { metric: "l2", dims: 8, base, query: base.slice(0, 16), k: 100 };
  const truth = await findTruth(name, search);
  const [file = ""] = files();
  const path = join(directory, file);
  const swapped = truth.toReversed();
  writeFileSync(path, swapped);
  assert.deepEqual(await findTruth(name, search), swapped, "the file is read");
  for (const damaged of [
    Buffer.from(truth.buffer).subarray(4),
    Buffer.from(truth.buffer).subarray(1),
    Buffer.alloc(800, 0x7f),
  ]) {
    writeFileSync(path, damaged);
    assert.deepEqual(await findTruth(name, search), truth);
    assert.deepEqual(readFileSync(path), Buffer.from(truth.buffer));
  }
  const other = base.slice();
  other[5] = 0.25;
  await findTruth(name, { ...search, base: other });
  assert.equal(files().length, 2);
});

test("what cannot be made is not kept", async () => {
  const key = `test-fails-${process.pid}.f32`;
  const entry = { key, create: (bytes: ArrayBuffer) => new Float32Array(bytes), isValid: () => true };
  const fails = cacheNumbers({ ...entry, make: () => Promise.reject(new RangeError("no")) });
  await assert.rejects(fails, RangeError);
  const path = join(tmpdir(), "millrace-vector-data", key);
  assert.throws(() => readFileSync(path), { code: "ENOENT" });
});
