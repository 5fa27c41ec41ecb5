import { checkInteger, MillraceError } from "@millrace/core";
import type { Associations } from "./associations.ts";
import { SPREAD_BUDGET_MAX, SPREAD_DEPTH_MAX, SPREAD_SOURCES_MAX } from "./limits.ts";

/** What is left of an activation after one hop. */
const PER_HOP = 0.5;

export type Activation = { readonly row: number; readonly activation: number };

export type SpreadOptions = {
  /** Hops, 0 to 4. */
  readonly depth: number;
  /** Rows whose links are looked at, 0 to 1,000. */
  readonly budget: number;
  /** Rows that may be reached; default all. Those that may not pass nothing on. */
  readonly isAllowed?: (row: number) => boolean;
};

export type Spread = {
  /** Rows that activation reached, sources too when another source reached them; strongest first, equal ones in order of row. */
  readonly reached: readonly Activation[];
  /** Rows whose links were looked at. */
  readonly visited: number;
  /** Whether the budget ended it: then rows further away may be missing. */
  readonly isCut: boolean;
};

/**
 * Spreads activation from rows that were found to rows linked to them: half of it over each hop, and a row has the most that reaches it from
 * any other source. Hop by hop, strongest first, equal ones in order of row, so the same question has the same answer and a budget
 * cuts off the weakest. `invalid_argument` for depth, budget, or a source out of range.
 */
export function spread(associations: Associations, sources: readonly Activation[], options: SpreadOptions): Spread {
  const { depth, budget, isAllowed = () => true } = options;
  checkInteger("depth", depth, { min: 0, max: SPREAD_DEPTH_MAX });
  checkInteger("budget", budget, { min: 0, max: SPREAD_BUDGET_MAX });
  checkSources(sources);
  const wave = new Wave(sources);
  let visited = 0;
  for (let hop = 0; hop < depth; hop++) {
    for (const { row, arrivals } of wave.advance()) {
      if (visited === budget) return { reached: wave.reached(), visited, isCut: true };
      visited++;
      for (const target of associations.of(row)) if (isAllowed(target)) wave.pass(target, arrivals);
    }
  }
  return { reached: wave.reached(), visited, isCut: false };
}

/** A place for a source and what came from it; `NOBODY` while nothing has. */
type Arrivals = {
  source: number;
  activation: number;
  /** The next strongest, of another source: for the strongest itself, which must not hear its own echo. */
  otherSource: number;
  otherActivation: number;
};

const NOBODY = -1;

class Wave {
  readonly #own = new Map<number, number>();
  readonly #kept = new Map<number, Arrivals>();
  /** What arrived in this hop and is to be passed on in the next. */
  #front = new Map<number, Arrivals>();

  constructor(sources: readonly Activation[]) {
    for (const { row, activation } of sources) this.#own.set(row, Math.max(activation, this.#own.get(row) ?? 0));
    for (const [source, activation] of this.#own) arrive(this.#front, source, { source, activation });
  }

  /** The rows of the hop before, strongest first; what is passed from now on belongs to the next. */
  advance(): { readonly row: number; readonly arrivals: Arrivals }[] {
    const front = Array.from(this.#front, ([row, arrivals]) => ({ row, arrivals }));
    this.#front = new Map();
    return front.sort((a, b) => b.arrivals.activation - a.arrivals.activation || a.row - b.row);
  }

  pass(row: number, { source, activation, otherSource, otherActivation }: Arrivals): void {
    this.#passOne(row, { source, activation: activation * PER_HOP });
    if (otherSource !== NOBODY) this.#passOne(row, { source: otherSource, activation: otherActivation * PER_HOP });
  }

  reached(): Activation[] {
    return Array.from(this.#kept, ([row, { activation }]) => ({ row, activation })).sort(
      (a, b) => b.activation - a.activation || a.row - b.row,
    );
  }

  #passOne(row: number, passed: Arrival): void {
    if (passed.source === row || !arrive(this.#kept, row, passed)) return;
    // A source that has as much itself passed that on before.
    if (passed.activation > (this.#own.get(row) ?? 0)) arrive(this.#front, row, passed);
  }
}

type Arrival = { readonly source: number; readonly activation: number };

/** Keeps what arrives at `row` when it is among the two strongest of different sources; says whether it is. */
function arrive(kept: Map<number, Arrivals>, row: number, { source, activation }: Arrival): boolean {
  const there = kept.get(row);
  if (!there) {
    kept.set(row, { source, activation, otherSource: NOBODY, otherActivation: 0 });
    return true;
  }
  if (source === there.source) {
    if (activation <= there.activation) return false;
    there.activation = activation;
    return true;
  }
  if (source === there.otherSource && activation <= there.otherActivation) return false;
  if (isStronger(source, activation, { source: there.source, activation: there.activation })) {
    there.otherSource = there.source;
    there.otherActivation = there.activation;
    there.source = source;
    there.activation = activation;
    return true;
  }
  const other = { source: there.otherSource, activation: there.otherActivation };
  if (source !== other.source && other.source !== NOBODY && !isStronger(source, activation, other)) return false;
  there.otherSource = source;
  there.otherActivation = activation;
  return true;
}

/** Of equal ones the lower source goes first, so that the order in which they come makes no difference. */
function isStronger(source: number, activation: number, than: Arrival): boolean {
  return activation > than.activation || (activation === than.activation && source < than.source);
}

function checkSources(sources: readonly Activation[]): void {
  checkInteger("sources", sources.length, { min: 0, max: SPREAD_SOURCES_MAX });
  for (const { row, activation } of sources) {
    if (activation >= 0 && activation <= 1) continue;
    throw new MillraceError("invalid_argument", `row ${row} begins with activation ${activation}; give 0 to 1`);
  }
}
