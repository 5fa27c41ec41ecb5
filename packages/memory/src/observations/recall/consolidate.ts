import { checkInteger, MillraceError } from "@millrace/core";
import { ConceptForest, type ForestState, type Group } from "./concept-forest.ts";
import { CONSOLIDATE_STEP_MAX, GROUPING_ROWS } from "./limits.ts";

export type Neighbour = { readonly row: number; readonly similarity: number };

/** Similarities from which rows say the same (`duplicate`) and from which they are of one kind (`pattern`, not above). */
export type ConceptThresholds = { readonly duplicate: number; readonly pattern: number };

export const CONCEPT_THRESHOLDS: ConceptThresholds = { duplicate: 0.95, pattern: 0.8 };

export type ConsolidateOptions = {
  /** Rows to look at, in the order in which they are to be looked at, each once. */
  readonly rows: Iterable<number>;
  /**
   * Rows like `row`, with their similarities; `row` itself and what is below the pattern threshold are passed over. What it does not list is
   * not seen: an approximate search gives approximate concepts.
   */
  readonly neighboursOf: (row: number) => Iterable<Neighbour>;
  readonly at?: ConceptThresholds;
  /** Rows looked at between two yields, 1 to 10,000. */
  readonly budget: number;
  /** Goes on from there; the rows are then those that were not looked at yet. */
  readonly from?: ConsolidationState;
};

/** What was found so far: fit for `postMessage` and `v8.serialize`. `after`: the last row looked at. */
export type ConsolidationState = {
  readonly after: number | undefined;
  readonly seen: number;
  readonly duplicates: ForestState;
  readonly patterns: ForestState;
};

/**
 * Rows that belong together: every member is reached from every other over steps of at least the threshold. A `duplicate` is one by the
 * duplicate threshold, a `pattern` one by the pattern threshold that is not all one duplicate.
 */
export type Concept = {
  readonly kind: "duplicate" | "pattern";
  /** The member most like the others: whose listed similarities to them sum to most, the lowest of equals. */
  readonly representative: number;
  /** In order of row; at least 2. */
  readonly members: readonly number[];
};

/** `seen`: rows looked at, ever. `state` is a view that the next step changes: clone it to keep it. */
export type ConsolidationStep = { readonly seen: number; readonly state: ConsolidationState };

/**
 * Clusters rows into concepts by union-find over their neighbours; yields after each `budget` rows, so that it runs between other work, and returns
 * the concepts, duplicates before patterns, each in order of lowest row. A step costs `budget` calls of `neighboursOf`, and
 * at the end the putting of 4,096 rows into groups. The result does not depend on the order of the rows, nor on where it was
 * broken off and taken up again. `invalid_argument` for thresholds or a budget out of range.
 */
export function* consolidate(options: ConsolidateOptions): Generator<ConsolidationStep, readonly Concept[]> {
  const { rows, neighboursOf, at = CONCEPT_THRESHOLDS, budget, from } = options;
  checkInteger("budget", budget, { min: 1, max: CONSOLIDATE_STEP_MAX });
  checkThresholds(at);
  const duplicates = new ConceptForest(from?.duplicates);
  const patterns = new ConceptForest(from?.patterns);
  let seen = from?.seen ?? 0;
  let after = from?.after;
  const step = () => ({ seen, state: { after, seen, duplicates: duplicates.state, patterns: patterns.state } });
  let inStep = 0;
  for (const row of rows) {
    for (const { row: other, similarity } of neighboursOf(row)) {
      if (other === row) continue;
      if (similarity >= at.duplicate) duplicates.join(row, other, similarity);
      if (similarity >= at.pattern) patterns.join(row, other, similarity);
    }
    seen++;
    after = row;
    if (++inStep < budget) continue;
    inStep = 0;
    yield step();
  }
  const concepts: Concept[] = [];
  const enter = function* (kind: Concept["kind"], groups: readonly Group[]) {
    for (const [place, { representative, members }] of groups.entries()) {
      if (place % GROUPING_ROWS === 0) yield step();
      // Steps that make a duplicate make a pattern too, so a group of equal size is the same group.
      if (kind === "pattern" && duplicates.sizeOf(members[0] ?? 0) === members.length) continue;
      concepts.push({ kind, representative, members });
    }
  };
  yield* enter("duplicate", yield* groupsIn(duplicates, step));
  yield* enter("pattern", yield* groupsIn(patterns, step));
  return concepts;
}

function* groupsIn(
  forest: ConceptForest,
  step: () => ConsolidationStep,
): Generator<ConsolidationStep, readonly Group[]> {
  const groups = forest.groups();
  for (;;) {
    const next = groups.next();
    if (next.done) return next.value;
    yield step();
  }
}

function checkThresholds({ duplicate, pattern }: ConceptThresholds): void {
  if (pattern >= -1 && pattern <= duplicate && duplicate <= 1) return;
  throw new MillraceError(
    "invalid_argument",
    `the thresholds are pattern ${pattern} and duplicate ${duplicate}; give −1 ≤ pattern ≤ duplicate ≤ 1`,
  );
}
