import type { Metric } from "@millrace/vector";
import { exactNearest } from "../data/exact.ts";
import { exactSimilarity } from "./similarity.ts";
import { rowOf } from "./vector-set.ts";

type Near = { readonly id: number; readonly score: number };

/**
 * The exact k nearest of a few queries among rows that pass by and are not kept: what recall is measured against while an index grows
 * to a size whose vectors would not fit beside it. O(queries × dims) a row.
 */
export class NearestSoFar {
  readonly #query: Float32Array;
  readonly #dims: number;
  readonly #metric: Metric;
  readonly #k: number;
  readonly #best: Near[][];

  constructor(query: Float32Array, { dims, metric, k }: { dims: number; metric: Metric; k: number }) {
    this.#query = query;
    this.#dims = dims;
    this.#metric = metric;
    this.#k = k;
    this.#best = Array.from({ length: query.length / dims }, () => []);
  }

  /** Rows with the ids `from`, `from` + 1, … */
  add(from: number, base: Float32Array): void {
    const [dims, metric] = [this.#dims, this.#metric];
    const k = Math.min(this.#k, base.length / dims);
    const nearest = exactNearest({ metric, dims, base, query: this.#query, k });
    for (const [at, best] of this.#best.entries()) {
      const query = rowOf(this.#query, at, dims);
      for (const row of nearest.subarray(at * k, (at + 1) * k)) {
        best.push({ id: from + row, score: exactSimilarity(metric, query, rowOf(base, row, dims)) });
      }
      best.sort((a, b) => b.score - a.score || a.id - b.id).splice(this.#k);
    }
  }

  /** The ids of a query's k nearest so far, the nearest first. */
  idsOf(query: number): number[] {
    return (this.#best[query] ?? []).map(({ id }) => id);
  }

  /** Share of the k nearest so far that was found, by one list of ids for each of the queries. */
  recallOf(found: readonly Uint32Array[]): number {
    const hits = found.map((ids, query) => this.idsOf(query).filter((id) => ids.includes(id)).length);
    return hits.reduce((sum, count) => sum + count, 0) / (found.length * this.#k);
  }
}
