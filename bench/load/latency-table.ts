const FINE_MICROS = 10;
const FINE_COUNT = 10_000;
const COARSE_MICROS = 1_000;
const COARSE_COUNT = 60_000;

/** Bucket and count, alternating: what travels between processes. */
export type LatencyCounts = readonly number[];

/**
 * Latencies in buckets of 10 µs up to 100 ms and of 1 ms up to a minute (then one bucket), so that tables of several processes add up without error.
 */
export class LatencyTable {
  readonly #counts = new Float64Array(FINE_COUNT + COARSE_COUNT);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A negative latency counts as none: the clocks of two processes agree to some microseconds. */
  record(micros: number): void {
    const at = bucketOf(micros);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count++;
  }

  add(counts: LatencyCounts): void {
    for (let at = 0; at + 1 < counts.length; at += 2) {
      const [bucket = 0, count = 0] = [counts[at], counts[at + 1]];
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
      this.#count += count;
    }
  }

  toCounts(): LatencyCounts {
    const counts: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) counts.push(bucket, count);
    return counts;
  }

  /** Milliseconds at or below which `quantile` (0..1) of the latencies lie: the upper end of their bucket; 0 when empty. */
  quantileMs(quantile: number): number {
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return upperMicrosOf(bucket) / 1_000;
    }
    return 0;
  }
}

function bucketOf(micros: number): number {
  if (!(micros > 0)) return 0;
  const fine = Math.floor(micros / FINE_MICROS);
  if (fine < FINE_COUNT) return fine;
  const coarse = Math.floor(micros / COARSE_MICROS) - (FINE_COUNT * FINE_MICROS) / COARSE_MICROS;
  return FINE_COUNT + Math.min(coarse, COARSE_COUNT - 1);
}

function upperMicrosOf(bucket: number): number {
  if (bucket < FINE_COUNT) return (bucket + 1) * FINE_MICROS;
  return FINE_COUNT * FINE_MICROS + (bucket - FINE_COUNT + 1) * COARSE_MICROS;
}
