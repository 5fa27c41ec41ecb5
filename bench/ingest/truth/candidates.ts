/**
 * The nearest of millions of noisy vectors without making them: a vector is a row of the file and a share of a direction, so its product
 * with a query is the sum of two that are computed once. Cosine. O(rows of the file × (directions + questions) × dims) and one
 * multiplication for each vector and question.
 */
import { createDistances, type Distances } from "@millrace/vector";
import { NOISE_DIRECTIONS, TRUTH_BLOCK_ROWS, TRUTH_CANDIDATES } from "../limits.ts";
import { directionOf, type NoisySource, NoisyVectors, shareOf } from "../noisy-vectors.ts";
import { isRemoved, type Removed } from "./question.ts";

/** Plain, so that threads can be given it. */
export type CandidatesTask = {
  readonly source: NoisySource;
  /** Question after question. */
  readonly query: Float32Array;
  readonly questions: readonly Asked[];
  /** Rows of the file whose vectors are looked at: from … to − 1. */
  readonly from: number;
  readonly to: number;
};

/** Which vectors of which space a question is asked of: those below `prefix`. */
export type Asked = { readonly space: number; readonly prefix: number; readonly removed?: Removed };

/** The nearest vectors of each question by f32 arithmetic, the nearest first, at most TRUTH_CANDIDATES. */
export function findCandidates(task: CandidatesTask): number[][] {
  const search = new Search(task);
  for (let start = task.from; start < task.to; start += TRUTH_BLOCK_ROWS) {
    search.block(start, Math.min(TRUTH_BLOCK_ROWS, task.to - start));
  }
  return search.best.map((best) => best.numbers());
}

class Search {
  readonly best: readonly Nearest[];
  readonly #task: CandidatesTask;
  readonly #vectors: NoisyVectors;
  readonly #distances: Distances<"f32">;
  readonly #products = new Float32Array(TRUTH_BLOCK_ROWS);
  /** Products of each query with each direction, and of the rows of a block with each direction. */
  readonly #queryDirections: readonly Float32Array[];
  readonly #rowDirections = new Float32Array(NOISE_DIRECTIONS * TRUTH_BLOCK_ROWS);
  readonly #directionSquares: Float32Array;
  readonly #rowSquares = new Float32Array(TRUTH_BLOCK_ROWS);
  readonly #bySpace: ReadonlyMap<number, readonly number[]>;

  constructor(task: CandidatesTask) {
    const { source, questions } = task;
    this.#task = task;
    this.#vectors = new NoisyVectors(source);
    this.#distances = createDistances({ dims: source.dims, codes: "f32", rows: TRUTH_BLOCK_ROWS });
    this.#queryDirections = questions.map((_, at) => this.#timesDirections(this.#query(at)));
    this.#directionSquares = squaresOf(source.directions, source.dims);
    this.best = questions.map(({ removed }) => new Nearest(removed));
    this.#bySpace = Map.groupBy(questions.keys(), (at) => questions[at]?.space ?? 0);
  }

