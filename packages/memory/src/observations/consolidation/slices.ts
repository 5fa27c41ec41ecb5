/** Long work on an index worker's thread, done a slice at a time in what batches and questions leave. */
import { assert, type Clock, MillraceError } from "@millrace/core";
import { BUSY_SHARE, IDLE_MS, SLICE_MS } from "./limits.ts";

export type SlicesOptions = {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** Called after each step: answers the questions that came meanwhile. */
  readonly between: () => void;
};

type Work = {
  readonly steps: Generator<void, unknown>;
  readonly isWanted: () => boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Runs generators in turn. A slice ends with the step in which SLICE_MS are over, so it lasts at most that and one step; the thread's
 * events come between two slices, and questions between two steps. While batches come, slices take BUSY_SHARE of the time.
 */
export class Slices {
  readonly #options: SlicesOptions;
  readonly #waiting: Work[] = [];
  #isDue = false;
  #batchedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /** What the generator returns. Rejects with `unavailable` once `isWanted` is false, and with what a step throws. */
  run<T>(steps: Generator<void, T>, isWanted: () => boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ steps, isWanted, resolve, reject });
      this.#later(0);
    });
  }

  /** A batch was worked on. */
  batched(): void {
    this.#batchedMs = this.#options.clock.monotonic();
  }

  #later(pauseMs: number): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.clock.after(pauseMs, () => this.#turn());
  }

  #turn(): void {
    this.#isDue = false;
    const { clock } = this.#options;
    const work = this.#waiting.shift();
    assert(work, "a turn is taken when there is work");
    const startedMs = clock.monotonic();
    const isDone = this.#slice(work, startedMs);
    if (!isDone) this.#waiting.push(work);
    if (this.#waiting.length === 0) return;
    const endedMs = clock.monotonic();
    const isIdle = endedMs - this.#batchedMs >= IDLE_MS;
    this.#later(isIdle ? 0 : (endedMs - startedMs) * (1 / BUSY_SHARE - 1));
  }

  /** Whether the work has ended. */
  #slice({ steps, isWanted, resolve, reject }: Work, startedMs: number): boolean {
    const { clock, between } = this.#options;
    try {
      do {
        if (!isWanted()) throw notHere();
        const { done, value } = steps.next();
        if (done) resolve(value as never);
        between();
        if (done) return true;
      } while (clock.monotonic() - startedMs < SLICE_MS);
      return false;
    } catch (error) {
      reject(error);
      return true;
    }
  }
}

function notHere(): MillraceError {
  return new MillraceError("unavailable", "the space went to another worker, or was deleted", { retryAfterMs: 10 });
}
