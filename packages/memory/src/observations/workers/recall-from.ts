/** Answers one question from a space's index: candidates by vector and by words, weighed by all that is known of them. */
import { MillraceError } from "@millrace/core";
import { K_MAX, type SearchOptions } from "@millrace/vector";
import { type Nearest, rerank } from "../recall/rerank.ts";
import { type Score, type ScoreFacts, Scorer } from "../recall/score.ts";
import { spread } from "../recall/spread.ts";
import type { RecallAnswer, RecalledRow, RecallQuestion } from "./recall-question.ts";
import { idOf, type SpaceIndex } from "./space-index.ts";

/** Results beyond those asked for that make up for rows removed and still in the index. */
export const SPARE_RESULTS = 16;
/** Candidates that one question weighs: beyond it the answer says that it is not exact. */
const CANDIDATES_MAX = 1_000;

type Ranked = { readonly row: number } & Score;

export function recallFrom(space: SpaceIndex, question: RecallQuestion): RecallAnswer {
  const startedMs = performance.now();
  const { generation } = space.columns;
  const asked = new Asked(space, question);
  const { ranked, isExact } = asked.rank();
  const indexed = space.indexedRows;
  const results = ranked.flatMap((one) => tellIfWhole(space, one, { isFull: question.isFull, indexed }));
  return {
    ...{ results, generation, live: space.columns.live, textHits: asked.textHits },
    isExact: isExact && results.length === ranked.length,
    searchMs: performance.now() - startedMs,
  };
}

/** Nothing of a row whose record was damaged since the space was opened: the others are answered. */
function tellIfWhole(...args: Parameters<typeof tell>): RecalledRow[] {
  try {
    return [tell(...args)];
  } catch (error) {
    if (error instanceof MillraceError && error.code === "storage_failed") return [];
    throw error;
  }
}

/** What the question's results are scored by. */
export function scorerOf({ vector, text, associations, weights, decay }: RecallQuestion): Scorer {
  return new Scorer({
    has: { vector: vector !== undefined, text: text !== undefined, associations: associations !== undefined },
    ...(weights ? { weights } : {}),
    ...(decay ? { decay } : {}),
  });
}

/** One question while it is answered. */
class Asked {
  readonly #space: SpaceIndex;
  readonly #question: RecallQuestion;
  readonly #scorer: Scorer;
  /** Rows that a filter or a generation lets through; undefined: all that are there. */
  readonly #visible: { readonly bitmap: Uint8Array; readonly count: number } | undefined;
  /** Relevance of rows that the words found, the best 1. */
  readonly #text: ReadonlyMap<number, number>;
  readonly #norm: number;

