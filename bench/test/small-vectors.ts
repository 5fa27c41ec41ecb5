/** A small set of vectors with its exact answers, and an index that is exact: what the vector measures are tested with. */
import { createRng } from "@millrace/core";
import type { Metric } from "@millrace/vector";
import type { Contender } from "../vector/measure/contender.ts";
import { exactSimilarity } from "../vector/measure/similarity.ts";
import { rowOf, TRUTH_IDS, type VectorSet } from "../vector/measure/vector-set.ts";

export type SmallOptions = {
  readonly rows?: number;
  readonly queries?: number;
  readonly dims?: number;
  readonly metric?: Metric;
};

export function smallSet({ rows = 600, queries = 20, dims = 16, metric = "cosine" }: SmallOptions = {}): VectorSet {
  const rng = createRng(rows + dims);
  const numbers = (count: number) => Float32Array.from({ length: count * dims }, () => rng() * 2 - 1);
  const [base, query] = [numbers(rows), numbers(queries)];
  const truth = Array.from({ length: queries }, (_, at) =>
    nearest(rowOf(query, at, dims), TRUTH_IDS, { base, dims, metric }),
  );
  return { name: "small", dims, metric, base, query, truth: Int32Array.from(truth.flat()) };
}

type Rows = Pick<VectorSet, "base" | "dims" | "metric">;

/** The naive double loop. */
export function nearest(query: Float32Array, k: number, { base, dims, metric }: Rows): number[] {
  const scores = Array.from({ length: base.length / dims }, (_, id) => ({
    id,
    score: exactSimilarity(metric, query, rowOf(base, id, dims)),
  }));
  return scores
    .sort((a, b) => b.score - a.score || a.id - b.id)
    .slice(0, k)
    .map(({ id }) => id);
}

/** Finds exactly the nearest among the rows added; `effort` is the number of rows it looks at, when one is set. */
export class ExactContender implements Contender {
  readonly name: string = "exact";
  readonly version = "0";
  readonly vectors = new Map<number, Float32Array>();
  readonly #metric: Metric;
  #effort = Number.POSITIVE_INFINITY;
  isFinished = true;
  isClosed = false;

  constructor(metric: Metric = "cosine") {
    this.#metric = metric;
  }

  add(ids: Uint32Array, vectors: Float32Array): void {
    const dims = vectors.length / ids.length;
    for (const [at, id] of ids.entries()) this.vectors.set(id, rowOf(vectors, at, dims).slice());
    this.isFinished = false;
  }

  finish(): void {
    this.isFinished = true;
  }

  setEffort(effort: number): void {
    this.#effort = effort;
  }

  search(query: Float32Array, k: number): Uint32Array {
    const seen = [...this.vectors].slice(0, this.#effort);
    const scored = seen.map(([id, vector]) => ({ id, score: exactSimilarity(this.#metric, query, vector) }));
    scored.sort((a, b) => b.score - a.score || a.id - b.id);
    return Uint32Array.from(scored.slice(0, k), ({ id }) => id);
  }

  remove(id: number): void {
    this.vectors.delete(id);
  }

  close(): void {
    this.isClosed = true;
  }
}
