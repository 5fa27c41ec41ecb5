/** From the nearest rows to the best: how many to fetch, and when no row that was not fetched can be among the results. */
import { checkInteger } from "@millrace/core";
import { CANDIDATES_MAX, CANDIDATES_MIN } from "./limits.ts";
import type { Ceilings, Score, ScoreFacts, Scorer } from "./score.ts";

/** Of one result asked for, candidates to fetch for each time that the other terms outweigh similarity; docs/recall-scores.md has what that finds. */
const CANDIDATES_PER_ODDS = 16;
/** How many times more are fetched when the first were not enough: each fetch is a search of its own. */
const WIDER = 4;

/**
 * Nearest rows to fetch first for the best `k`: k when similarity is all that counts, more the more the other terms can move; 79 for 10 by the
 * default weights. It is where to begin, not a promise: `isComplete` says whether it was enough.
 */
export function candidatesFor(k: number, scorer: Scorer): number {
  const similarity = scorer.weight("similarity");
  if (similarity === 1) return k;
  const odds = similarity === 0 ? Number.POSITIVE_INFINITY : (1 - similarity) / similarity;
  return Math.min(CANDIDATES_MAX, Math.max(CANDIDATES_MIN, Math.ceil(k * (1 + CANDIDATES_PER_ODDS * odds))));
}

export type Unseen = {
  /** The similarity of the last row fetched: none that was not fetched has more. */
  readonly bestUnseenSimilarity: number;
  readonly ceilings?: Ceilings;
};

/**
 * Whether no row that was not fetched can be among the results, whatever its other terms are. `worstKept`: the score of the last of k results; with
 * fewer the threshold, or −infinity when there is none. Rows come in order of similarity, so this is a proof, not a guess.
 */
export function isComplete(scorer: Scorer, worstKept: number, { bestUnseenSimilarity, ceilings }: Unseen): boolean {
  // Not when they are equal: between equal scores the lower row goes first, and that may be the unseen one.
  return scorer.bound(bestUnseenSimilarity, ceilings) < worstKept;
}

/** Rows with their similarities, most similar first: what a vector index answers. */
export type Nearest = { readonly ids: ArrayLike<number>; readonly scores: ArrayLike<number> };

export type RerankOptions = {
  /** Results wanted, 1 to 10,000. */
  readonly k: number;
  readonly scorer: Scorer;
  /** Results that score less are left out. */
  readonly threshold?: number;
  readonly ceilings?: Ceilings;
  /** The `count` nearest, or all there are when they are fewer. Called again with a larger count when the first were not enough. */
  readonly fetch: (count: number) => Nearest;
  readonly factsOf: (row: number, similarity: number) => ScoreFacts;
  /** Most candidates to fetch, at most 10,000; default that. */
  readonly candidatesMax?: number;
};

export type RankedRow = { readonly row: number } & Score;

export type Reranked = {
  /** Best first; equal scores in order of row. */
  readonly results: readonly RankedRow[];
  /** Candidates weighed. */
  readonly candidates: number;
  /** Whether these are the best of all rows that the index would give, not only of the candidates. */
  readonly isExact: boolean;
};

/** The best `k` rows by score. Fetches until no other row can be among them, all are fetched, or `candidatesMax` are. */
export function rerank(options: RerankOptions): Reranked {
  const { k, scorer, threshold = Number.NEGATIVE_INFINITY, ceilings, candidatesMax = CANDIDATES_MAX } = options;
  checkInteger("k", k, { min: 1, max: CANDIDATES_MAX });
  checkInteger("candidatesMax", candidatesMax, { min: 1, max: CANDIDATES_MAX });
  for (
    let count = Math.min(candidatesMax, candidatesFor(k, scorer));
    ;
    count = Math.min(candidatesMax, count * WIDER)
  ) {
    const nearest = options.fetch(count);
    const best = bestOf(nearest, options);
    const fetched = nearest.ids.length;
    const worstKept = best.length < k ? threshold : Math.max(threshold, best[k - 1]?.score ?? threshold);
    const unseen = { bestUnseenSimilarity: nearest.scores[fetched - 1] ?? 1, ...(ceilings ? { ceilings } : {}) };
    const isExact = fetched < count || isComplete(scorer, worstKept, unseen);
    if (isExact || count >= candidatesMax) {
      return { results: best.map((one) => explained(one, options)), candidates: fetched, isExact };
    }
  }
}

type Candidate = { readonly row: number; readonly similarity: number; readonly score: number };

function bestOf({ ids, scores }: Nearest, { k, scorer, threshold, factsOf }: RerankOptions): Candidate[] {
  const candidates: Candidate[] = [];
  for (let at = 0; at < ids.length; at++) {
    const row = ids[at] ?? 0;
    const similarity = scores[at] ?? 0;
    const score = scorer.score(factsOf(row, similarity));
    if (threshold === undefined || score >= threshold) candidates.push({ row, similarity, score });
  }
  return candidates.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
}

function explained({ row, similarity }: Candidate, { scorer, factsOf }: RerankOptions): RankedRow {
  return { row, ...scorer.explain(factsOf(row, similarity)) };
}
