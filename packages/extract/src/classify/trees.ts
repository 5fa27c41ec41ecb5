/**
 * Boosted trees in flat arrays. A node is a column and a threshold; its children stand side by side, so a step is one comparison
 * added to an index. Trees stand one after another, each with its own root first.
 */

/** Column of a leaf. */
export const LEAF = 0xffff;

export type Trees = {
  /** Margin before the first tree. */
  readonly base: number;
  /** First node of each tree. */
  readonly roots: Int32Array;
  /** Column in the low half, left child (relative to the root) in the high half. */
  readonly nodes: Int32Array;
  /** Threshold of an inner node: rows at most as large go left. Value of a leaf. */
  readonly values: Float32Array;
};

/** Trees after which clear rows are let go: those with a margin `below` get `OUT_SCORE`, those `above` get `IN_SCORE`. */
export type Exit = { readonly trees: number; readonly below: number; readonly above: number };

/** What rows that were let go end with when they are not (measured). */
export const OUT_SCORE = 0.01;
export const IN_SCORE = 0.98;

export type Rows = {
  readonly values: Float32Array;
  readonly count: number;
  /** Values from one row to the next. */
  readonly stride: number;
  /** Gets each row's probability. A row whose score is below `sure` or above `1 − sure` already is left as it is. */
  readonly scores: Float32Array;
  readonly sure?: number;
};

/** Probabilities of rows. Rows are let go early at `exits`, in order of trees. */
export function scoreRows(trees: Trees, rows: Rows, exits: readonly Exit[] = []): void {
  const { nodes, values, roots, base } = trees;
  const { values: row, stride, scores, sure } = rows;
  const ends = [...exits.map((exit) => Math.min(exit.trees, roots.length)), roots.length];
  for (let at = 0; at < rows.count; at++) {
    if (isSure(scores[at] as number, sure)) continue;
    const from = at * stride;
    let margin = base;
    let tree = 0;
    let known = 0;
    for (let part = 0; part < ends.length; part++) {
      const end = ends[part] as number;
      for (; tree < end; tree++) {
        const root = roots[tree] as number;
        let leaf = root;
        let node = nodes[leaf] as number;
        while ((node & LEAF) !== LEAF) {
          const right = (row[from + (node & LEAF)] as number) > (values[leaf] as number) ? 1 : 0;
          leaf = root + (node >>> 16) + right;
          node = nodes[leaf] as number;
        }
        margin += values[leaf] as number;
      }
      if (part === exits.length) break;
      known = exitScore(margin, exits[part] as Exit);
      if (known > 0) break;
    }
    scores[at] = known > 0 ? known : logistic(margin);
  }
}

/** Whether a row of this score is left as it is. */
export function isSure(score: number, sure = -1): boolean {
  return score < sure || score > 1 - sure;
}

/** The score of a row that is let go at `exit`; 0 when it goes on. */
export function exitScore(margin: number, { below, above }: Exit): number {
  return margin < below ? OUT_SCORE : margin > above ? IN_SCORE : 0;
}

export function logistic(margin: number): number {
  return 1 / (1 + Math.exp(-margin));
}
