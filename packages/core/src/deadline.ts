import { type Clock, systemClock } from "./clock.ts";
import { MillraceError } from "./error.ts";

/** One end of time for a piece of work and everything it calls. What is left of it decides what can still be tried. */
export class Deadline {
  readonly #clock: Clock;
  readonly #atMs: number;
  readonly budgetMs: number;

  private constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock;
    this.budgetMs = budgetMs;
    this.#atMs = clock.monotonic() + budgetMs;
  }

  static after(budgetMs: number, clock: Clock = systemClock): Deadline {
    return new Deadline(clock, budgetMs);
  }

  /** Milliseconds left, never negative. */
  get leftMs(): number {
    return Math.max(0, this.#atMs - this.#clock.monotonic());
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }

  /** Throws `timeout` naming `work` when nothing is left. */
  check(work: string): void {
    if (this.isOver) throw this.#timeout(work);
  }

  /** Settles as `promise` does, or rejects with `timeout` at the deadline. The work itself must listen to its own signal. */
  async race<T>(work: string, promise: Promise<T>): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(this.leftMs, () => reject(this.#timeout(work)));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      cancel();
    }
  }

  /** A signal that aborts at the deadline, or when `parent` does. Dispose it when the work is over. */
  signal(work: string, parent?: AbortSignal): { readonly signal: AbortSignal } & Disposable {
    const controller = new AbortController();
    const cancel = this.#clock.after(this.leftMs, () => controller.abort(this.#timeout(work)));
    const follow = () => controller.abort(parent?.reason);
    if (parent?.aborted) follow();
    else parent?.addEventListener("abort", follow, { once: true });
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        cancel();
        parent?.removeEventListener("abort", follow);
      },
    };
  }

  #timeout(work: string): MillraceError {
    return new MillraceError(
      "timeout",
      `${work} took longer than its ${this.budgetMs} ms; allow more time or ask for less`,
    );
  }
}
