import type { Clock } from "@millrace/core";
import { SUBSCRIBER_STALL_MS } from "./limits.ts";

/** Tells when a reader that has bytes to take took none for SUBSCRIBER_STALL_MS. One timer at most, however often there is progress. */
export class StallWatch implements Disposable {
  readonly #clock: Clock;
  readonly #onStall: () => void;
  #progressMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onStall: () => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  get isWatching(): boolean {
    return this.#cancel !== undefined;
  }

  /** Begins to watch, unless it does already. */
  start(): void {
    if (this.isWatching) return;
    this.progressed();
    this.#waitFor(SUBSCRIBER_STALL_MS);
  }

  progressed(): void {
    this.#progressMs = this.#clock.monotonic();
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #waitFor(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = undefined;
      const leftMs = this.#progressMs + SUBSCRIBER_STALL_MS - this.#clock.monotonic();
      if (leftMs > 0) this.#waitFor(leftMs);
      else this.#onStall();
    });
  }
}
