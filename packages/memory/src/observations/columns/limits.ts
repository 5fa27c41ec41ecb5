/** Bounds of the columns of a space (I12), each with its reason. */

/** Rows of one page: its columns are 1.4 MB, little enough to be given back when all of it is gone, and to grow without a pause. */
export const PAGE_ROWS = 65_536;

/** Rows of a page when it begins: a space of few observations takes a few KB. */
export const PAGE_ROWS_MIN = 64;

/** Entries of one run of a field's column: growing the last one copies at most so many, 0.1 ms. A power of two. */
export const RUN_ENTRIES = 65_536;

/** Payload fields of a space that can be filtered by, beside the four labels: payloads with made-up keys must not take memory without end. */
export const FIELDS_MAX = 64;

/** Different strings of one field; each takes 23 to 46 bytes. A field with more is an id, which is asked for by `id`. */
export const FIELD_VALUES_MAX = 1_000_000;

/** Characters of a string that can be compared with; hashing this many takes 3 µs (measured). */
export const VALUE_CHARS_MAX = 1_024;

/** Characters of a field's name that can be filtered by. */
export const FIELD_CHARS_MAX = 128;

/** Conditions of one filter: each may look at every row that has its field, about 1 ms for a million rows. */
export const FILTER_TERMS_MAX = 64;

/** `and`, `or` and `not` inside one another: each level holds one bitmap while it is worked out. */
export const FILTER_DEPTH_MAX = 8;

/** Values of one `in`. */
export const IN_VALUES_MAX = 256;

/** Removals whose generations can still be asked for when nothing else is said: their vectors stay, about 1 KB each. */
export const REMOVALS_KEPT = 65_536;

/** Rows given up for good in one call: their vectors are taken out of the index one by one. */
export const FINAL_ROWS_MAX = 4_096;

/** `confidence` and `importance` are kept to so many steps from 0 to 1. */
export const SHARE_STEPS = 10_000;
