/** Bounds of the vector package; each with its reason. */

/** One number is not a direction. */
export const DIMS_MIN = 2;
/** i32 sums of products stay below 2^26; no embedding model in use is wider. */
export const DIMS_MAX = 4_096;
/** Results of one search: each costs a place in the beam, and nobody reads more. */
export const K_MAX = 10_000;
/** Places in a beam: K_MAX and some slack; keep in step with assembly/graph/layout.ts. */
export const BEAM_MAX = 10_240;
/** Threads that can work on one index at once: the owner, one builder a segment, readers. Each has scratch space in every segment. */
export const SCRATCH_SLOTS = 18;
/** Of these the readers'; the first is the owner's, the second the builder's. */
export const READERS_MAX = SCRATCH_SLOTS - 2;
/** Builder threads of one index: more than the cores of large machines only take memory. */
export const WORKERS_MAX = 64;
/** Bytes of one index unless told otherwise: about 4 million rows of 768 dimensions. */
export const INDEX_BYTES_MAX = 4 * 1024 ** 3;
/** Rows after which the index learns mean and rotation from them; then they are coded again. */
export const LEARNED_ROWS = 1_024;
/** Rows of the first segment: what comes while it is learned from must fit. */
export const FIRST_ROWS = 4_096;
/** Rows of a segment unless its rows are wide: 131,072 rows of 768 dimensions have 42 MB of graph and signs; twice as many link slower, half as many are searched slower (measured). */
export const SEGMENT_ROWS = 131_072;
/** Most bytes of one segment, in 32-bit addresses. */
export const SEGMENT_BYTES_MAX = 2 ** 31;
/** Segments of one index: the high 12 bits of a slot. */
export const SEGMENTS_MAX = 2 ** 12;
/** Rows of a segment, the low 20 bits of a slot. */
export const SEGMENT_ROWS_MAX = 2 ** 20;
/** Rows below which a segment is scanned and has no graph; see docs/decisions/0008. */
export const GRAPH_ROWS_MIN = 16_384;
/** Rows that may be without a graph where graphs wait for demand: 1,048,576 are scanned in 10 ms at 768 dimensions. */
export const SCAN_ROWS_MAX = 1_048_576;
/** Removed rows a segment carries at most, as a share of its rows, before the rest is moved: at a third, two are moved for one removed. */
export const DEAD_SHARE_MAX = 1 / 3;
/** Removed rows below which a compaction is not worth its allocation. */
export const DEAD_ROWS_MIN = 64;
/** Recall@10 for which a segment keeps the least beam width that reached it. At most 8: the header has room for no more. */
export const RECALL_STEPS = [0.8, 0.9, 0.95, 0.97, 0.99] as const;
/** Neighbours for which beam widths are measured too: what one of several segments holds of the ten nearest. */
export const FEW_NEIGHBOURS = 3;
/** Beam widths tried, least first; a graph that needs more is slower than a scan. */
export const EFFORTS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512] as const;
/** Rows asked for their neighbours to measure recall: as many as so many bytes of a row allow, so that a measurement takes about 1 µs a row. */
export const SAMPLES = { least: 48, most: 96, bytes: 36_864 } as const;
/** Links a new row chooses; twice as many are kept on level 0, of at most 47 (Malkov and Yashunin call it M). */
export const M_DEFAULT = 16;
export const M_MAX = 20;
/** Beam width while linking, by what distances are taken from: what needs bytes is hard and gets a wider one. */
export const EF_CONSTRUCTION = { signs: 24, bytes: 64 } as const;
export const EF_CONSTRUCTION_MAX = 2_048;
/** Bytes of a file that are read or written, and checked, at once: about a millisecond of the thread. */
export const COPY_BYTES = 4 * 1024 ** 2;
/** Bytes of the manifest of a saved index, which is read in one piece: 250 million rows. */
export const MANIFEST_BYTES_MAX = 1024 ** 3;
