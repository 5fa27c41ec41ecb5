/** What is asked of a space's index worker in one recall, and its answer. */
import type { ObservationMeta } from "@millrace/protocol";
import type { ObservationFilter } from "../columns/filter.ts";
import type { Generation } from "../columns/observation-columns.ts";
import type { Decay } from "../recall/decay.ts";
import type { ScoreTerm, ScoreWeights } from "../recall/score.ts";

export type RecallQuestion = {
  /** Of the space's dimensions; absent: by words alone. */
  readonly vector?: Float32Array;
  /** The nearest rows, as another worker found them: the `count` first, or all there were. */
  readonly candidates?: NearestFound;
  /** What the full text found: rows with their relevance, best first. Absent: by vector alone. */
  readonly text?: readonly { readonly id: number; readonly bm25: number }[];
  readonly k: number;
  /** Share of the true nearest to find; default the index's. */
  readonly recall?: number | "exact";
  readonly filter?: ObservationFilter;
  /** Exactly what was visible then; default now. */
  readonly asOf?: Generation;
  readonly weights?: ScoreWeights;
  readonly decay?: Decay;
  /** Results that score less are left out. */
  readonly threshold?: number;
  readonly nowMs: number;
  /** Answer with what each observation says, not only with what the columns know. */
  readonly isFull: boolean;
  /** Also what results are linked to, so many hops away, looking at so many rows. */
  readonly associations?: { readonly depth: number; readonly budget: number };
};

/** A search by a worker that reads an index which another one has. */
export type NearestQuestion = {
  readonly vector: Float32Array;
  readonly count: number;
  readonly recall?: number | "exact";
};

/** Rows and similarities, nearest first. */
export type NearestFound = { readonly ids: Uint32Array; readonly scores: Float32Array; readonly count: number };

export type RecalledRow = {
  readonly row: number;
  readonly id: string;
  readonly score: number;
  readonly terms: readonly ScoreTerm[];
  readonly whenMs: number;
  readonly acceptedMs: number;
  readonly confidence: number;
  readonly importance: number;
  readonly isDurable: boolean;
  /** In the form that its index keeps. */
  readonly isIndexed: boolean;
  readonly meta: ObservationMeta | null;
};

export type RecallAnswer = {
  readonly results: readonly RecalledRow[];
  /** What was searched: give it as `asOf` to ask the same memory again. */
  readonly generation: Generation;
  /** Observations there are. */
  readonly live: number;
  /** Whether these are the best of all that the index gives, not only of the candidates weighed. */
  readonly isExact: boolean;
  /** Of the full text's hits those that may be answered with. */
  readonly textHits: number;
  readonly searchMs: number;
};
