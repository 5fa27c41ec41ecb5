/** What a result of a recall scores: a weighted sum of terms from 0 to 1, each of which is told. docs/recall-scores.md. */
import { MillraceError } from "@millrace/core";
import { checkDecay, DECAY_DEFAULT, type Decay, decayed } from "./decay.ts";
import { WEIGHT_MAX } from "./limits.ts";

/** In the order in which they are summed. */
export const TERM_NAMES = ["similarity", "text", "confidence", "importance", "recency", "association"] as const;
export type TermName = (typeof TERM_NAMES)[number];

/** How much each term counts beside the others: 0 or more, shares of their sum. What is left out has its default. */
export type ScoreWeights = { readonly [name in TermName]?: number };

/** What a row is judged by. What the recall did not ask for, or did not find, is left out and counts as 0. */
export type ScoreFacts = {
  /** Cosine to the question, −1 to 1; below 0 counts as 0. */
  readonly similarity?: number;
  /** Relevance of its text, 0 to 1, where 1 is the best of the list. */
  readonly text?: number;
  /** 0 to 1. */
  readonly confidence: number;
  readonly importance: number;
  /** Since it happened. */
  readonly ageMs: number;
  /** How strongly it is linked to other results, 0 to 1. */
  readonly association?: number;
};

/** `share` = `weight` × `value`; the score is the sum of the shares, to the last bit, in this order. */
export type ScoreTerm = {
  readonly name: TermName;
  /** As the row has it: recency in milliseconds of age. */
  readonly raw: number;
  /** On the scale of the score, 0 to 1. */
  readonly value: number;
  /** Of all weights, which sum to 1. */
  readonly weight: number;
  readonly share: number;
};

export type Score = { readonly score: number; readonly terms: readonly ScoreTerm[] };

export type ScorerOptions = {
  readonly weights?: ScoreWeights;
  /** Default: half is left after 30 days. */
  readonly decay?: Decay;
  /** What the question has: terms that nothing could fill weigh nothing. Default: a vector alone. */
  readonly has?: { readonly vector?: boolean; readonly text?: boolean; readonly associations?: boolean };
};

/** The most that the rows not yet seen can have of each term; what is left out can be as good as can be. */
export type Ceilings = {
  readonly text?: number;
  readonly confidence?: number;
  readonly importance?: number;
  /** The age of the youngest. */
  readonly ageMs?: number;
  readonly association?: number;
};

/** What a term weighs unless a recall says otherwise, where the question has it: likeness decides, the rest settles what is close. */
export const WEIGHTS_DEFAULT = {
  similarity: 0.7,
  text: 0.7,
  confidence: 0.1,
  importance: 0.05,
  recency: 0.15,
  association: 0.2,
} as const satisfies Required<ScoreWeights>;

/** Scores rows for one recall. Raising any term never lowers a score, and of two rows that are else the same the older never scores more. */
export class Scorer {
  readonly #decay: Decay;
  /** Per term, summing to 1. */
  readonly #weights = new Float64Array(TERM_NAMES.length);

  /** `invalid_argument` names the weight or the part of the decay that is out of range. */
  constructor({ weights = {}, decay = DECAY_DEFAULT, has = { vector: true } }: ScorerOptions = {}) {
    this.#decay = checkDecay(decay);
    checkWeights(weights);
    const isThere = { similarity: has.vector, text: has.text, association: has.associations };
    let total = 0;
    TERM_NAMES.forEach((name, at) => {
      const counts = isThere[name as keyof typeof isThere] ?? !(name in isThere);
      this.#weights[at] = counts ? (weights[name] ?? WEIGHTS_DEFAULT[name]) : 0;
      total += this.#weights[at] ?? 0;
    });
    if (total === 0)
      throw new MillraceError("invalid_argument", "the weights of the score are all 0; give one above 0");
    for (let at = 0; at < this.#weights.length; at++) this.#weights[at] = (this.#weights[at] ?? 0) / total;
  }

  /** Share of the whole score that `name` can have. */
  weight(name: TermName): number {
    return this.#weights[TERM_NAMES.indexOf(name)] ?? 0;
  }

  /** The sum alone: for candidates, most of which are never shown. */
  score(facts: ScoreFacts): number {
    const weights = this.#weights;
    let score = (weights[0] ?? 0) * toShare(facts.similarity);
    score += (weights[1] ?? 0) * toShare(facts.text);
    score += (weights[2] ?? 0) * toShare(facts.confidence);
    score += (weights[3] ?? 0) * toShare(facts.importance);
    // Decay is the dear one.
    if (weights[4] !== 0) score += (weights[4] ?? 0) * decayed(this.#decay, facts.ageMs);
    return score + (weights[5] ?? 0) * toShare(facts.association);
  }

  /** The score and its terms; those that weigh nothing are left out. */
  explain(facts: ScoreFacts): Score {
    const terms: ScoreTerm[] = [];
    TERM_NAMES.forEach((name, at) => {
      const weight = this.#weights[at] ?? 0;
      if (weight === 0) return;
      const raw = name === "recency" ? facts.ageMs : (facts[name] ?? 0);
      const value = name === "recency" ? decayed(this.#decay, raw) : toShare(raw);
      terms.push({ name, raw, value, weight, share: weight * value });
    });
    return { score: terms.reduce((sum, { share }) => sum + share, 0), terms };
  }

  /** The most that a row can score whose similarity is at most `similarity`. */
  bound(
    similarity: number,
    { text = 1, confidence = 1, importance = 1, ageMs = 0, association = 1 }: Ceilings = {},
  ): number {
    return this.score({ similarity, text, confidence, importance, ageMs, association });
  }
}

/** The score of one row and its terms, by weights of which those left out have their defaults. */
export function scoreOf(facts: ScoreFacts, options: ScorerOptions = {}): Score {
  return new Scorer(options).explain(facts);
}

function toShare(value: number | undefined): number {
  if (value === undefined || !(value > 0)) return 0;
  return value < 1 ? value : 1;
}

function checkWeights(weights: ScoreWeights): void {
  for (const [name, weight] of Object.entries(weights)) {
    if (!TERM_NAMES.includes(name as TermName)) {
      throw new MillraceError("invalid_argument", `weights.${name} is not known; terms are ${TERM_NAMES.join(", ")}`);
    }
    if (weight === undefined || (typeof weight === "number" && weight >= 0 && weight <= WEIGHT_MAX)) continue;
    throw new MillraceError(
      "invalid_argument",
      `weights.${name} is ${JSON.stringify(weight)}; it must be a number from 0 to ${WEIGHT_MAX}`,
    );
  }
}
