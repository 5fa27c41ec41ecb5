import { type Clock, MillraceError } from "@millrace/core";
import { ORIGIN_WAITING_MAX } from "../limits.ts";

export type Pace = { readonly ratePerSecond: number; readonly burst: number };

export type Turn = {
  /** Names the origin in messages. */
  readonly name: string;
  /** The longest the caller can wait. */
  readonly leftMs: number;
  readonly signal: AbortSignal;
};

type Waiter = { readonly start: () => void };

/**
 * Turns at one origin: `burst` at once, then `ratePerSecond`, strictly in the order they were asked for. A caller who cannot get a turn
 * in the time it has is told so at once and takes no place in the queue.
 */
export class TokenBucket {
  readonly #clock: Clock;
  #pace: Pace;
  #tokens: number;
  #filledMs: number;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #waiting: Waiter[] = [];
  #cancelTimer = () => {};

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
    this.#tokens = pace.burst;
    this.#filledMs = clock.monotonic();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Until the turn of one who would join the queue now. */
  get waitMs(): number {
    this.#fill();
    const missing = this.#waiting.length + 1 - this.#tokens;
    const refillMs = missing <= 0 ? 0 : (missing / this.#pace.ratePerSecond) * 1_000;
    return Math.max(0, refillMs, this.#heldUntilMs - this.#clock.monotonic());
  }

  /** Goes on at another pace; turns saved up beyond the new burst are lost. */
  setPace(pace: Pace): void {
    this.#fill();
    this.#pace = pace;
    this.#tokens = Math.min(this.#tokens, pace.burst);
    this.#schedule();
  }

  /** No turn for `ms` from now. */
  hold(ms: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#clock.monotonic() + ms);
    this.#schedule();
  }

  /**
   * Settles when it is the caller's turn. Rejects with `rate_limited` and `retryAfterMs` when that is later than `leftMs` or the queue is
   * full, and with the signal's reason.
   */
  async take({ name, leftMs, signal }: Turn): Promise<void> {
    signal.throwIfAborted();
    const { waitMs } = this;
    if (waitMs === 0) {
      this.#tokens--;
      return;
    }
    if (waitMs > leftMs || this.#waiting.length >= ORIGIN_WAITING_MAX) throw refusal(name, waitMs, this.#pace);
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        this.#schedule();
        reject(signal.reason);
      };
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener("abort", leave, { once: true });
      this.#schedule();
    });
  }

  #fill(): void {
    const nowMs = this.#clock.monotonic();
    const { ratePerSecond, burst } = this.#pace;
    const grown = this.#tokens + ((nowMs - this.#filledMs) / 1_000) * ratePerSecond;
    // Timers come a fraction early; a turn that is a millionth short has come.
    this.#tokens = Math.min(burst, Math.abs(grown - Math.round(grown)) < 1e-6 ? Math.round(grown) : grown);
    this.#filledMs = nowMs;
  }

  /** Starts whose turn has come and sets the timer for the next. */
  #schedule(): void {
    this.#cancelTimer();
    this.#fill();
    const heldMs = this.#heldUntilMs - this.#clock.monotonic();
    while (heldMs <= 0 && this.#tokens >= 1) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#tokens--;
      next.start();
    }
    if (this.#waiting.length === 0) return;
    const refillMs = ((1 - this.#tokens) / this.#pace.ratePerSecond) * 1_000;
    this.#cancelTimer = this.#clock.after(Math.max(1, Math.ceil(Math.max(refillMs, heldMs))), () => this.#schedule());
  }
}

function refusal(name: string, waitMs: number, { ratePerSecond }: Pace): MillraceError {
  const retryAfterMs = Math.ceil(waitMs);
  return new MillraceError(
    "rate_limited",
    `${name} is asked for ${Number(ratePerSecond.toFixed(3))} pages a second at most; the next turn is in ${retryAfterMs} ms; wait, or allow more time`,
    { retryAfterMs },
  );
}
