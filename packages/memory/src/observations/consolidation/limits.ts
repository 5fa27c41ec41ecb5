/** Bounds of consolidation (I12), each with its reason. */

/** Time of an index worker's thread that is taken at once, ms: no batch waits longer for it, and a question only for one step. */
export const SLICE_MS = 3;
/** A thread is idle when so long no batch came, ms. */
export const IDLE_MS = 5;
/** Share of its time that a thread gives which is never idle. */
export const BUSY_SHARE = 0.1;

/** Neighbours that are kept of a row, the nearest: of more, as in a crowd of equals, these tie it to the others all the same. */
export const NEIGHBOURS_MAX = 32;
/** Rows whose neighbours a worker is asked for at once: about 50 ms of work, which is how long a run takes to be cancelled. */
export const LOOK_ROWS = 128;
/** Rows of one page of lists as they are kept: at most 270 KB, and a commit for each so many searches. */
export const LIST_PAGE_ROWS = 1_024;
/** Pages read or dropped in one call of the store, at most 17 MB. */
export const LIST_PAGES_AT_ONCE = 64;
/** Rows put into groups between two looks at the time: below a millisecond, with all their neighbours. */
export const GROUP_ROWS = 64;
/** Rows compared with a representative between two looks at the time. */
export const COMPARED_ROWS = 64;

/** Times that a record of the log is read, which may be moved between two looks. */
export const READ_TRIES = 5;
/** Members that a concept lists; `count` says how many there are. */
export const CONCEPT_MEMBERS_LISTED = 50;
/** Concepts written in one commit: 10,000 ids. */
export const CONCEPTS_AT_ONCE = 200;
/** Concepts of one page of a listing. */
export const CONCEPTS_PAGE_MAX = 1_000;

/** Least threshold: below it rows have nothing in common, and everything becomes one concept. */
export const PATTERN_MIN = 0.5;
/** What a similarity may lose when it is computed from the index's codes. */
export const SIMILARITY_ROUNDING = 0.001;

/** Spaces consolidated at once: each holds its lists in memory for a moment. */
export const RUNS_MAX = 4;
/** Rows looked at in one run, unless it says less: all there can be. */
export const BUDGET_MAX = 4_000_000_000;
/** Times that a worker which died, or lost the space to another, is asked again, and the pause between, ms. */
export const ASK_TRIES_MAX = 50;
export const ASK_RETRY_MS = 100;
/** Rows removed by one call: one record of the log. */
export const REMOVALS_AT_ONCE = 1_000;
/** Times that duplicates are removed and what is left is grouped anew, since a chain may come apart; the next run does the rest. */
export const REMOVAL_PASSES_MAX = 8;

/** Least pause between two scheduled runs, ms, and the most a timer can wait. */
export const EVERY_MS_MIN = 1_000;
export const EVERY_MS_MAX = 2_147_483_647;
