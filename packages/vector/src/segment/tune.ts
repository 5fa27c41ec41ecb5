import { EFFORTS } from "../limits.ts";
import { bytesPerRow } from "./layout.ts";
import type { Measurement } from "./measurement.ts";
import type { Question } from "./question.ts";
import { effortFor, keepGraph, RecallTally } from "./recall-tally.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION, type Navigation, type SegmentEngine } from "./segment-engine.ts";

/** Share of the true nearest within so many best by signs at which signs are trusted to navigate. */
const SIGNS_REACH = 0.97;
const SIGNS_WITHIN = 96;
/** Share of the error allowed that made-up questions are to leave, because users' may be harder. */
const MARGIN = 0.4;
/** By how much the widest beam may miss a recall on them and still be tried: a scan of all is 10 times slower at 100,000 rows. */
const MISSABLE = 0.05;
/** Share of the true nearest that bytes alone find, below which low bytes are looked at and kept; higher where they cost little. */
const BYTES_REACH = 0.985;
const CHEAP_BYTES_REACH = 0.998;
/**
 * Share of the true nearest that bytes alone find, of so many rows or more, from which on rows to come keep no low bytes. Steps of a
 * byte mix up neighbours as near to each other as they are: 32 times the rows lie 1.4 times as near in ten dimensions that matter.
 */
const LOW_SKIPPED = { reach: 0.99, rowsMin: 4_096 } as const;
/** Bytes of low bytes, as a share of all others, up to which they are cheap. */
const CHEAP_SHARE = 0.5;

/** Chooses what a scan goes by and how deep it looks: signs where some depth of them reaches 0.95, else bytes. */
export function* tuneScan(
  segment: Segment,
  engine: SegmentEngine,
  questions: readonly Question[],
): Measurement<undefined> {
  const tally = yield* tallyScan(segment, engine, questions);
  tally.keepScan(segment, MARGIN);
  segment.setState("scanBy", effortFor(segment, "scanEfforts", 0.95) > 0 ? NAVIGATION.signs : NAVIGATION.bytes);
}

/** Whether a graph may be built and walked by signs: on tight clusters and few dimensions they tell too little apart. */
export function* chooseNavigation(
  segment: Segment,
  engine: SegmentEngine,
  questions: readonly Question[],
): Measurement<Navigation> {
  const tally = yield* tallyScan(segment, engine, questions);
  const reach = tally.scanRecalls[EFFORTS.indexOf(SIGNS_WITHIN)] ?? 0;
  return reach >= SIGNS_REACH ? NAVIGATION.signs : NAVIGATION.bytes;
}

function* tallyScan(segment: Segment, engine: SegmentEngine, questions: readonly Question[]): Measurement<RecallTally> {
  const tally = new RecallTally();
  for (const question of questions) yield* tally.addingScan(segment, engine, question);
  return tally;
}

/**
 * Finds the beam widths of the graph for each recall, of ten neighbours and of few, that serve both questions of new rows and made-up
 * ones; returns the recall of the widest.
 */
export function* tuneGraph(
  segment: Segment,
  engine: SegmentEngine,
  questions: readonly Question[],
): Measurement<number> {
  const [fromNew, madeUp] = [new RecallTally(), new RecallTally()];
  for (const question of questions) {
    yield* (question.isNew ? fromNew : madeUp).addingGraph(segment, engine, question);
  }
  const asked = [fromNew, madeUp].filter(({ graphAsked }) => graphAsked > 0);
  keepGraph(
    segment,
    asked.map((tally) => tally.graphWidths(MARGIN, MISSABLE)),
  );
  return asked.reduce((sum, { bestGraphRecall }) => sum + bestGraphRecall, 0) / asked.length;
}

/**
 * Tells whether low bytes change who is found among the nearest, as where clusters are tighter than a step of one byte. Where they
 * clearly do not, rows to come keep none.
 */
export function tuneLow(segment: Segment, questions: readonly Question[]): void {
  if (!segment.shape.hasLow) return;
  const wanted = questions.reduce((sum, { truth }) => sum + truth.rows.length, 0);
  const found = questions.reduce(
    (sum, { truth, coarse }) => sum + truth.rows.filter((row) => coarse.rows.includes(row)).length,
    0,
  );
  const { stride } = segment.layout;
  const isCheap = stride < CHEAP_SHARE * (bytesPerRow(segment.shape) - stride);
  segment.setState("usesLow", found < wanted * (isCheap ? CHEAP_BYTES_REACH : BYTES_REACH) ? 1 : 0);
  segment.setState("lowMeasuredAt", segment.rows);
  const isSkipped = !isCheap && segment.rows >= LOW_SKIPPED.rowsMin && found >= wanted * LOW_SKIPPED.reach;
  if (!isSkipped) segment.setState("lowRows", 0);
  else if (segment.state("lowRows") === 0) segment.setState("lowRows", segment.rows);
}
