/**
 * Fits a word table to pairs: the mean of a query's words is drawn to its passage's mean and away from the other passages of the
 * batch, and the other way round (InfoNCE with in-batch negatives). Plain float32 loops in one fixed order, seeded.
 */
import { createRng, randomBelow } from "@millrace/core";

export type TokenPair = { readonly query: Int32Array; readonly passage: Int32Array };

export type TrainOptions = {
  readonly dims: number;
  readonly epochs: number;
  readonly batch: number;
  readonly temperature: number;
  readonly rate: number;
  readonly seed: number;
  readonly onProgress?: (done: number, total: number, loss: number) => void;
};

/** Trains `table` (rows × dims) in place, by Adagrad with one step size per number. */
export function trainTable(table: Float32Array, pairs: readonly TokenPair[], options: TrainOptions): void {
  const { epochs, batch, seed } = options;
  const rng = createRng(seed);
  const order = Int32Array.from(pairs, (_, at) => at);
  const squares = new Float32Array(table.length).fill(1e-6);
  const step = new Step(table, squares, options);
  const batches = Math.floor(pairs.length / batch);
  let loss = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let at = order.length - 1; at > 0; at--) {
      const other = randomBelow(rng, at + 1);
      const kept = order[at] as number;
      order[at] = order[other] as number;
      order[other] = kept;
    }
    for (let at = 0; at < batches; at++) {
      const done = epoch * batches + at;
      const rate = options.rate * (1 - done / (epochs * batches));
      const chosen = Array.from(order.subarray(at * batch, (at + 1) * batch), (index) => pairs[index] as TokenPair);
      loss = done === 0 ? step.run(chosen, rate) : 0.99 * loss + 0.01 * step.run(chosen, rate);
      if (done % 50 === 0) options.onProgress?.(done, epochs * batches, loss);
    }
  }
}

class Step {
  readonly #table: Float32Array;
  readonly #squares: Float32Array;
  readonly #dims: number;
  readonly #temperature: number;
  readonly #queries: Float32Array;
  readonly #passages: Float32Array;
  readonly #queryLengths: Float32Array;
  readonly #passageLengths: Float32Array;
  readonly #queryGradients: Float32Array;
  readonly #passageGradients: Float32Array;
  readonly #scores: Float32Array;
  readonly #weights: Float32Array;

  constructor(table: Float32Array, squares: Float32Array, { dims, batch, temperature }: TrainOptions) {
    this.#table = table;
    this.#squares = squares;
    this.#dims = dims;
    this.#temperature = temperature;
    this.#queries = new Float32Array(batch * dims);
    this.#passages = new Float32Array(batch * dims);
    this.#queryLengths = new Float32Array(batch);
    this.#passageLengths = new Float32Array(batch);
    this.#queryGradients = new Float32Array(batch * dims);
    this.#passageGradients = new Float32Array(batch * dims);
    this.#scores = new Float32Array(batch * batch);
    this.#weights = new Float32Array(batch * batch);
  }

  /** One update; the loss before it. */
  run(pairs: readonly TokenPair[], rate: number): number {
    const size = pairs.length;
    pairs.forEach(({ query, passage }, at) => {
      this.#queryLengths[at] = this.#pool(query, this.#queries, at);
      this.#passageLengths[at] = this.#pool(passage, this.#passages, at);
    });
    this.#score(size);
    const loss = this.#weigh(size);
    this.#gradients(size);
    pairs.forEach(({ query, passage }, at) => {
      this.#update(query, this.#queries, this.#queryGradients, at, this.#queryLengths[at] as number, rate);
      this.#update(passage, this.#passages, this.#passageGradients, at, this.#passageLengths[at] as number, rate);
    });
    return loss;
  }

  #pool(rows: Int32Array, out: Float32Array, at: number): number {
    const dims = this.#dims;
    const table = this.#table;
    const sum = out.subarray(at * dims, (at + 1) * dims).fill(0);
    for (let index = 0; index < rows.length; index++) {
      const start = (rows[index] as number) * dims;
      for (let dim = 0; dim < dims; dim++) sum[dim] = (sum[dim] as number) + (table[start + dim] as number);
    }
    let square = 0;
    for (let dim = 0; dim < dims; dim++) square += (sum[dim] as number) ** 2;
    const length = Math.sqrt(square) || 1;
    for (let dim = 0; dim < dims; dim++) sum[dim] = (sum[dim] as number) / length;
    return length;
  }

  #score(size: number): void {
    const dims = this.#dims;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        const left = row * dims;
        const right = column * dims;
        for (let dim = 0; dim < dims; dim++)
          sum += (this.#queries[left + dim] as number) * (this.#passages[right + dim] as number);
        this.#scores[row * size + column] = sum / this.#temperature;
      }
    }
  }

  /** Turns scores into the loss's derivative by score, both directions averaged. */
  #weigh(size: number): number {
    const weights = this.#weights.fill(0);
    let loss = 0;
    for (const isRow of [true, false]) {
      for (let line = 0; line < size; line++) {
        const position = (other: number) => (isRow ? line * size + other : other * size + line);
        let top = Number.NEGATIVE_INFINITY;
        for (let other = 0; other < size; other++) top = Math.max(top, this.#scores[position(other)] as number);
        let total = 0;
        for (let other = 0; other < size; other++) total += Math.exp((this.#scores[position(other)] as number) - top);
        for (let other = 0; other < size; other++) {
          const share = Math.exp((this.#scores[position(other)] as number) - top) / total;
          const target = other === line ? 1 : 0;
          weights[position(other)] = (weights[position(other)] as number) + (share - target) / (2 * this.#temperature);
        }
        loss -= ((this.#scores[position(line)] as number) - top - Math.log(total)) / (2 * size);
      }
    }
    return loss;
  }

  #gradients(size: number): void {
    const dims = this.#dims;
    this.#queryGradients.fill(0);
    this.#passageGradients.fill(0);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const weight = this.#weights[row * size + column] as number;
        if (Math.abs(weight) < 1e-4) continue;
        const left = row * dims;
        const right = column * dims;
        for (let dim = 0; dim < dims; dim++) {
          this.#queryGradients[left + dim] =
            (this.#queryGradients[left + dim] as number) + weight * (this.#passages[right + dim] as number);
          this.#passageGradients[right + dim] =
            (this.#passageGradients[right + dim] as number) + weight * (this.#queries[left + dim] as number);
        }
      }
    }
  }

  /** Through the normalisation to the rows. */
  #update(
    rows: Int32Array,
    units: Float32Array,
    gradients: Float32Array,
    at: number,
    length: number,
    rate: number,
  ): void {
    const dims = this.#dims;
    const unit = units.subarray(at * dims, (at + 1) * dims);
    const gradient = gradients.subarray(at * dims, (at + 1) * dims);
    let along = 0;
    for (let dim = 0; dim < dims; dim++) along += (unit[dim] as number) * (gradient[dim] as number);
    for (let dim = 0; dim < dims; dim++)
      gradient[dim] = ((gradient[dim] as number) - along * (unit[dim] as number)) / length;
    for (let index = 0; index < rows.length; index++) {
      const start = (rows[index] as number) * dims;
      for (let dim = 0; dim < dims; dim++) {
        const slope = gradient[dim] as number;
        const square = (this.#squares[start + dim] as number) + slope * slope;
        this.#squares[start + dim] = square;
        this.#table[start + dim] = (this.#table[start + dim] as number) - (rate * slope) / Math.sqrt(square);
      }
    }
  }
}
