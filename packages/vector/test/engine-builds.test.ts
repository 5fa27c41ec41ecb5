import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import fc from "fast-check";
import {
  bestBuild,
  ENGINE_BUILDS,
  type EngineBuild,
  engineModule,
  isBuildSupported,
} from "../src/kernels/engine-module.ts";
import { METRICS, type Metric } from "../src/metric.ts";
import { layoutOf, WORD, writeHeader } from "../src/segment/layout.ts";
import { NAVIGATION, SegmentEngine } from "../src/segment/segment-engine.ts";
import { writeTransform } from "../src/segment/transform.ts";
import { DISTRIBUTIONS, type Distribution } from "./vectors.ts";

type Case = {
  readonly dims: number;
  readonly metric: Metric;
  readonly hasLow: boolean;
  readonly isRotated: boolean;
  readonly distribution: Distribution;
  readonly seed: number;
};

const ROWS = 60;

/** What one build leaves: the segment's memory without scratch space, and what searches by queries and rows returned. */
type Trace = { readonly memory: Uint8Array; readonly results: readonly number[] };

function traceOf(build: EngineBuild, { dims, metric, hasLow, isRotated, distribution, seed }: Case): Trace {
  const shape = { dims, metric, capacity: 128, hasLow };
  const layout = layoutOf(shape);
  const memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared: true });
  const words = new Uint32Array(memory.buffer);
  writeHeader(words, shape, layout);
  words[WORD.usesLow] = hasLow ? 1 : 0;
  const rng = createRng(seed);
  const vector = () => DISTRIBUTIONS[distribution](rng, dims);
  writeTransform(memory, layout, { mean: vector().map((value) => value / 4), isRotated });
  const engine = new SegmentEngine(memory, 0, build);
  const { exports } = engine;
  exports.setDegree(4);
  for (let row = 0; row < ROWS; row++) {
    engine.input.set(row === 7 ? new Float32Array(dims) : vector());
    exports.append(1_000 + row);
  }
  const results: number[] = [];
  const search = (navigation: 1 | 2) => {
    for (let walked = 0; walked < 2; walked++) {
      exports.begin();
      if (walked) exports.searchGraph(16, navigation, ROWS, 0);
      else exports.scan(0, ROWS, 16, navigation, 0, 0);
      const found = exports.finish(10, 0);
      for (let at = 0; at < found; at++) results.push(engine.foundRow(at), engine.foundScore(at));
    }
  };
  for (const navigation of [NAVIGATION.signs, NAVIGATION.bytes]) {
    exports.resetGraph();
    exports.linkMany(ROWS, 16, navigation);
    for (let query = 0; query < 4; query++) {
      engine.input.set(vector());
      exports.prepareQuery();
      search(navigation);
      exports.prepareRow(query);
      search(navigation);
    }
  }
  exports.decodeRow(3);
  results.push(...engine.input, exports.inputSquares());
  return { memory: new Uint8Array(memory.buffer, 0, layout.scratchAt).slice(), results };
}

const cases: fc.Arbitrary<Case> = fc.record({
  dims: fc.oneof(fc.integer({ min: 2, max: 130 }), fc.constantFrom(384, 768, 1_000)),
  metric: fc.constantFrom(...METRICS),
  hasLow: fc.boolean(),
  isRotated: fc.boolean(),
  distribution: fc.constantFrom(...(Object.keys(DISTRIBUTIONS) as Distribution[])),
  seed: fc.nat(),
});

for (const build of ["relaxed", "simd"] as const) {
  test(`the ${build} build leaves the bytes and returns the results of the scalar one`, () => {
    fc.assert(
      fc.property(cases, (input) => {
        const found = traceOf(build, input);
        const expected = traceOf("scalar", input);
        assert.deepEqual(found.results, expected.results);
        assert.equal(Buffer.compare(found.memory, expected.memory), 0);
        assert.ok(expected.results.length > 100);
      }),
      { numRuns: 40 },
    );
  });
}

/** A segment of one build, with rows of its own. */
function filled(build: EngineBuild, hasLow: boolean, isRotated: boolean) {
  const dims = 200;
  const shape = { dims, metric: "dot" as const, capacity: 128, hasLow };
  const layout = layoutOf(shape);
  const memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared: true });
  const words = new Uint32Array(memory.buffer);
  writeHeader(words, shape, layout);
  words[WORD.usesLow] = hasLow ? 1 : 0;
  const rng = createRng(5);
  const vector = () => DISTRIBUTIONS.uniform(rng, dims);
  writeTransform(memory, layout, { mean: vector(), isRotated });
  const engine = new SegmentEngine(memory, 0, build);
  const rows = Array.from({ length: 8 }, vector);
  for (const [id, row] of rows.entries()) {
    engine.input.set(row);
    engine.exports.append(id);
  }
  return { engine, rows };
}

for (const build of ENGINE_BUILDS) {
  test(`${build}: a row decodes to its vector within half a step of its bytes`, () => {
    for (const [hasLow, bound] of [
      [false, 2 / 254],
      [true, 2 / 254 / 254],
    ] as const) {
      for (const isRotated of [false, true]) {
        const { engine, rows } = filled(build, hasLow, isRotated);
        for (const [id, row] of rows.entries()) {
          engine.exports.decodeRow(id);
          const worst = Math.max(...row.map((value, at) => Math.abs(value - (engine.input[at] ?? 0))));
          // A step is the largest number after centring, below 2 here, / 127; a rotation spreads 200 errors of half a step.
          assert.ok(worst <= bound * (isRotated ? 4 : 1) + 1e-6, `${worst} with low ${hasLow}, rotated ${isRotated}`);
        }
      }
    }
  });

  test(`${build}: scores of vectors and rows are near to the inner products, nearer with low bytes`, () => {
    for (const [hasLow, bound] of [
      [false, 0.3],
      [true, 0.002],
    ] as const) {
      const { engine, rows } = filled(build, hasLow, true);
      const expectScores = (query: Float32Array) => {
        engine.exports.begin();
        engine.exports.scan(0, rows.length, rows.length, NAVIGATION.bytes, 0, 0);
        assert.equal(engine.exports.finish(rows.length, 0), rows.length);
        for (let at = 0; at < rows.length; at++) {
          const row = rows[engine.foundRow(at)] ?? query;
          const exact = query.reduce((sum, value, i) => sum + value * (row[i] ?? 0), 0);
          assert.ok(Math.abs(engine.foundScore(at) - exact) < bound, `${engine.foundScore(at)} for ${exact}`);
        }
      };
      for (const [id, query] of rows.entries()) {
        engine.input.set(query);
        engine.exports.prepareQuery();
        expectScores(query);
        engine.exports.prepareRow(id);
        expectScores(query);
      }
    }
  });
}

test("this runtime has all builds and takes the fastest", () => {
  assert.deepEqual(ENGINE_BUILDS.filter(isBuildSupported), ["relaxed", "simd", "scalar"]);
  assert.equal(bestBuild(), "relaxed");
  assert.equal(engineModule("simd"), engineModule("simd"));
});
