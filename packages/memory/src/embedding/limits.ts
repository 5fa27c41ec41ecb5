/** Bounds of embedding. */

/** Dimensions a table may have: as the index allows. */
export const TABLE_DIMS_MAX = 4_096;
/** Words a table may have: 20 times the built-in one, so a broken header cannot ask for gigabytes. */
export const TABLE_ROWS_MAX = 1_000_000;
/** Texts in one call of a provider: as many as one batch of the indexer at its largest. */
export const TEXTS_MAX = 10_000;
/** Characters of one text: over 20 times the largest chunk. */
export const TEXT_CHARS_MAX = 100_000;
/** Dimensions a provider may answer with: as the index allows. */
export const DIMS_MAX = 4_096;
/** Texts in one request to a remote provider: what the common servers accept. */
export const BATCH_MAX = 2_048;
/** Entries of the embedding cache: 1,000,000 × 256 dims is a gigabyte. */
export const CACHE_ENTRIES_MAX = 1_000_000;
/** Memory of a provider's cache in the engine: 10,000 vectors of 768 dims, the chunks of some hundred documents that come again. */
export const CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** What an entry takes beside its vector: key, map slot, array header (measured: about 200 bytes). */
export const CACHE_ENTRY_BYTES = 200;
/** Tries of one request, the first included. */
export const TRIES_MAX = 4;
/** First wait between tries; it doubles. */
export const BACKOFF_MS = 250;
/** Longest wait between tries, also when the server asks for more. */
export const BACKOFF_MS_MAX = 20_000;
/** Bytes of a provider's answer: 2,048 texts × 4,096 dims × 20 characters is 168 MB. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Longest time a request may be given: ten minutes, for a large model on a slow machine. */
export const TIMEOUT_MS_MAX = 600_000;
