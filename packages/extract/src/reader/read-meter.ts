/** How the reads of a reader fared, for metrics. */
import { type Clock, Histogram } from "@millrace/core";

export type PageReaderStats = {
  /** Reads in hand now. */
  readonly reading: number;
  /** Since the start: reads that gave a document, and those that did not. */
  readonly read: number;
  readonly failed: number;
  /** From the call to the document, waiting included, in microseconds; of reads that gave one. */
  readonly tookUs: { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number };
};

export class ReadMeter {
  readonly #clock: Clock;
  readonly #took = new Histogram();
  #reading = 0;
  #failed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts and times one read; settles as it does. */
  async measure<T>(read: () => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonic();
    this.#reading++;
    try {
      const result = await read();
      this.#took.record((this.#clock.monotonic() - startedMs) * 1_000);
      return result;
    } catch (error) {
      this.#failed++;
      throw error;
    } finally {
      this.#reading--;
    }
  }

  stats(): PageReaderStats {
    const took = this.#took;
    const [p50, p95, p99] = [took.quantile(0.5), took.quantile(0.95), took.quantile(0.99)];
    const tookUs = { count: took.count, p50, p95, p99 };
    return { reading: this.#reading, read: took.count, failed: this.#failed, tookUs };
  }
}
