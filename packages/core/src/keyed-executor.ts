import { MillraceError } from "./error.ts";

export type KeyedExecutorOptions = {
  /** Tasks running at once over all keys. */
  readonly concurrencyMax: number;
  /** Tasks waiting over all keys; one more is refused with `overloaded`. */
  readonly waitingMax: number;
};

type Waiting = { readonly key: string; readonly start: () => void };

/**
 * Runs async tasks: one at a time and in order within a key, several keys side by side. A key costs memory only while it has
 * work. A task that fails fails alone.
 */
export class KeyedExecutor {
  readonly #options: KeyedExecutorOptions;
  readonly #busy = new Set<string>();
  #waiting: Waiting[] = [];
  #idle: (() => void)[] = [];

  constructor(options: KeyedExecutorOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#busy.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Settles as the task does. Rejects with `overloaded` when the queue is full: the task was not and will not be run. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= this.#options.waitingMax) return Promise.reject(this.#refusal());
    return new Promise<T>((resolve, reject) => {
      const start = () => {
        task()
          .then(resolve, reject)
          .finally(() => this.#finish(key));
      };
      this.#waiting.push({ key, start });
      this.#pump();
    });
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#busy.size === 0 && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #finish(key: string): void {
    this.#busy.delete(key);
    this.#pump();
    if (this.#busy.size > 0 || this.#waiting.length > 0) return;
    const waiters = this.#idle;
    this.#idle = [];
    for (const resolve of waiters) resolve();
  }

  #pump(): void {
    let at = 0;
    while (this.#busy.size < this.#options.concurrencyMax && at < this.#waiting.length) {
      const next = this.#waiting[at] as Waiting;
      if (this.#busy.has(next.key)) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      this.#busy.add(next.key);
      next.start();
    }
  }

  #refusal(): MillraceError {
    const { waitingMax } = this.#options;
    return new MillraceError("overloaded", `${waitingMax} tasks are waiting, which is the limit; try again later`, {
      retryAfterMs: 1000,
    });
  }
}
