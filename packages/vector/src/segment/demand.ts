/** Graphs on demand: rent or buy. A segment is scanned until scans have cost as much as its graph would; never more than twice the best. */
import type { Segment } from "./segment.ts";
import { BY_BOTH, NAVIGATION } from "./segment-engine.ts";

/**
 * What looking at a row costs, in looks at its signs: 9, 55 and 230 ns at 768 dimensions (measured). A graph by bytes is built only
 * where signs fail, and costs five times as much to build.
 */
export const SCAN_WORK = { signs: 1, bytes: 6, both: 25 } as const;
/** What linking a row costs, in the same measure: 1,600 to 3,200 at 768 dimensions (measured). */
export const LINK_WORK = { signs: 2_048, bytes: 12_288 } as const;
/** What measuring a scan costs a row: 24 to 48 questions, each a scan by bytes and one by signs. */
export const MEASURE_WORK = 256;
/** The count stops here, far above what any segment's graph costs, so that it never overflows. */
const SCANNED_MAX = 2 ** 30 * 1.5;

/** Notes that a search has looked at `rows` rows of a segment because it has no graph. Any thread. */
export function noteScan(segment: Segment, by: number, rows: number): void {
  if (segment.state("scanned") > SCANNED_MAX) return;
  const work = by === NAVIGATION.signs ? SCAN_WORK.signs : by === BY_BOTH ? SCAN_WORK.both : SCAN_WORK.bytes;
  segment.addState("scanned", Math.ceil(rows) * work);
}

/** Whether searches have paid for measuring how the segment is best scanned. */
export function isMeasuringPaid(segment: Segment): boolean {
  return segment.state("scanned") >= segment.rows * MEASURE_WORK;
}

/** Whether a segment that has no graph should get one: searches have paid for it, or the index wants it. */
export function isGraphDue(segment: Segment): boolean {
  if (segment.state("isWanted") === 1) return true;
  const isMeasured = segment.state("scanMeasuredAt") > 0;
  const isHard = segment.state("isHard") === 1 || (isMeasured && segment.state("scanBy") === NAVIGATION.bytes);
  return segment.state("scanned") >= Math.min(SCANNED_MAX, segment.rows * (isHard ? LINK_WORK.bytes : LINK_WORK.signs));
}
