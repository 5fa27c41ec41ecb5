/** Bounds of ingest (I12), each with its reason. */

/** Observations of one batch: a megabyte or two of vectors, which is what one disk write and one index call do best with. */
export const BATCH_OBSERVATIONS_MAX = 1_000;

/** Bytes of one batch as sent: 1,000 vectors of 4,096 dimensions in f32, and some words about each. */
export const BATCH_BYTES_MAX = 20 * 1024 * 1024;

/** Bytes of JSON with one batch: 4 KB an observation; parsing so much takes 100 ms of the main thread. */
export const BATCH_META_BYTES_MAX = 4 * 1024 * 1024;
/** Levels that a payload nests: what threads copy and print by recursion. */
export const PAYLOAD_DEPTH_MAX = 64;

/** Characters of an observation's text: a few pages; what is longer is a document. */
export const OBSERVATION_TEXT_CHARS_MAX = 100_000;
/** Characters of a label: it is kept in memory for filters. */
export const LABEL_CHARS_MAX = 300;
export const OBSERVATION_ID_CHARS_MAX = 128;
export const OBSERVATION_LINKS_MAX = 32;
/** Longest time to live: a hundred years. */
export const TTL_MS_MAX = 3_153_600_000_000;

/** Rows of one space: ids of the vector index are 32 bits wide, and some are kept back for what was lost and is numbered again. */
export const SPACE_ROWS_MAX = 4_000_000_000;

/** Sessions open at once. */
export const SESSIONS_MAX = 10_000;
/** Sessions that were closed and can be resumed; the one unused for longest is forgotten, which costs it its idempotence. */
export const SESSIONS_REMEMBERED_MAX = 100_000;
/** Credits of a session unless it asks for others, and the most it can have: what a lane holds. */
export const CREDITS_DEFAULT = 10_000;
export const CREDITS_MAX = 100_000;

/** Observations a worker has in hand, in batches: one that it works on and one that waits, so that it never idles. */
export const WORKER_BATCHES_MAX = 2;

/** Rows added between two looks for questions: half a millisecond. */
export const ROWS_BETWEEN_QUESTIONS = 64;

/** Times a worker may die with the same batch at the head of what it has in hand before that goes to the dead letters. */
export const DEATHS_MAX = 5;

/** Times a space is opened at once after its worker died; then after waits that double, from so many ms; then it is given up. */
export const OPENINGS_AT_ONCE = 5;
export const OPENING_WAIT_MS = 50;
export const OPENINGS_MAX = 12;
/** Time after which a space that was given up is opened once more, when it is wanted: a disk may have been mended, files put back. */
export const GIVEN_UP_MS = 10_000;

/** Dead letters kept of each space, the latest. */
export const DEAD_LETTERS_MAX = 1_000;

/** Rows that can be accepted and not yet durable: what all lanes hold, with room. A start looks that far for what a crash lost. */
export const LANES_ROWS_MAX = 300_000;

/** Pause between tries of a write that the disk refused. */
export const LOG_RETRY_MS = 500;

/** Batches whose words go into the full text in one write: others' writes wait behind it. */
export const TEXT_BATCHES_MAX = 16;

/** Removals by whose number generations of one index are told from those of the next: more than any index has in a millisecond. */
export const REMOVALS_PER_MS = 1_024;

/** Time between two looks for what has expired: recalls look by themselves, this is for the memory it takes. */
export const EXPIRE_LOOK_MS = 250;

/** Rows after which a space's index is saved under load: saving a million rows takes a second of its worker's time, replaying them ten. */
export const SAVE_ROWS = 1_000_000;
/** Rows after which it is saved once nothing comes any more. */
export const SAVE_QUIET_ROWS = 5_000;
/** Time between two looks for indexes to save. */
export const SAVE_LOOK_MS = 15_000;

/** Time between two looks for space in the log that can be given back, and rows that must have gone since the last. */
export const RECLAIM_LOOK_MS = 60_000;
export const RECLAIM_ROWS = 50_000;
/** Time between two looks while the log is full: then whatever has gone since the last makes room. */
export const FULL_LOOK_MS = 1_000;

/** Questions waiting for one worker. */
export const QUESTIONS_MAX = 10_000;

/** Time a drain gives to what was accepted. */
export const INGEST_DRAIN_MS = 10_000;

/** Time between two looks at the memory of the process: what comes in meanwhile is below a hundredth of a gigabyte. */
export const MEMORY_LOOK_MS = 100;

/** Least that the log can be limited to: eight files of 64 KiB. */
export const LOG_BYTES_MIN = 524_288;
