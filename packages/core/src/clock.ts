/** Time as a dependency, so that tests drive it. Timers are part of it: a test never sleeps. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may step when the system clock is set. */
  now(): number;
  /** Monotonic milliseconds with a fraction; for measuring durations. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the result cancels it. Never keeps the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer: { unref?: () => void } = setTimeout(run, delayMs) as never;
    timer.unref?.();
    return () => clearTimeout(timer as never);
  },
};

type Pending = { readonly atMs: number; readonly order: number; readonly run: () => void };

/** A clock that moves only when told. Timers run in order of time, then of creation. */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Pending = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#pending.add(timer);
    return () => this.#pending.delete(timer);
  }

  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#pending.delete(next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.atMs > endMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
