import type { Clock } from "@millrace/core";

/** At most one timer for each subscription: the end of its lease, or the next try of its webhook. */
export class SubscriptionTimers {
  readonly #clock: Clock;
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` at `atMs`, instead of what was set before. */
  set(id: string, atMs: number, run: () => void): void {
    this.cancel(id);
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => {
      this.#cancels.delete(id);
      run();
    });
    this.#cancels.set(id, cancel);
  }

  cancel(id: string): void {
    this.#cancels.get(id)?.();
    this.#cancels.delete(id);
  }

  cancelAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