  constructor(space: SpaceIndex, question: RecallQuestion) {
    const { vector, text, filter, asOf, nowMs } = question;
    this.#space = space;
    this.#question = question;
    this.#scorer = scorerOf(question);
    const isNarrowed = filter !== undefined || asOf !== undefined;
    this.#visible = isNarrowed ? space.columns.filter(filter ?? {}, { nowMs, ...(asOf ? { asOf } : {}) }) : undefined;
    const best = Math.max(0, ...(text ?? []).map(({ bm25 }) => bm25));
    const seen = (text ?? []).filter(({ id, bm25 }) => bm25 > 0 && this.#isVisible(id));
    this.#text = new Map(seen.map(({ id, bm25 }) => [id, bm25 / best]));
    this.#norm = vector ? Math.hypot(...vector) : 0;
  }

  get textHits(): number {
    return this.#text.size;
  }

  rank(): { readonly ranked: readonly Ranked[]; readonly isExact: boolean } {
    const found = this.#byVector();
    const known = new Set(found.ranked.map(({ row }) => row));
    const byWords = [...this.#text.keys()].filter((row) => !known.has(row)).map((row) => this.#judge(row));
    const ranked = this.#best([...found.ranked, ...byWords]);
    return { ranked: this.#question.associations ? this.#associated(ranked) : ranked, isExact: found.isExact };
  }

  #byVector(): { readonly ranked: readonly Ranked[]; readonly isExact: boolean } {
    const { vector, k, threshold } = this.#question;
    const isNothing = this.#visible?.count === 0;
    if (!vector || isNothing) return { ranked: [], isExact: true };
    const scorer = this.#scorer;
    const { results, isExact } = rerank({
      ...{ k, scorer, factsOf: (row, similarity) => this.#facts(row, similarity) },
      fetch: (count) => this.#nearest(vector, count),
      // What words and links add is judged apart.
      ceilings: { ...this.#space.columns.ceilings(this.#question.nowMs), text: 0, association: 0 },
      candidatesMax: Math.max(k, CANDIDATES_MAX),
      ...(threshold === undefined ? {} : { threshold }),
    });
    return { ranked: results, isExact };
  }

  /** The nearest that are visible. */
  #nearest(vector: Float32Array, count: number): Nearest {
    const { index, columns } = this.#space;
    const { recall, candidates } = this.#question;
    const elsewhere = candidates && this.#visible === undefined ? this.#live(candidates, count) : undefined;
    if (elsewhere) return elsewhere;
    const base: SearchOptions = recall === undefined ? {} : { recall };
    if (this.#visible) {
      const { bitmap, count: visible } = this.#visible;
      return index.search(vector, Math.min(count, visible), { ...base, filter: bitmap });
    }
    // Their numbers say nothing: while a batch is half in the index as many may be missing as are removed.
    if (columns.generation.removals === columns.removalsGone) return index.search(vector, count, base);
    const found = this.#live(index.search(vector, Math.min(K_MAX, count + SPARE_RESULTS), base), count);
    // Else many of the nearest were removed a moment ago.
    return found ?? index.search(vector, count, { ...base, filter: (row) => columns.isLive(row) });
  }

  /** The first `count` that are there; undefined when they are too few. */
  #live(
    { ids, scores }: { readonly ids: Uint32Array; readonly scores: Float32Array },
    count: number,
  ): Nearest | undefined {
    const { columns } = this.#space;
    const places = Array.from(ids.keys()).filter((at) => columns.isLive(ids[at] ?? 0));
    if (places.length < Math.min(count, columns.live)) return undefined;
    const kept = places.slice(0, count);
    return { ids: kept.map((at) => ids[at] ?? 0), scores: kept.map((at) => scores[at] ?? 0) };
  }

  /** With what the results are linked to, and what those are, each judged anew. */
  #associated(ranked: readonly Ranked[]): readonly Ranked[] {
    const { associations } = this.#question;
    if (!associations) return ranked;
    // The best result is as active as can be, whatever its score: without links it has none of that term yet.
    const best = Math.max(Number.MIN_VALUE, ranked[0]?.score ?? 0);
    const sources = ranked.map(({ row, score }) => ({ row, activation: Math.max(0, score / best) }));
    const isAllowed = (row: number) => this.#isVisible(row);
    const { reached } = spread(this.#space.associations, sources, { ...associations, isAllowed });
    const activations = new Map(reached.map(({ row, activation }) => [row, activation]));
    const rows = new Set([...ranked.map(({ row }) => row), ...activations.keys()]);
    return this.#best([...rows].map((row) => this.#judge(row, activations.get(row) ?? 0)));
  }

  #best(ranked: Ranked[]): readonly Ranked[] {
    const { k, threshold = Number.NEGATIVE_INFINITY } = this.#question;
    return ranked
      .filter(({ score }) => score >= threshold)
      .sort((a, b) => b.score - a.score || a.row - b.row)
      .slice(0, k);
  }

  #judge(row: number, association?: number): Ranked {
    const facts = this.#facts(row, this.#similarity(row));
    return { row, ...this.#scorer.explain(association === undefined ? facts : { ...facts, association }) };
  }

  #facts(row: number, similarity: number | undefined): ScoreFacts {
    const { columns } = this.#space;
    const text = this.#text.get(row);
    return {
      ...(similarity === undefined ? {} : { similarity }),
      ...(text === undefined ? {} : { text }),
      confidence: columns.confidence(row),
      importance: columns.importance(row),
      ageMs: this.#question.nowMs - columns.whenMs(row),
    };
  }

  #similarity(row: number): number | undefined {
    const { vector } = this.#question;
    const found = vector && this.#space.index.vector(row);
    if (!vector || !found || this.#norm === 0) return undefined;
    return found.reduce((sum, value, at) => sum + value * (vector[at] ?? 0), 0) / this.#norm;
  }

  #isVisible(row: number): boolean {
    if (!this.#visible) return this.#space.columns.isLive(row);
    return ((this.#visible.bitmap[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
}

function tell(
  space: SpaceIndex,
  { row, score, terms }: Ranked,
  { isFull, indexed }: { readonly isFull: boolean; readonly indexed: number },
): RecalledRow {
  const { columns } = space;
  const meta = isFull || columns.hasId(row) ? space.metaOf(row) : null;
  return {
    ...{ row, score, terms, meta, id: meta?.id ?? idOf(row) },
    whenMs: columns.whenMs(row),
    acceptedMs: columns.acceptedMs(row),
    confidence: columns.confidence(row),
    importance: columns.importance(row),
    isDurable: row < space.records.rows,
    isIndexed: row < indexed,
  };
}
