/** Bounds of the vector package; each with its reason. */

/** One number is not a direction. */
export const DIMS_MIN = 2;
/** i32 sums of products stay below 2^26 and a block below 1.1 MB; no embedding model in use is wider. */
export const DIMS_MAX = 4_096;
/** Rows of a block: one call into the kernel, 200 KB at 768 dimensions, so that it fits the L2 cache. A multiple of 4. */
export const BLOCK_ROWS = 256;
/** Bytes of one segment's memory unless the index is given less: large enough to need few, small enough to compact. */
export const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
/** Rows of one segment: the low 20 bits of a slot. */
export const SEGMENT_ROWS_MAX = 2 ** 20;
/** Segments of one index: the high 12 bits of a slot. */
export const SEGMENTS_MAX = 2 ** 12;
/** Bytes of one index unless told otherwise: about 5 million rows of 768 dimensions. */
export const INDEX_BYTES_MAX = 4 * 1024 ** 3;
/** Results of one search: each costs a heap entry, and nobody reads more. */
export const K_MAX = 10_000;
/** Means an index can hold rows of: the learned ones and those of earlier runs; a search prepares its query once for each. */
export const MEANS_MAX = 16;
/** Row counts at which the mean is learned again; recall@10 0.9965 at 256 against 0.998 with the mean of all rows (measured). */
export const MEAN_LEARNED_AT = [16, 64, 256] as const;
/** Removed rows a segment carries at most, as a share of its rows, before it is compacted. */
export const DEAD_SHARE_MAX = 0.25;
/** Removed rows below which a compaction is not worth its allocation. */
export const DEAD_ROWS_MIN = 64;
