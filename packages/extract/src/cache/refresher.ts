/** Which stale values are loaded again in the background, and when not. */
import { type Clock, MillraceError } from "@millrace/core";
import { LRUCache } from "lru-cache";
import { CACHE_NEGATIVE_MAX, CACHE_REFRESH_PAUSE_MS, CACHE_REFRESH_TIMEOUT_MS } from "../limits.ts";

/** At most `runningMax` at once; each ends after CACHE_REFRESH_TIMEOUT_MS; a key whose refresh failed rests for CACHE_REFRESH_PAUSE_MS. */
export class Refresher {
  readonly #clock: Clock;
  readonly #runningMax: number;
  readonly #restsUntil = new LRUCache<string, number>({ max: CACHE_NEGATIVE_MAX });
  #running = 0;
  started = 0;
  failed = 0;

  constructor(clock: Clock, runningMax: number) {
    this.#clock = clock;
    this.#runningMax = runningMax;
  }

  /** Calls `run` unless too many run or the key rests. `run` must settle when its signal aborts; its failure is only counted. */
  start(key: string, run: (signal: AbortSignal) => Promise<unknown>): void {
    if (this.#running >= this.#runningMax || this.#clock.now() < (this.#restsUntil.get(key) ?? 0)) return;
    this.#running++;
    this.started++;
    const limit = new AbortController();
    const cancel = this.#clock.after(CACHE_REFRESH_TIMEOUT_MS, () =>
      limit.abort(new MillraceError("timeout", `refreshing ${key} took more than ${CACHE_REFRESH_TIMEOUT_MS} ms`)),
    );
    run(limit.signal)
      .catch(() => {
        this.failed++;
        this.#restsUntil.set(key, this.#clock.now() + CACHE_REFRESH_PAUSE_MS);
      })
      .finally(() => {
        cancel();
        this.#running--;
      });
  }

  /** A value came by another way: the key rests no longer. */
  wake(key: string): void {
    this.#restsUntil.delete(key);
  }
}
