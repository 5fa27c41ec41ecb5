import { MEAN_LEARNED_AT } from "./limits.ts";
import { createMean, type Mean } from "./mean.ts";

/** The first vectors of an index, unrounded, from which its mean is learned at 16, 64 and 256 rows; dropped after that. */
export class MeanSample {
  readonly #vectors = new Map<number, Float32Array>();
  readonly #dims: number;
  #learned: number;

  /** `learned`: rows the current mean was taken from, 0 when there is none. */
  constructor(dims: number, learned: number) {
    this.#dims = dims;
    this.#learned = learned;
  }

  get isComplete(): boolean {
    return MEAN_LEARNED_AT.every((rows) => rows <= this.#learned);
  }

  get bytes(): number {
    return this.#vectors.size * this.#dims * 4;
  }

  get vectors(): ReadonlyMap<number, Float32Array> {
    return this.#vectors;
  }

  /** Keeps a copy of a vector; true when it is time to learn. */
  add(id: number, vector: Float32Array): boolean {
    this.#vectors.set(id, Float32Array.from(vector));
    return MEAN_LEARNED_AT.some((rows) => rows > this.#learned && rows === this.#vectors.size);
  }

  delete(id: number): void {
    this.#vectors.delete(id);
  }

  /** The mean of what is held, each vector multiplied with `factorOf(vector)`. */
  learn(factorOf: (vector: Float32Array) => number): Mean {
    const sums = new Float64Array(this.#dims);
    for (const vector of this.#vectors.values()) {
      const factor = factorOf(vector);
      for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + (vector[at] ?? 0) * factor;
    }
    this.#learned = this.#vectors.size;
    return createMean(
      Float32Array.from(sums, (sum) => sum / this.#learned),
      this.#learned,
    );
  }
}
