import { exactSimilarity, scoreScale } from "./similarity.ts";
import { rowOf, rowsIn, TRUTH_IDS, type VectorSet } from "./vector-set.ts";

/** Rounding of the f32 arithmetic that a truth may have been found with, as a share of the score's scale. */
const TIE_SHARE = 1e-6;

/** Ids found by each query, the nearest first. */
export type FoundIds = readonly Uint32Array[];

/**
 * Share of the k nearest that was found, over the first `found.length` queries. A row as near as the k-th true neighbour counts as
 * one: among equal rows the order of a truth is chance. A row found twice counts once, one that does not exist not at all.
 */
export function recallAt(k: number, set: VectorSet, found: FoundIds): number {
  let hits = 0;
  for (const [at, ids] of found.entries()) hits += hitsOf(k, set, { at, ids });
  return found.length === 0 ? 0 : hits / (found.length * k);
}

type Answer = { readonly at: number; readonly ids: Uint32Array };

function hitsOf(k: number, set: VectorSet, { at, ids }: Answer): number {
  const truth = set.truth.subarray(at * TRUTH_IDS, at * TRUTH_IDS + k);
  const distinct = new Set(ids.subarray(0, k));
  let hits = 0;
  for (const id of distinct) if (truth.includes(id) || isTied(set, { at, id, last: truth[k - 1] ?? 0 })) hits++;
  return hits;
}

/** Whether a row outside the first k of the truth is as near as the last of them. */
function isTied(set: VectorSet, { at, id, last }: { at: number; id: number; last: number }): boolean {
  const { base, dims, metric } = set;
  if (id >= rowsIn(set)) return false;
  const query = rowOf(set.query, at, dims);
  const lastRow = rowOf(base, last, dims);
  const tie = TIE_SHARE * scoreScale(metric, query, lastRow);
  return exactSimilarity(metric, query, rowOf(base, id, dims)) >= exactSimilarity(metric, query, lastRow) - tie;
}
