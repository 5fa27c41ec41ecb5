import { exactSimilarity, scoreScale } from "./similarity.ts";
import { rowOf, type VectorSet } from "./vector-set.ts";

/** How far a score may be from the exact one, as a share of its scale: four times the rounding of vectors to 8 bits (measured). */
export const SCORE_TOLERANCE = 0.02;
/** One search in so many has its scores compared with exact ones. */
const SCORES_EVERY = 64;

/** What was true around one search, while rows were being added. Rows are added in order of their ids, from 0 on. */
export type SearchContext = {
  readonly query: Float32Array;
  readonly k: number;
  /** Rows whose `add` had returned before the search began: they must be found when they are near enough. */
  readonly publishedBefore: number;
  /** Rows whose `add` had begun when the search ended: no other can be found. */
  readonly startedAfter: number;
  /** A published row that the query is a copy of: it must be found. */
  readonly copyOf?: number;
};

/** Searches that broke a promise, by the promise. */
export type Violations = {
  searches: number;
  /** A row that had not been added, a row twice, scores out of order or not those of the rows. */
  wrong: number;
  /** Fewer than min(k, published) rows. */
  short: number;
  /** Without the row that the query is a copy of. */
  missing: number;
};

export type Answer = { readonly ids: Uint32Array; readonly scores: Float32Array };

/** Judges the answers of a reader, each against what had been added when it was given. */
export class ResultCheck {
  readonly violations: Violations = { searches: 0, wrong: 0, short: 0, missing: 0 };
  /** How many scores were compared with exact ones. */
  scoresCompared = 0;
  readonly #set: Pick<VectorSet, "base" | "dims" | "metric">;

  constructor(set: Pick<VectorSet, "base" | "dims" | "metric">) {
    this.#set = set;
  }

  check(answer: Answer, context: SearchContext): void {
    const { violations } = this;
    const areScoresCompared = violations.searches++ % SCORES_EVERY === 0;
    const isWrong = !isSound(answer, context) || (areScoresCompared && !this.#areScoresRight(answer, context.query));
    if (isWrong) violations.wrong++;
    if (answer.ids.length < Math.min(context.k, context.publishedBefore)) violations.short++;
    if (context.copyOf !== undefined && !answer.ids.includes(context.copyOf)) violations.missing++;
  }

  #areScoresRight({ ids, scores }: Answer, query: Float32Array): boolean {
    const { base, dims, metric } = this.#set;
    this.scoresCompared += ids.length;
    return ids.every((id, at) => {
      const row = rowOf(base, id, dims);
      // A row that does not exist has been counted as wrong by its number.
      if (row.length < dims) return false;
      const difference = Math.abs((scores[at] ?? 0) - exactSimilarity(metric, query, row));
      return difference <= SCORE_TOLERANCE * scoreScale(metric, query, row);
    });
  }
}

/** Ids that exist, each once, at most k, in order of their scores. */
function isSound({ ids, scores }: Answer, { k, startedAfter }: SearchContext): boolean {
  if (ids.length > k || scores.length !== ids.length) return false;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] ?? 0;
    if (id >= startedAfter || ids.indexOf(id) !== at) return false;
    // Written so that NaN fails.
    if (at > 0 && !((scores[at - 1] ?? 0) >= (scores[at] ?? 0))) return false;
  }
  return true;
}
