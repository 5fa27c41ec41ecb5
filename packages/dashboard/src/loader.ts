import { MillraceError } from "@millrace/client";

/** A value that is asked for: what came last, and why the last try failed. */
export class Loader<T> {
  readonly #load: (signal: AbortSignal) => Promise<T>;
  readonly #changed: () => void;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  value: T | undefined;
  error: MillraceError | undefined;

  constructor(load: (signal: AbortSignal) => Promise<T>, changed: () => void) {
    this.#load = load;
    this.#changed = changed;
  }

  /** Asks again; an older question still open is given up. With `everyMs`, goes on asking until closed. */
  async load(everyMs?: number): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const value = await this.#load(abort.signal);
      if (abort.signal.aborted) return;
      this.value = value;
      this.error = undefined;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = MillraceError.from(error);
    }
    this.#changed();
    if (everyMs !== undefined) this.#timer = setTimeout(() => void this.load(everyMs), everyMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }
}
