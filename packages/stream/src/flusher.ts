import type { Clock } from "@millrace/core";
import { FLUSH_BUSY_MS, FLUSH_DELAY_MAX_MS } from "./limits.ts";
import type { LiveStream } from "./live-stream.ts";

/**
 * Wakes the followers of streams that have something new: once per turn of the event loop when idle; when the last round was long, after a
 * pause as long as that round was, at most FLUSH_DELAY_MAX_MS. So under load batches grow, and the sockets never take more than
 * about half of the thread (measured: a write costs its system call, however many frames it carries).
 */
export class Flusher {
  readonly #clock: Clock;
  readonly #dirty = new Set<LiveStream>();
  #isScheduled = false;
  #lastMs = 0;
  #endedAtMs = 0;
  /** Rounds made, and rounds that were put off. */
  rounds = 0;
  coalesced = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mark(live: LiveStream): void {
    this.#dirty.add(live);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const waitMs = this.#waitMs();
    if (waitMs === 0) setImmediate(this.#flush);
    else {
      this.coalesced++;
      this.#clock.after(waitMs, this.#flush);
    }
  }

  #waitMs(): number {
    if (this.#lastMs < FLUSH_BUSY_MS) return 0;
    const leftMs = this.#endedAtMs + Math.min(FLUSH_DELAY_MAX_MS, this.#lastMs) - this.#clock.monotonic();
    return leftMs <= 0 ? 0 : Math.max(1, Math.round(leftMs));
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.rounds++;
    const startedMs = this.#clock.monotonic();
    const streams = [...this.#dirty];
    this.#dirty.clear();
    for (const live of streams) live.wakeAll();
    this.#endedAtMs = this.#clock.monotonic();
    this.#lastMs = this.#endedAtMs - startedMs;
  };
}
