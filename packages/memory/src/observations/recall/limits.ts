/** Bounds of recall's arithmetic (I12), each with its reason. */

/** Candidates that one recall weighs: as many as the index gives at most. */
export const CANDIDATES_MAX = 10_000;

/** Candidates that are weighed at least: a look into a segment gives that many for little more than ten. */
export const CANDIDATES_MIN = 64;

/** Largest weight of a term: weights are shares of their sum, so larger ones say nothing more. */
export const WEIGHT_MAX = 1_000_000;

/** Links of one row, its own and those of rows that name it: a row that everything names tells nothing, and must not cost everything. */
export const LINKS_MAX = 32;

/** Hops that activation spreads: it halves with each, so beyond four a sixteenth is left. */
export const SPREAD_DEPTH_MAX = 4;

/** Rows whose links one spreading looks at, at most: about 10 ms with 8 links each (measured), and batches wait meanwhile. */
export const SPREAD_BUDGET_MAX = 1_000;

/** Rows that activation spreads from. */
export const SPREAD_SOURCES_MAX = 1_000;

/** Rows whose neighbours a consolidation asks for in one step, at most: each is a search, about 0.3 ms. */
export const CONSOLIDATE_STEP_MAX = 10_000;

/** Rows of one page of a consolidation: 64 KB, so that a space of few rows costs little and a sparse one only its pages. A power of two. */
export const FOREST_PAGE_ROWS = 4_096;

/** Rows put into their groups between two yields, at most: 1 ms. */
export const GROUPING_ROWS = 4_096;
