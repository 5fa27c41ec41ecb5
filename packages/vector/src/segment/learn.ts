import type { Measurement } from "./measurement.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION, type SegmentEngine } from "./segment-engine.ts";
import type { Transform } from "./transform.ts";

/** Rows coded both ways. */
const TRIED = 512;
/** Rows asked for their neighbours to compare two ways of coding. */
const ASKED = 32;
const NEIGHBOURS = 10;
/** Beam within which the true neighbours are looked for. */
const WITHIN = 40;
/** Rows so many times as far from the mean as the median are left out of the next. */
const OUTLIER = 4;
/** Rows that one part of the work takes. */
const PART_ROWS = 64;
/** Rows asked in one part. */
const PART_ASKED = 8;
/** By how much a rotation must find more of the true neighbours to be worth its time. */
const ROTATION_GAIN = 0.02;

/**
 * The mean of the last `count` rows that are alive, as the segment sees them (unit length for cosine), without those that lie so far
 * off that they would drag it away from all others. O(count × dims).
 */
export function* meaning(segment: Segment, engine: SegmentEngine, count: number): Measurement<Float32Array> {
  const rows: number[] = [];
  for (let row = segment.rows - 1; row >= 0 && rows.length < count; row--) if (segment.isAlive(row)) rows.push(row);
  const lengths = Float64Array.from(rows, (row) => segment.lengthOf(row)).sort();
  yield;
  const most = OUTLIER * (lengths[lengths.length >> 1] ?? 0);
  const sums = new Float64Array(segment.shape.dims);
  let counted = 0;
  for (const [at, row] of rows.entries()) {
    if (at % PART_ROWS === PART_ROWS - 1) yield;
    if (most > 0 && segment.lengthOf(row) > most) continue;
    engine.exports.decodeRow(row);
    const { input } = engine;
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (input[i] ?? 0);
    counted++;
  }
  return Float32Array.from(sums, (sum) => (counted === 0 ? 0 : sum / counted));
}

/**
 * How rows like those of `segment` are best coded: about their mean, and rotated if that brings clearly more of the true
 * neighbours among the best by signs. `make` gives an empty segment with a transform.
 */
export function* learning(
  segment: Segment,
  engine: SegmentEngine,
  make: (transform: Transform) => { readonly segment: Segment; readonly engine: SegmentEngine },
): Measurement<Transform> {
  const mean = yield* meaning(segment, engine, segment.rows);
  const reaching = function* (isRotated: boolean): Measurement<number> {
    yield;
    const trial = make({ mean, isRotated });
    yield* recoding({ segment, engine }, trial, TRIED);
    return yield* signReach(trial.segment, trial.engine);
  };
  const plain = yield* reaching(false);
  if (plain > 1 - ROTATION_GAIN) return { mean, isRotated: false };
  return { mean, isRotated: (yield* reaching(true)) > plain + ROTATION_GAIN };
}

/** Appends the first `count` rows of one segment that are alive to another, with their ids. */
function* recoding(
  from: { readonly segment: Segment; readonly engine: SegmentEngine },
  to: { readonly engine: SegmentEngine },
  count: number,
): Measurement<undefined> {
  const { segment, engine } = from;
  for (let row = 0; row < Math.min(count, segment.rows); row++) {
    if (row % PART_ROWS === PART_ROWS - 1) yield;
    if (!segment.isAlive(row)) continue;
    engine.exports.decodeRow(row);
    to.engine.input.set(engine.input);
    to.engine.exports.append(segment.idOf(row));
  }
}

/** Share of the true nearest that is among the best by signs. */
function* signReach(segment: Segment, engine: SegmentEngine): Measurement<number> {
  let hits = 0;
  for (let at = 0; at < ASKED; at++) {
    if (at % PART_ASKED === PART_ASKED - 1) yield;
    const row = Math.floor(((at + 0.5) * segment.rows) / ASKED);
    engine.exports.prepareRow(row);
    const [truth, found] = [NAVIGATION.bytes, NAVIGATION.signs].map((navigation) => {
      engine.exports.begin();
      engine.exports.scan(0, segment.rows, WITHIN, navigation, 0, 0);
      const count = engine.exports.finish(NEIGHBOURS, 0);
      return Array.from({ length: count }, (_, place) => engine.foundRow(place));
    });
    hits += found?.filter((one) => truth?.includes(one)).length ?? 0;
  }
  return hits / (ASKED * NEIGHBOURS);
}
