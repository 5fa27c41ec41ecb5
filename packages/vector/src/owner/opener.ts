import type { CheckedOptions } from "../index-options.ts";
import { DEAD_ROWS_MIN, DEAD_SHARE_MAX, FIRST_ROWS, LEARNED_ROWS } from "../limits.ts";
import { learning, meaning } from "../segment/learn.ts";
import { drain, type Measurement } from "../segment/measurement.ts";
import { passScan } from "../segment/recall-tally.ts";
import { Segment } from "../segment/segment.ts";
import { NAVIGATION } from "../segment/segment-engine.ts";
import { plainTransform, readTransform, type Transform } from "../segment/transform.ts";
import type { Held } from "./segment-set.ts";

const OWNER_SLOT = 0;
/** Rows before the last at which the mean of the next segment begins to be taken. */
const FOLLOWED_AT = 4_096;

/** What a segment to be opened is like, and whether the rows of the one before are to be coded again in it. */
export type NextSegment = { readonly segment: Segment; readonly isReplacing: boolean };

/**
 * Prepares the segment after the open one, a part at a time, while the open one still takes rows: after the first LEARNED_ROWS rows
 * learns how they are best coded, later takes the mean of the latest rows, so that a drift is followed.
 */
export class Opener {
  readonly #options: CheckedOptions;
  #from: Segment | undefined;
  #preparing: Measurement<Transform> | undefined;
  #transform: Transform | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  /** Does a part of the preparation; whether there was any to do. */
  step(open: Held): boolean {
    const { segment } = open;
    if (this.#from !== segment) this.#begin(segment, undefined);
    if (this.#transform) return false;
    if (!this.#preparing) {
      if (!isTime(segment)) return false;
      this.#preparing = this.#prepare(open);
    }
    const part = this.#preparing.next();
    if (part.done) this.#begin(segment, part.value);
    return true;
  }

  /** Whether the open segment is to be followed by the next now: full, or all that was to be learned from it is. */
  isDue({ segment }: Held): boolean {
    if (segment.isFull) return true;
    return isFirst(segment) && this.#from === segment && this.#transform !== undefined;
  }

  /** The first segment of an index. */
  first(): Segment {
    return this.#create(plainTransform(this.#options.dims), FIRST_ROWS);
  }

  /** The segment after `last`; what is not prepared is done at once. */
  next(last: Held): NextSegment {
    const { segment } = last;
    // Most were removed again, and what is learned stays.
    if (isFirst(segment) && !isLearnable(segment)) return { segment: this.first(), isReplacing: true };
    const known = this.#from === segment ? this.#transform : undefined;
    const transform = known ?? drain((this.#from === segment && this.#preparing) || this.#prepare(last));
    const next = this.#create(transform, this.#options.segmentRows);
    next.setState("isLearned", 1);
    next.setState("isHard", segment.navigation === NAVIGATION.bytes ? 1 : 0);
    // Its rows are like those before: until searches have paid for measuring them, what served there serves here.
    if (!isFirst(segment)) passScan(segment, next);
    this.#begin(undefined, undefined);
    return { segment: next, isReplacing: isSparse(segment) || isFirst(segment) };
  }

  #begin(from: Segment | undefined, transform: Transform | undefined): void {
    this.#from = from;
    this.#preparing = undefined;
    this.#transform = transform;
  }

  #prepare(held: Held): Measurement<Transform> {
    return isFirst(held.segment) ? this.#learn(held) : this.#follow(held);
  }

  #learn({ segment, engine }: Held): Measurement<Transform> {
    const { dims, metric, build } = this.#options;
    return learning(segment, engine, (transform) => {
      const trial = Segment.create({ dims, metric, capacity: LEARNED_ROWS, hasLow: true }, transform);
      return { segment: trial, engine: trial.engine(OWNER_SLOT, build) };
    });
  }

  *#follow({ segment, engine }: Held): Measurement<Transform> {
    const before = readTransform(segment.memory, segment.layout, segment.shape.dims);
    if (aliveIn(segment) < LEARNED_ROWS) return before;
    return { ...before, mean: yield* meaning(segment, engine, LEARNED_ROWS) };
  }

  #create(transform: Transform, capacity: number): Segment {
    const { dims, metric } = this.#options;
    return Segment.create({ dims, metric, capacity, hasLow: true }, transform);
  }
}

/** Whether so many rows were removed that the others are to leave. */
export function isSparse(segment: Segment): boolean {
  return segment.dead >= DEAD_ROWS_MIN && segment.dead >= segment.rows * DEAD_SHARE_MAX;
}

/** Whether it is the first segment and there is enough to learn from. */
export function isLearnable(segment: Segment): boolean {
  return isFirst(segment) && aliveIn(segment) >= LEARNED_ROWS / 2;
}

/** Whether the segment's rows were coded without anything known of them. */
function isFirst(segment: Segment): boolean {
  return segment.state("isLearned") === 0;
}

function isTime(segment: Segment): boolean {
  if (isFirst(segment)) return isLearnable(segment) && (segment.rows >= LEARNED_ROWS || isSparse(segment));
  return segment.rows >= Math.max(segment.capacity / 2, segment.capacity - FOLLOWED_AT);
}

function aliveIn(segment: Segment): number {
  return segment.rows - segment.dead;
}
