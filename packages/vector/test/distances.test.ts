import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, type Rng, randomBelow } from "@millrace/core";
import fc from "fast-check";
import type { CodesArray, CodesKind, MeasureOf } from "../src/distances/codes.ts";
import {
  bestDistanceBuild,
  createDistances,
  DISTANCE_BUILDS,
  type DistanceBuild,
  type DistancesOptions,
  isDistanceBuildSupported,
} from "../src/distances/distances.ts";
import { scalarDot } from "../src/distances/scalar.ts";
import { DISTRIBUTIONS, type Distribution } from "./vectors.ts";

const WASM_BUILDS = ["relaxed", "simd"] as const;
const ROWS = 9;

/** Of rows and a query, the distances by one build: all, some by a list, and of one pair. */
function distancesOf<Kind extends CodesKind>(
  options: DistancesOptions<Kind>,
  measure: MeasureOf<Kind>,
  vectors: readonly CodesArray<Kind>[],
): number[] {
  const distances = createDistances({ ...options, rows: vectors.length });
  for (const [row, vector] of vectors.entries()) distances.setRows(row, vector);
  const [query, other] = vectors;
  assert.ok(query && other);
  const all = distances.measure(measure, query);
  assert.equal(all.length, vectors.length);
  assert.deepEqual(
    distances.measure(measure, query, { from: 2, to: 5 }),
    all.slice(2, 5),
    "a range gives what all rows give",
  );
  const list = Uint32Array.of(4, 0, 4);
  assert.deepEqual([...distances.measure(measure, query, { list })], [all[4], all[0], all[4]]);
  assert.equal(distances.between(measure, query, other), all[1]);
  assert.deepEqual(distances.measure(measure, query), all, "measuring one pair disturbs no row");
  return [...all];
}

/** Dimensions around the widths of registers, and those of models. */
const anyDims = fc.oneof(fc.integer({ min: 1, max: 140 }), fc.constantFrom(384, 767, 1_536));