  block(start: number, count: number): void {
    const { source, questions } = this.#task;
    const { base, dims } = source;
    const rows = base.subarray(start * dims, (start + count) * dims);
    this.#distances.setRows(0, rows);
    this.#rowSquares.set(squaresOf(rows, dims));
    const longest = Math.max(...questions.map(({ prefix }) => prefix));
    if (longest > this.#vectors.rows) this.#measureDirections(count);
    for (const [space, asked] of this.#bySpace) {
      const prefix = Math.max(...asked.map((at) => questions[at]?.prefix ?? 0));
      if (prefix > start) this.#ask(asked, this.#steps(space, { start, count, prefix }));
    }
  }

  /** What the vectors of a block are made of, pass after pass. */
  #steps(space: number, { start, count, prefix }: Block): Steps {
    const { rows } = this.#vectors;
    const passes = Math.ceil((prefix - start) / rows);
    const [directions, shares, scales] = [
      new Uint8Array(passes * count),
      floats(passes * count),
      floats(passes * count),
    ];
    for (let row = 0; row < count; row++) {
      const mix = this.#vectors.mixOf(space, start + row);
      for (let pass = 0; pass < passes; pass++) {
        const at = pass * count + row;
        const direction = directionOf(mix, pass);
        const share = shareOf(mix, pass);
        const along = this.#rowDirections[direction * TRUTH_BLOCK_ROWS + row] ?? 0;
        const away = share === 0 ? 0 : 2 * share * along + share * share * (this.#directionSquares[direction] ?? 0);
        const square = (this.#rowSquares[row] ?? 0) + away;
        directions[at] = direction;
        shares[at] = share;
        scales[at] = square > 0 ? 1 / Math.sqrt(square) : 0;
      }
    }
    return { start, count, passes, directions, shares, scales };
  }

  #ask(asked: readonly number[], steps: Steps): void {
    for (const at of asked) {
      const best = this.best[at];
      const along = this.#queryDirections[at];
      if (!best || !along) continue;
      this.#distances.measure("dot", this.#query(at), { from: 0, to: steps.count, out: this.#products });
      this.#scan(steps, { best, along, prefix: this.#task.questions[at]?.prefix ?? 0 });
    }
  }

  #scan(steps: Steps, { best, along, prefix }: Scanned): void {
    const { start, count, passes, directions, shares, scales } = steps;
    const { rows } = this.#vectors;
    for (let pass = 0; pass < passes; pass++) {
      const first = pass * rows + start;
      const end = Math.min(count, prefix - first);
      for (let row = 0; row < end; row++) {
        const at = pass * count + row;
        const step = (shares[at] as number) * (along[directions[at] as number] as number);
        const score = ((this.#products[row] as number) + step) * (scales[at] as number);
        if (score > best.least) best.offer(first + row, score);
      }
    }
  }

  #measureDirections(count: number): void {
    for (let at = 0; at < NOISE_DIRECTIONS; at++) {
      const out = this.#rowDirections.subarray(at * TRUTH_BLOCK_ROWS, (at + 1) * TRUTH_BLOCK_ROWS);
      this.#distances.measure("dot", this.#direction(at), { from: 0, to: count, out });
    }
  }

  #timesDirections(query: Float32Array): Float32Array {
    return Float32Array.from({ length: NOISE_DIRECTIONS }, (_, at) => product(query, this.#direction(at)));
  }

  #direction(at: number): Float32Array {
    const { directions, dims } = this.#task.source;
    return directions.subarray(at * dims, (at + 1) * dims);
  }

  #query(at: number): Float32Array {
    const { dims } = this.#task.source;
    return this.#task.query.subarray(at * dims, (at + 1) * dims);
  }
}

type Block = { readonly start: number; readonly count: number; readonly prefix: number };
type Scanned = { readonly best: Nearest; readonly along: Float32Array; readonly prefix: number };
type Steps = {
  readonly start: number;
  readonly count: number;
  readonly passes: number;
  readonly directions: Uint8Array;
  readonly shares: Float32Array;
  /** 1 by the vector's length. */
  readonly scales: Float32Array;
};

/** The best of what is offered. */
class Nearest {
  /** A score must be above it to be kept. */
  least = Number.NEGATIVE_INFINITY;
  readonly #removed: Removed | undefined;
  readonly #numbers: number[] = [];
  readonly #scores: number[] = [];

  constructor(removed: Removed | undefined) {
    this.#removed = removed;
  }

  offer(n: number, score: number): void {
    if (isRemoved(this.#removed, n)) return;
    let at = this.#scores.length;
    while (at > 0 && (this.#scores[at - 1] ?? 0) < score) at--;
    this.#scores.splice(at, 0, score);
    this.#numbers.splice(at, 0, n);
    if (this.#scores.length > TRUTH_CANDIDATES) {
      this.#scores.pop();
      this.#numbers.pop();
    }
    if (this.#scores.length === TRUTH_CANDIDATES) this.least = this.#scores.at(-1) ?? this.least;
  }

  numbers(): number[] {
    return this.#numbers;
  }
}

function squaresOf(rows: Float32Array, dims: number): Float32Array {
  return Float32Array.from({ length: rows.length / dims }, (_, at) => {
    const row = rows.subarray(at * dims, (at + 1) * dims);
    return product(row, row);
  });
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}

function floats(count: number): Float32Array {
  return new Float32Array(count);
}
