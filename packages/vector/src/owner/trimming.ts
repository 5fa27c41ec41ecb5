import { isGraphDue } from "../segment/demand.ts";
import type { Segment } from "../segment/segment.ts";
import { NAVIGATION } from "../segment/segment-engine.ts";
import { Trim } from "../segment/trim.ts";
import type { Held, SegmentSet } from "./segment-set.ts";

/** Bytes copied in one part: half a millisecond, most of it first touches of memory (measured). */
const PART_BYTES = 512 * 1_024;
/** Share of a segment's bytes that low bytes must be for a copy without them to be worth it. */
const SHARE_MIN = 1 / 8;

/** Gives segments that take no more rows memory without the low bytes that turned out not to matter, one at a time, in parts. */
export class Trimming {
  readonly #set: SegmentSet;
  #held: Held | undefined;
  #trim: Trim | undefined;

  constructor(set: SegmentSet) {
    this.#set = set;
  }

  get isBusy(): boolean {
    return this.#trim !== undefined;
  }

  isAt(held: Held): boolean {
    return this.#held === held;
  }

  /** Begins with a segment that nobody else builds or adds to. */
  begin(held: Held): void {
    this.#held = held;
    this.#trim = new Trim(held.segment, false);
  }

  /** Copies a part; after the last the new segment, in the place of the old. */
  step(): Held | undefined {
    const [held, trim] = [this.#held, this.#trim];
    if (!held || !trim || trim.step(PART_BYTES)) return undefined;
    this.drop();
    return this.#set.replace(held, trim.finish());
  }

  /** Leaves off: the segment stays as it is. */
  drop(): void {
    this.#held = undefined;
    this.#trim = undefined;
  }
}

/** Whether a segment takes no more rows, and carries enough low bytes that do not matter for a copy without them. */
export function isTrimDue(segment: Segment, isDemanded: boolean): boolean {
  if (segment.state("usesLow") === 1 || !isLowALoad(segment)) return false;
  if (segment.state("isSettled") === 1) return true;
  // Scanned until a graph is asked for, which begins on the copy.
  const isScanned = isDemanded && segment.navigation === NAVIGATION.none && !isGraphDue(segment);
  return isScanned && segment.isFull && segment.state("lowMeasuredAt") > 0;
}

/** Whether low bytes are a good part of a segment's. */
export function isLowALoad(segment: Segment): boolean {
  return segment.lowRows * segment.layout.stride > segment.bytes * SHARE_MIN;
}
