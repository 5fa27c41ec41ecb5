import { createRng, randomBelow } from "@millrace/core";
import { SAMPLES } from "../limits.ts";
import { drain, type Measurement } from "./measurement.ts";
import type { Segment } from "./segment.ts";
import { BY_BOTH, FINENESS, NAVIGATION, type SegmentEngine } from "./segment-engine.ts";

/** Neighbours that recall is measured over. */
export const NEIGHBOURS = 10;

/** The best rows for a query by one way of scoring, best first. A row that scores as `last` is as good as the last of them. */
export type Ranking = { readonly rows: readonly number[]; readonly last: number };

/**
 * A question to the first rows of a segment and its true nearest among them; `coarse`: what they would be without low bytes.
 * `isNew`: a row that is not among them asked it, as a user would; else it is made up.
 */
export type Question = {
  readonly query: Float32Array;
  /** How many rows it was put to. */
  readonly rows: number;
  readonly isNew: boolean;
  readonly truth: Ranking;
  readonly coarse: Ranking;
};

/**
 * How far a made-up question is from a row: so many times the difference of two other rows. Half of them are near, as among texts of
 * one kind; half far, as a user's question is from any document. Rows that are not linked yet ask too: a linked row is its neighbours'
 * neighbour, and too easy to answer. Either kind alone kept beams that found 0.67 to 0.82 of the truth for real questions on one of
 * five sets: made-up ones on word vectors, rows where they come in groups of near-duplicates (measured).
 */
const DISTANCES = [0.25, 0.4] as const;

/** Rows scanned in one part, by what the scan goes by; a multiple of 32. About 0.8 ms at 768 dimensions (measured). */
const PART_ROWS = { signs: 32_768, bytes: 8_192, both: 3_072 } as const;

/** Makes the query this thread's, for the segment. */
export function ask(engine: SegmentEngine, query: Float32Array): void {
  engine.input.set(query);
  engine.exports.prepareQuery();
}

/** What is asked of the first `rows` rows. */
type Asked = { readonly query: Float32Array; readonly rows: number; readonly isNew?: boolean };

/** Finds the true nearest of a query among the first `rows` rows by a scan, with low bytes where they matter. O(rows × dims). */
export function answer(segment: Segment, engine: SegmentEngine, asked: Asked): Question {
  return drain(answering(segment, engine, asked));
}

/** Fills the beam of `width` with the best of the first `rows` rows for the engine's query, part by part; returns how many. */
export function* scanning(
  engine: SegmentEngine,
  scan: { readonly rows: number; readonly width: number; readonly by: number; readonly bitmap: number },
): Measurement<number> {
  const { rows, width, by, bitmap } = scan;
  const step = by === NAVIGATION.signs ? PART_ROWS.signs : by === BY_BOTH ? PART_ROWS.both : PART_ROWS.bytes;
  engine.exports.begin();
  for (let from = 0; ; from += step) {
    const held = engine.exports.scan(from, Math.min(rows, from + step), width, by, bitmap, 0);
    if (from + step >= rows) return held;
    yield;
  }
}

function* answering(
  segment: Segment,
  engine: SegmentEngine,
  { query, rows, isNew = true }: Asked,
): Measurement<Question> {
  ask(engine, query);
  // Low bytes of every row are looked at only once a measurement has shown that they matter: four times the cost.
  const isMeasured = segment.state("scanMeasuredAt") > 0 || segment.state("graphMeasuredAt") > 0;
  const by = isMeasured ? precise(segment) : NAVIGATION.bytes;
  yield* scanning(engine, { rows, width: 2 * NEIGHBOURS + 32, by, bitmap: aliveOf(segment) });
  engine.exports.setFineness(FINENESS.coarse);
  const coarse = ranking(segment, engine);
  engine.exports.setFineness(FINENESS.fine);
  const truth = ranking(segment, engine);
  engine.exports.setFineness(FINENESS.asKept);
  return { query, rows, isNew, truth, coarse };
}

/** What a scan for the nearest goes by: where low bytes matter, more rows than a beam holds may be equal by one byte. */
export function precise(segment: Segment): number {
  return segment.shape.hasLow && segment.state("usesLow") === 1 ? BY_BOTH : NAVIGATION.bytes;
}

function ranking(segment: Segment, engine: SegmentEngine): Ranking {
  const rows = foundRows(engine, engine.exports.finish(NEIGHBOURS, aliveOf(segment)));
  return { rows, last: rows.length === 0 ? Number.NaN : engine.foundScore(rows.length - 1) };
}

/**
 * Asks the first `rows` rows: every other question by a row after them, as far as there are any, the rest made up from rows moved in
 * directions in which rows differ. O(samples × rows × dims).
 */
export function* makeQuestions(
  segment: Segment,
  engine: SegmentEngine,
  { rows, countMax = SAMPLES.most }: { readonly rows: number; readonly countMax?: number },
): Measurement<readonly Question[]> {
  const most = Math.min(SAMPLES.most, Math.max(SAMPLES.least, Math.round(SAMPLES.bytes / segment.layout.stride)));
  // A scan has only its depth to find, and one that is too deep costs little.
  const count = Math.min(countMax, segment.navigation === NAVIGATION.none ? most / 2 : most);
  const rng = createRng(rows);
  const later = segment.rows - rows;
  const questions: Question[] = [];
  for (let at = 0; at < count; at++) {
    const row = Math.floor(((at + 0.5) * rows) / count);
    const others = [randomBelow(rng, rows), randomBelow(rng, rows)] as const;
    const isNew = at % 2 === 0 && at / 2 < later;
    const distance = DISTANCES[(at >> 1) % 2] ?? 0;
    const query = isNew ? vectorOf(engine, rows + at / 2) : questionNear(engine, [row, ...others], distance);
    questions.push(yield* answering(segment, engine, { query, rows, isNew }));
    yield;
  }
  return questions;
}

/** The first `count` rows of the last `finish`. */
export function foundRows(engine: SegmentEngine, count: number): number[] {
  return Array.from({ length: count }, (_, at) => engine.foundRow(at));
}

/** Address of the bitmap of live rows; 0 while all are. */
export function aliveOf(segment: Segment): number {
  return segment.dead > 0 ? segment.layout.aliveAt : 0;
}

function questionNear(
  engine: SegmentEngine,
  [row, plus, minus]: readonly [number, number, number],
  distance: number,
): Float32Array {
  const from = vectorOf(engine, minus);
  const to = vectorOf(engine, plus);
  return vectorOf(engine, row).map((value, at) => value + distance * ((to[at] ?? 0) - (from[at] ?? 0)));
}

function vectorOf(engine: SegmentEngine, row: number): Float32Array {
  engine.exports.decodeRow(row);
  return engine.input.slice();
}
