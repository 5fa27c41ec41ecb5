/**
 * One ranking from two lists. A convex combination of scores, each list on the scale of its own best hit (Bruch et al. 2023, "An
 * Analysis of Fusion Functions for Hybrid Retrieval"), because ranks throw away what the scores say: a full-text list with one
 * hit far ahead should decide, a flat one should leave it to the vectors. How much a list counts at most is a property of the
 * embedding model, in one table below. Numbers and what else was tried: docs/decisions/0006-hybrid-fusion.md.
 */

/** A hit of the full text; higher is better, comparable inside one list only. */
export type TextHit = { readonly id: number; readonly bm25: number };

/** A hit of the vector index, or the similarity of a text hit that the index list did not reach: give those too. */
export type VectorHit = { readonly id: number; readonly similarity: number };

export type FuseContext = {
  /** The provider's name: how far its vectors are trusted. */
  readonly provider: string;
  /** With `text` or `vector` the other list is left out. */
  readonly mode?: "hybrid" | "text" | "vector" | undefined;
};

/** `rank` from 1; `share` is the list's part of the score, at most `weight`. */
export type FusedTerm = { readonly rank: number; readonly weight: number; readonly share: number };

export type Fused = {
  readonly id: number;
  /** The sum of the terms' shares; at most 1. */
  readonly score: number;
  readonly terms: {
    readonly text?: FusedTerm & { readonly bm25: number };
    readonly vector?: FusedTerm & { readonly similarity: number };
  };
};

type Trust = {
  /** The vector list's weight; the text list has the rest. */
  readonly weight: number;
  /** What counts as no likeness at all: 0, or the lowest similarity at hand, for models whose similarities crowd together. */
  readonly floor: "zero" | "lowest";
};

/**
 * How far each provider's vectors are trusted. `static` was chosen on the dev questions. The others were not measured here: a
 * sentence encoder is at least full text's equal on questions put in other words, so they get half.
 */
const TRUST: Readonly<Record<string, Trust>> = {
  static: { weight: 0.35, floor: "zero" },
  openai: { weight: 0.5, floor: "lowest" },
  transformers: { weight: 0.5, floor: "lowest" },
};
/** A provider without a row is trusted as the weakest is. */
const TRUST_DEFAULT: Trust = { weight: 0.35, floor: "lowest" };

/**
 * Every id of either list, best first; equal scores by text rank, then vector rank, then id, so the order is one and the same
 * whatever order the hits come in. A list that is absent has weight 0 and the order is the other's. Raising one hit's score in
 * one list never lowers its place. O(n log n).
 */
export function fuse(textHits: readonly TextHit[], vectorHits: readonly VectorHit[], context: FuseContext): Fused[] {
  const texts = context.mode === "vector" ? [] : ranked(textHits, (hit) => hit.bm25);
  const vectors = context.mode === "text" ? [] : ranked(vectorHits, (hit) => hit.similarity);
  const { weight, floor } = TRUST[context.provider] ?? TRUST_DEFAULT;
  const vectorWeight = vectors.length === 0 ? 0 : texts.length === 0 ? 1 : weight;
  const textScale = scaleOf(texts, (hit) => hit.bm25, 0);
  const lowest = floor === "zero" ? 0 : (vectors.at(-1)?.similarity ?? 0);
  const vectorScale = scaleOf(vectors, (hit) => hit.similarity, lowest);

  const terms = new Map<number, { text?: FusedTerm & TextHit; vector?: FusedTerm & VectorHit }>();
  texts.forEach((hit, at) => {
    terms.set(hit.id, { text: { ...hit, ...termOf(at, 1 - vectorWeight, textScale(hit.bm25)) } });
  });
  vectors.forEach((hit, at) => {
    terms.set(hit.id, {
      ...terms.get(hit.id),
      vector: { ...hit, ...termOf(at, vectorWeight, vectorScale(hit.similarity)) },
    });
  });
  return [...terms].map(([id, { text, vector }]) => toFused(id, text, vector)).sort(byScore);
}

/** Hits with a finite score, best first, equal ones by id; the first of an id counts. */
function ranked<T extends { readonly id: number }>(hits: readonly T[], scoreOf: (hit: T) => number): T[] {
  const seen = new Set<number>();
  return hits
    .filter((hit) => Number.isFinite(scoreOf(hit)))
    .sort((a, b) => scoreOf(b) - scoreOf(a) || a.id - b.id)
    .filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** Maps a list's scores to 0 … 1: its best to 1, `floor` and below to 0. */
function scaleOf<T>(hits: readonly T[], scoreOf: (hit: T) => number, floor: number): (score: number) => number {
  const best = hits[0] === undefined ? 0 : scoreOf(hits[0]);
  const range = best - floor;
  // One hit, or hits that are all alike, are all the best.
  if (range <= 0) return (score) => (score >= best && best >= floor ? 1 : 0);
  return (score) => Math.max(0, (score - floor) / range);
}

function termOf(at: number, weight: number, scaled: number): FusedTerm {
  return { rank: at + 1, weight, share: weight * scaled };
}

function toFused(id: number, text?: FusedTerm & TextHit, vector?: FusedTerm & VectorHit): Fused {
  return {
    id,
    score: (text?.share ?? 0) + (vector?.share ?? 0),
    terms: {
      ...(text && { text: { rank: text.rank, bm25: text.bm25, weight: text.weight, share: text.share } }),
      ...(vector && {
        vector: { rank: vector.rank, similarity: vector.similarity, weight: vector.weight, share: vector.share },
      }),
    },
  };
}

function byScore(a: Fused, b: Fused): number {
  const rankOf = (rank: number | undefined) => rank ?? Number.MAX_SAFE_INTEGER;
  return (
    b.score - a.score ||
    rankOf(a.terms.text?.rank) - rankOf(b.terms.text?.rank) ||
    rankOf(a.terms.vector?.rank) - rankOf(b.terms.vector?.rank) ||
    a.id - b.id
  );
}
