/**
 * A rate with a burst of one second. What is asked for is granted while the bucket holds as much, or is full: a batch larger than a second's worth
 * goes too and leaves a debt, so that the mean rate is kept whatever the size of batches.
 */
export class TokenBucket {
  readonly perSecond: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.#tokens = perSecond;
    this.#atMs = nowMs;
  }

  /** Milliseconds until `count` can be taken; 0: now. */
  waitMs(count: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(count, this.perSecond) - this.#tokens;
    return missing <= 0 ? 0 : (missing * 1_000) / this.perSecond;
  }

  /** Takes `count`; `waitMs` must have been 0. */
  take(count: number): void {
    this.#tokens -= count;
  }

  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= this.perSecond;
  }

  #refill(nowMs: number): void {
    const gained = ((nowMs - this.#atMs) * this.perSecond) / 1_000;
    this.#tokens = Math.min(this.perSecond, this.#tokens + Math.max(0, gained));
    this.#atMs = nowMs;
  }
}