for (const build of WASM_BUILDS) {
  test(`${build}: distances of bytes are exactly those of the scalar twin`, () => {
    const cases = fc.record({
      dims: anyDims,
      seed: fc.nat(),
      extreme: fc.boolean(),
      measure: fc.constantFrom("dot" as const, "l2Squared" as const, "cosine" as const),
    });
    fc.assert(
      fc.property(cases, ({ dims, seed, extreme, measure }) => {
        const rng = createRng(seed);
        const vectors = Array.from({ length: ROWS }, (_, row) => bytes(rng, dims, { extreme, zero: row === 3 }));
        const options = { dims, codes: "i8" } as const;
        assert.deepEqual(
          distancesOf({ ...options, build }, measure, vectors),
          distancesOf({ ...options, build: "scalar" }, measure, vectors),
        );
      }),
      { numRuns: 100 },
    );
  });

  test(`${build}: differing bits are exactly those of the scalar twin, whatever lies past the last bit`, () => {
    fc.assert(
      fc.property(fc.record({ dims: anyDims, seed: fc.nat() }), ({ dims, seed }) => {
        const rng = createRng(seed);
        const length = Math.ceil(dims / 8);
        const vectors = Array.from({ length: ROWS }, () => Uint8Array.from({ length }, () => randomBelow(rng, 256)));
        const options = { dims, codes: "bits" } as const;
        const found = distancesOf({ ...options, build }, "hamming", vectors);
        assert.deepEqual(found, distancesOf({ ...options, build: "scalar" }, "hamming", vectors));
        assert.deepEqual(
          found,
          vectors.map((vector) => differing(vectors[0], vector, dims)),
        );
      }),
      { numRuns: 60 },
    );
  });

  test(`${build}: levels against bits give exactly the sums of the scalar twin`, () => {
    fc.assert(
      fc.property(fc.record({ dims: anyDims, seed: fc.nat() }), ({ dims, seed }) => {
        const rng = createRng(seed);
        const rows = Uint8Array.from({ length: Math.ceil(dims / 8) * ROWS }, () => randomBelow(rng, 256));
        const levels = Uint8Array.from({ length: dims }, () => randomBelow(rng, 16));
        const bits = rows.subarray(0, Math.ceil(dims / 8));
        const extremes = Uint8Array.from({ length: dims }, (_, at) => (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) * 15);
        const [found, expected] = [build, "scalar" as const].map((name) => {
          const distances = createDistances({ dims, codes: "bits", rows: ROWS, build: name });
          distances.setRows(0, rows);
          const sums = [...distances.measure("levels", levels), distances.between("levels", levels, bits)];
          const hamming = distances.measure("hamming", bits);
          assert.deepEqual(
            distances.measure("levels", extremes),
            hamming.map((count) => count * 15),
          );
          return sums;
        });
        assert.deepEqual(found, expected);
      }),
      { numRuns: 60 },
    );
  });

  test(`${build}: distances of f32 are within 1e-5 of the magnitudes summed`, () => {
    const cases = fc.record({
      dims: anyDims,
      seed: fc.nat(),
      scale: fc.constantFrom(1, 1e-12, 1e15),
      distribution: fc.constantFrom(...(Object.keys(DISTRIBUTIONS) as Distribution[])),
      measure: fc.constantFrom("dot" as const, "l2Squared" as const, "cosine" as const),
    });
    fc.assert(
      fc.property(cases, ({ dims, seed, scale, distribution, measure }) => {
        const rng = createRng(seed);
        const vectors = Array.from({ length: ROWS }, (_, row) =>
          DISTRIBUTIONS[distribution](rng, dims).map((value) => (row === 3 ? 0 : value * scale)),
        );
        const options = { dims, codes: "f32" } as const;
        const found = distancesOf({ ...options, build }, measure, vectors);
        const expected = distancesOf({ ...options, build: "scalar" }, measure, vectors);
        for (const [row, value] of found.entries()) {
          const bound = boundOf(measure, vectors[0], vectors[row]);
          assert.ok(Math.abs(value - (expected[row] ?? 0)) <= bound, `row ${row}: ${value} for ${expected[row]}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  test(`${build}: the widest bytes at the largest numbers do not overflow`, () => {
    const dims = 16_384;
    const distances = createDistances({ dims, codes: "i8", rows: 2, build });
    const most = new Int8Array(dims).fill(127);
    const least = new Int8Array(dims).fill(-127);
    distances.setRows(0, most);
    distances.setRows(1, least);
    assert.deepEqual([...distances.measure("dot", least)], [-264_257_536, 264_257_536]);
    assert.deepEqual([...distances.measure("l2Squared", least)], [1_057_030_144, 0]);
    assert.deepEqual([...distances.measure("cosine", most)], [1, -1]);
  });
}

for (const build of DISTANCE_BUILDS) {
  test(`${build}: a zero vector has cosine 0, also with itself`, () => {
    const zero = new Float32Array(5);
    const one = Float32Array.of(1, 2, 3, 4, 5);
    const distances = createDistances({ dims: 5, codes: "f32", build });
    assert.equal(distances.between("cosine", zero, one), 0);
    assert.equal(distances.between("cosine", zero, zero), 0);
    assert.equal(distances.between("cosine", one, zero), 0);
    assert.equal(
      distances.between(
        "cosine",
        one.map((value) => value * 1e-18),
        one,
      ),
      0,
      "too short for a direction",
    );
    assert.ok(Math.abs(distances.between("cosine", one, one) - 1) < 1e-6);
    const bytes = createDistances({ dims: 5, codes: "i8", build });
    assert.equal(bytes.between("cosine", new Int8Array(5), Int8Array.of(1, 2, 3, 4, 5)), 0);
    assert.deepEqual([...bytes.measure("cosine", Int8Array.of(1, 2, 3, 4, 5))], [0], "a row never written is zero");
  });

  test(`${build}: more rows than one call measures come out in order`, () => {
    const rows = 9_000;
    const distances = createDistances({ dims: 3, codes: "f32", rows, build });
    distances.setRows(
      0,
      Float32Array.from({ length: rows * 3 }, (_, at) => (at % 3 === 0 ? at / 3 : 1)),
    );
    const query = Float32Array.of(1, 0, 0);
    const found = distances.measure("dot", query);
    assert.ok(found.every((value, row) => value === row));
    const list = Uint32Array.from({ length: 20_000 }, (_, at) => (at * 7) % rows);
    const out = new Float32Array(20_001).fill(-1);
    assert.equal(distances.measure("dot", query, { list, out }), out);
    assert.ok(list.every((row, at) => out[at] === row));
    assert.equal(out[20_000], -1);
  });

  test(`${build}: bad input is refused with its limit, and writes nothing`, () => {
    const distances = createDistances({ dims: 4, codes: "i8", rows: 2, build });
    const refuses = (code: string, pattern: RegExp, call: () => unknown) =>
      assert.throws(
        call,
        (error) => error instanceof MillraceError && error.code === code && pattern.test(error.message),
      );
    refuses("invalid_argument", /vectors\[1\] holds -128/, () =>
      distances.setRows(0, Int8Array.of(1, 1, 1, 1, 0, 0, -128, 0)),
    );
    assert.deepEqual([...distances.measure("dot", Int8Array.of(1, 1, 1, 1))], [0, 0]);
    refuses("dimension_mismatch", /whole vectors of 4/, () => distances.setRows(0, new Int8Array(5)));
    refuses("dimension_mismatch", /query has 3 elements/, () => distances.measure("dot", new Int8Array(3)));
    refuses("invalid_argument", /room for 2/, () => distances.setRows(0, new Int8Array(12)));
    refuses("invalid_argument", /first is 2; .* 0 to 1/, () => distances.setRows(2, new Int8Array(4)));
    refuses("invalid_argument", /take Int8Array/, () => distances.setRows(0, new Float32Array(4) as never));
    refuses("invalid_argument", /use one of dot, l2Squared, cosine/, () =>
      distances.measure("hamming" as never, new Int8Array(4)),
    );
    refuses("invalid_argument", /list\[1\] is 2; rows are 0 to 1/, () =>
      distances.measure("dot", new Int8Array(4), { list: Uint32Array.of(1, 2) }),
    );
    refuses("invalid_argument", /to is 3/, () => distances.measure("dot", new Int8Array(4), { to: 3 }));
    refuses("invalid_argument", /out has room for 1 distances; 2 rows/, () =>
      distances.measure("dot", new Int8Array(4), { out: new Float32Array(1) }),
    );
    const bits = createDistances({ dims: 2, codes: "bits", build });
    refuses("invalid_argument", /query\[1\] is 16; levels are 0 to 15/, () =>
      bits.measure("levels", Uint8Array.of(15, 16)),
    );
    refuses("dimension_mismatch", /query has 1 elements; .* 2/, () => bits.measure("levels", Uint8Array.of(1)));
    const floats = createDistances({ dims: 2, codes: "f32", build });
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 2e18]) {
      refuses("invalid_argument", /query has length/, () => floats.measure("dot", Float32Array.of(0, wrong)));
    }
  });
}

test("options are checked", () => {
  const refuses = (pattern: RegExp, options: object) =>
    assert.throws(
      () => createDistances(options as never),
      (error) => error instanceof MillraceError && pattern.test(error.message),
    );
  refuses(/dims is 0/, { dims: 0, codes: "f32" });
  refuses(/dims is 16385/, { dims: 16_385, codes: "f32" });
  refuses(/codes is "f64"; use one of f32, i8, bits/, { dims: 4, codes: "f64" });
  refuses(/build is "fast"; use one of relaxed, simd, scalar/, { dims: 4, codes: "f32", build: "fast" });
  refuses(/rows is 20000000; it must be a whole number from 1 to \d+/, { dims: 768, codes: "f32", rows: 20_000_000 });
});

test("this runtime has all builds and takes the fastest", () => {
  assert.deepEqual(DISTANCE_BUILDS.filter(isDistanceBuildSupported), ["relaxed", "simd", "scalar"]);
  assert.equal(bestDistanceBuild(), "relaxed" satisfies DistanceBuild);
});

function bytes(rng: Rng, dims: number, { extreme, zero }: { extreme: boolean; zero: boolean }): Int8Array {
  if (zero) return new Int8Array(dims);
  return Int8Array.from({ length: dims }, () => (extreme ? (rng() < 0.5 ? 127 : -127) : randomBelow(rng, 255) - 127));
}

/** Bit by bit. */
function differing(a: Uint8Array | undefined, b: Uint8Array, dims: number): number {
  let count = 0;
  for (let bit = 0; bit < dims; bit++) {
    const at = bit >> 3;
    if ((((a?.[at] ?? 0) ^ (b[at] ?? 0)) >> (bit & 7)) & 1) count++;
  }
  return count;
}

/** 1e-5 of the sum of the terms' magnitudes, and what vanishes below the least normal f32. */
function boundOf(measure: MeasureOf<"f32">, a = new Float32Array(), b = new Float32Array()): number {
  if (measure === "cosine") return 1e-5;
  const terms =
    measure === "dot"
      ? a.map((value, at) => Math.abs(value * (b[at] ?? 0)))
      : a.map((value, at) => (value - (b[at] ?? 0)) ** 2);
  return 1e-5 * scalarDot(terms, new Float32Array(terms.length).fill(1)) + a.length * 1.2e-38;
}
