/** Inserts a second at equal recall: how cheaply a peer may build its graph and still find as much. */
import type { Contender } from "./contender.ts";
import { type InsertRate, insertRows } from "./insert-rows.ts";
import { type SearchRate, searchQueries } from "./search-queries.ts";
import type { VectorSet } from "./vector-set.ts";

/** Values of efConstruction that are tried, the cheapest first. */
export const CONSTRUCTIONS: readonly number[] = [8, 16, 24, 32, 48, 64, 96, 128, 200];

/** Beam widths that a peer may search with. */
const EFFORTS: readonly number[] = [200, 10, 12, 16, 24, 32, 48, 64, 96, 128, 160];

/** A peer may find this much less: the benefit of the doubt is the peer's. */
export const RECALL_SLACK = 0.01;

export type Matched = {
  readonly efConstruction: number;
  /** The least beam width that reaches the recall. */
  readonly effort: number;
  readonly insert: InsertRate;
  readonly search: SearchRate;
};

/** Undefined when there is no such contender on this machine. */
export type OpenContender = (efConstruction: number) => Promise<Contender | undefined>;

type Rung = { readonly contender: Contender; readonly insert: InsertRate };

/**
 * The builds of one peer over one set, each made when it is first needed and kept until `close`, so that several recalls can be
 * matched from the same builds.
 */
export class ConstructionLadder {
  readonly #open: OpenContender;
  readonly #set: VectorSet;
  readonly #constructions: readonly number[];
  readonly #rungs = new Map<number, Rung>();
  #isMissing = false;

  constructor(open: OpenContender, set: VectorSet, constructions: readonly number[] = CONSTRUCTIONS) {
    this.#open = open;
    this.#set = set;
    this.#constructions = constructions;
  }

  /** Whether a build could not be made because there is no such contender. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** The cheapest build that reaches `recall` − 0.01 at any beam width up to 200; undefined when none does. */
  async match(recall: number): Promise<Matched | undefined> {
    const wanted = recall - RECALL_SLACK;
    for (const efConstruction of this.#constructions) {
      const rung = await this.#rung(efConstruction);
      if (!rung) return undefined;
      const { contender, insert } = rung;
      const reached = await leastEffort(contender, this.#set, wanted);
      if (reached) return { efConstruction, insert, ...reached };
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const { contender } of this.#rungs.values()) await contender.close();
    this.#rungs.clear();
  }

  async #rung(efConstruction: number): Promise<Rung | undefined> {
    const known = this.#rungs.get(efConstruction);
    if (known) return known;
    const contender = await this.#open(efConstruction);
    this.#isMissing = contender === undefined;
    if (!contender) return undefined;
    const rung = { contender, insert: await insertRows(contender, this.#set) };
    this.#rungs.set(efConstruction, rung);
    return rung;
  }
}

/** The widest beam goes first: where that fails, no other can reach the recall. */
async function leastEffort(
  contender: Contender,
  set: VectorSet,
  recall: number,
): Promise<{ effort: number; search: SearchRate } | undefined> {
  let widest: { effort: number; search: SearchRate } | undefined;
  for (const effort of EFFORTS) {
    contender.setEffort(effort);
    const search = await searchQueries(contender, set);
    const isReached = search.recall >= recall;
    if (widest && isReached) return { effort, search };
    if (!widest && !isReached) return undefined;
    widest ??= { effort, search };
  }
  return widest;
}
