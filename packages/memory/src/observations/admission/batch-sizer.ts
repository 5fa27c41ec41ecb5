import { checkInteger, MillraceError } from "@millrace/core";
import {
  BATCH_COUNT_MAX,
  BATCH_DECAY,
  BATCH_TARGET_MS_MAX,
  COST_CHANGE_RATIO,
  COST_PRIOR_SHARE,
  COST_PRIOR_WEIGHT,
} from "./limits.ts";

/** Observations in one batch, and how long it should take from its turn to its end. */
export type BatchLimits = {
  readonly min: number;
  readonly max: number;
  readonly targetMs: number;
};

/** `limits` when they are in their ranges; else `invalid_argument`. */
export function checkBatchLimits({ min, max, targetMs }: BatchLimits): BatchLimits {
  checkInteger("batch.max", max, { min: 1, max: BATCH_COUNT_MAX });
  checkInteger("batch.min", min, { min: 1, max });
  if (typeof targetMs === "number" && targetMs > 0 && targetMs <= BATCH_TARGET_MS_MAX) return { min, max, targetMs };
  const told = `batch.targetMs is ${JSON.stringify(targetMs)}; it must be above 0 and at most ${BATCH_TARGET_MS_MAX}`;
  throw new MillraceError("invalid_argument", told);
}

/**
 * How many observations the next batch should have. A batch costs so much, and so much each observation; both are learned from those
 * that were measured. The size is the smallest that works off what waits within the target, so a queue that grows because batches are
 * too small makes them larger, and in balance an observation waits as long as the target says. A batch that would take longer than the
 * target is cut, but not so far that most of its time is the batch's own: that would cost throughput and win little time.
 *
 * Never below `min` or above `max`; for one state of learning, a deeper queue never gives a smaller batch.
 */
export class BatchSizer {
  readonly #limits: BatchLimits;
  #size: number;
  /** Weighted means over the batches measured: size, time, size², size × time. */
  #weight = 0;
  #sizes = 0;
  #times = 0;
  #squares = 0;
  #products = 0;
  #perBatchMs = 0;
  #perObservationMs = 0;

  /** `invalid_argument` when the limits are out of their ranges. */
  constructor(limits: BatchLimits) {
    this.#limits = checkBatchLimits(limits);
    this.#size = limits.min;
  }

  /** What `next` said last; `min` before. */
  get size(): number {
    return this.#size;
  }

  /** Milliseconds that a batch costs, and each observation in it, as learned so far; 0 before the first is measured. */
  get cost(): { readonly perBatchMs: number; readonly perObservationMs: number } {
    return { perBatchMs: this.#perBatchMs, perObservationMs: this.#perObservationMs };
  }

  /** The size for the next batch while `depth` observations wait. */
  next(depth: number): number {
    const { min, max } = this.#limits;
    this.#size = Math.ceil(Math.max(min, Math.min(max, this.#keepUp(depth), this.#longest())));
    return this.#size;
  }

  /** A batch of so many observations took so long. What cannot be a measurement is left out; above a minute counts as that. */
  measured(observations: number, tookMs: number): void {
    if (!(observations >= 1 && observations <= BATCH_COUNT_MAX && tookMs > 0)) return;
    const ms = Math.min(tookMs, BATCH_TARGET_MS_MAX);
    const ratio = ms / (this.#perBatchMs + observations * this.#perObservationMs);
    // Old and new cost on one line would have a slope that neither has.
    const isChanged = ratio > COST_CHANGE_RATIO || ratio < 1 / COST_CHANGE_RATIO;
    this.#weight = isChanged ? 1 : this.#weight * BATCH_DECAY + 1;
    const share = 1 / this.#weight;
    this.#sizes += (observations - this.#sizes) * share;
    this.#times += (ms - this.#times) * share;
    this.#squares += (observations * observations - this.#squares) * share;
    this.#products += (observations * ms - this.#products) * share;
    this.#learn();
  }

  /** Smallest size that works off `depth` within the target: depth × (perBatch / size + perObservation) = target. */
  #keepUp(depth: number): number {
    const leftMs = this.#limits.targetMs - depth * this.#perObservationMs;
    if (leftMs <= 0) return this.#limits.max;
    return this.#weight === 0 ? depth : (depth * this.#perBatchMs) / leftMs;
  }

  /** Largest size that takes no longer than the target, or at which half of the time is the batch's own. */
  #longest(): number {
    if (this.#perObservationMs === 0) return this.#limits.max;
    return Math.max(this.#limits.targetMs - this.#perBatchMs, this.#perBatchMs) / this.#perObservationMs;
  }

  /**
   * Least squares; where all sizes are alike, which tells nothing of the slope, nearly all time is taken to be the observations'. So a batch
   * that takes too long is cut, which shows whether that helps; any other guess can hold a size that is far too large for ever.
   */
  #learn(): void {
    const square = this.#sizes * this.#sizes * COST_PRIOR_WEIGHT;
    const variance = Math.max(0, this.#squares - this.#sizes * this.#sizes);
    const covariance = this.#products - this.#sizes * this.#times;
    const prior = (this.#times / this.#sizes) * COST_PRIOR_SHARE;
    const slope = (covariance + square * prior) / (variance + square);
    this.#perObservationMs = Math.max(0, Math.min(slope, this.#times / this.#sizes));
    this.#perBatchMs = Math.max(0, this.#times - this.#perObservationMs * this.#sizes);
  }
}
