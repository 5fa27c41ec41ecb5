/** The resident memory of the process that is measured: its peak, and what becomes of it after the load. */
import { MEMORY_SAMPLE_MS } from "./limits.ts";

export class MemoryWatch implements Disposable {
  peakBytes = 0;
  readonly #read: () => number;
  readonly #timer: NodeJS.Timeout;

  constructor(read: () => number) {
    this.#read = read;
    this.#timer = setInterval(() => this.look(), MEMORY_SAMPLE_MS);
    this.look();
  }

  look(): number {
    const bytes = this.#read();
    this.peakBytes = Math.max(this.peakBytes, bytes);
    return bytes;
  }

  /** The peak is that of what comes now. */
  reset(): void {
    this.peakBytes = 0;
    this.look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
