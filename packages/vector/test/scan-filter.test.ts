/**
 * A scan by signs passes over rows that their signs alone show to be far. A beam that never fills passes over none: it is the ranking
 * to compare with.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import { METRICS } from "../src/metric.ts";
import { Segment } from "../src/segment/segment.ts";
import { NAVIGATION, type SegmentEngine } from "../src/segment/segment-engine.ts";
import { plainTransform } from "../src/segment/transform.ts";
import { gaussian } from "./data-sets.ts";
import { DISTRIBUTIONS } from "./vectors.ts";

const ROWS = 6_000;
const QUERIES = 20;
const WIDTH = 64;
const NEAREST = 10;

const SHAPES = {
  ...DISTRIBUTIONS,
  gaussian: (rng: () => number, dims: number) => Float32Array.from({ length: dims }, () => gaussian(rng)),
  shifted: (rng: () => number, dims: number) => Float32Array.from({ length: dims }, () => gaussian(rng) + 0.5),
} as const;

function ranked(engine: SegmentEngine, width: number, count: number): number[] {
  engine.exports.begin();
  const held = engine.exports.scan(0, ROWS, width, NAVIGATION.signs, 0, 0);
  return Array.from({ length: Math.min(held, count) }, (_, at) => engine.beamRow(at));
}

/** Share of the nearest, and of all that the beam would hold, that a scan with a full beam finds. */
function measure(shape: keyof typeof SHAPES, metric: (typeof METRICS)[number], dims: number) {
  const rng = createRng(dims);
  const vector = () => SHAPES[shape](rng, dims);
  const segment = Segment.create({ dims, metric, capacity: ROWS, hasLow: false }, plainTransform(dims));
  const engine = segment.engine(0, undefined);
  for (let row = 0; row < ROWS; row++) {
    engine.input.set(vector());
    engine.exports.append(row);
  }
  let [nearest, all] = [0, 0];
  for (let query = 0; query < QUERIES; query++) {
    engine.input.set(vector());
    engine.exports.prepareQuery();
    const whole = ranked(engine, ROWS, WIDTH);
    const found = new Set(ranked(engine, WIDTH, WIDTH));
    nearest += whole.slice(0, NEAREST).filter((row) => found.has(row)).length;
    all += whole.filter((row) => found.has(row)).length;
  }
  return { nearest: nearest / (QUERIES * NEAREST), all: all / (QUERIES * WIDTH) };
}

for (const metric of METRICS) {
  test(`${metric}: passing over rows by their signs alone loses next to nothing of what a scan finds`, () => {
    for (const shape of Object.keys(SHAPES) as (keyof typeof SHAPES)[]) {
      for (const dims of [64, 300]) {
        const { nearest, all } = measure(shape, metric, dims);
        assert.ok(
          nearest >= 0.97 && all >= 0.9,
          `${shape}, ${dims} dimensions: ${nearest} of the nearest, ${all} of all`,
        );
      }
    }
  });
}
