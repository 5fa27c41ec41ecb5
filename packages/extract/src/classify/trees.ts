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

/** Trees after which a row that is clearly in or out is let go, and again after as many more. */
const CHECK_EVERY = 24;
/** Margin that the trees to come have not been seen to turn: odds of 1 to 150. */
const CLEAR_MARGIN = 5;

/** Probabilities of `count` rows that begin `stride` values apart, into `scores`. */
export function scoreRows(
  trees: Trees,
  rows: Float32Array,
  shape: { readonly count: number; readonly stride: number; readonly scores: Float32Array },
): void {
  const { nodes, values, roots } = trees;
  const { stride, scores } = shape;
  for (let row = 0; row < shape.count; row++) {
    const from = row * stride;
    let margin = trees.base;
    for (let tree = 0; tree < roots.length; tree++) {
      const root = roots[tree] as number;
      let at = root;
      let node = nodes[at] as number;
      while ((node & LEAF) !== LEAF) {
        const right = (rows[from + (node & LEAF)] as number) > (values[at] as number) ? 1 : 0;
        at = root + (node >>> 16) + right;
        node = nodes[at] as number;
      }
      margin += values[at] as number;
      if (tree % CHECK_EVERY === CHECK_EVERY - 1 && (margin > CLEAR_MARGIN || margin < -CLEAR_MARGIN)) break;
    }
    scores[row] = 1 / (1 + Math.exp(-margin));
  }
}
