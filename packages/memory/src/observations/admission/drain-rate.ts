import { DRAIN_DEFAULT_PER_S, DRAIN_TIME_CONSTANT_MS } from "./limits.ts";

/**
 * Observations done per second: an exponentially weighted mean over the time in which there was something to do. Idle time does not
 * count, so a burst after a pause is judged by what was last measured.
 */
export class DrainRate {
  #perMs = DRAIN_DEFAULT_PER_S / 1_000;
  #atMs = 0;

  /** There is something to do again. */
  begin(nowMs: number): void {
    this.#atMs = nowMs;
  }

  done(count: number, nowMs: number): void {
    this.#perMs = this.perMs(nowMs) + count / DRAIN_TIME_CONSTANT_MS;
    this.#atMs = nowMs;
  }

  /** Per millisecond, at a time with something to do; falls while nothing is done. */
  perMs(nowMs: number): number {
    return this.#perMs * Math.exp(-Math.max(0, nowMs - this.#atMs) / DRAIN_TIME_CONSTANT_MS);
  }

  /** Per second as of the last that was done. */
  get perS(): number {
    return this.#perMs * 1_000;
  }
}
