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
/** By how much a rotation must find more of the true neighbours to be worth its time. */
const ROTATION_GAIN = 0.02;

/**
 * The mean of the last `count` rows that are alive, as the segment sees them (unit length for cosine), without those that lie so far
 * off that they would drag it away from all others. O(count × dims).
 */
export function meanOf(segment: Segment, engine: SegmentEngine, count: number): Float32Array {
  const rows: number[] = [];
  for (let row = segment.rows - 1; row >= 0 && rows.length < count; row--) if (segment.isAlive(row)) rows.push(row);
  const lengths = Float64Array.from(rows, (row) => segment.lengthOf(row)).sort();
  const most = OUTLIER * (lengths[lengths.length >> 1] ?? 0);
  const sums = new Float64Array(segment.shape.dims);
  let counted = 0;
  for (const row of rows) {
    if (most > 0 && segment.lengthOf(row) > most) continue;
    engine.exports.decodeRow(row);
    const { input } = engine;
    for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + (input[at] ?? 0);
    counted++;
  }
  return Float32Array.from(sums, (sum) => (counted === 0 ? 0 : sum / counted));
}

/**
 * How rows like those of `segment` are best coded: about their mean, and rotated if that brings clearly more of the true
 * neighbours among the best by signs. `make` gives an empty segment with a transform.
 */
export function learnTransform(
  segment: Segment,
  engine: SegmentEngine,
  make: (transform: Transform) => { readonly segment: Segment; readonly engine: SegmentEngine },
): Transform {
  const mean = meanOf(segment, engine, segment.rows);
  const reachOf = (isRotated: boolean): number => {
    const trial = make({ mean, isRotated });
    recode({ segment, engine }, trial, TRIED);
    return signReach(trial.segment, trial.engine);
  };
  const plain = reachOf(false);
  if (plain > 1 - ROTATION_GAIN) return { mean, isRotated: false };
  return { mean, isRotated: reachOf(true) > plain + ROTATION_GAIN };
}

/** Appends the first `count` rows of one segment that are alive to another, with their ids. */
function recode(
  from: { readonly segment: Segment; readonly engine: SegmentEngine },
  to: { readonly engine: SegmentEngine },
  count: number,
): void {
  const { segment, engine } = from;
  for (let row = 0; row < Math.min(count, segment.rows); row++) {
    if (!segment.isAlive(row)) continue;
    engine.exports.decodeRow(row);
    to.engine.input.set(engine.input);
    to.engine.exports.append(segment.idOf(row));
  }
}

/** Share of the true nearest that is among the best by signs. */
function signReach(segment: Segment, engine: SegmentEngine): number {
  let hits = 0;
  for (let at = 0; at < ASKED; at++) {
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
