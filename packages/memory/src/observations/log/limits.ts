/** Bounds of the observation log, each with its reason. */

/** Every write to a log file begins and ends on one: what O_DIRECT asks of the largest common device sector. */
export const BLOCK_BYTES = 4_096;

/** Records begin on one, so that their vectors lie aligned in the file and in any buffer that it is read into. */
export const PLACE_BYTES = 64;

/** A file is closed before it would grow past this: small enough to rewrite in a second, large enough that a day has few. */
export const FILE_BYTES_DEFAULT = 256 * 1024 * 1024;
export const FILE_BYTES_MIN = 64 * 1024;
/** Offsets are kept in units of 64 bytes in 32 bits, commits in bytes in 32 bits. */
export const FILE_BYTES_MAX = 4_000_000_000;

/** A log of limited size has at least so many files, so that there is always a closed one to reclaim. */
export const FILES_OF_LIMITED_MIN = 8;

/** Of a log of limited size, what observations leave to removals, without which a full log could not be emptied: this share, up to so many bytes. */
export const REMOVALS_RESERVE_SHARE = 1 / 16;
export const REMOVALS_RESERVE_BYTES_MAX = 16 * 1024 * 1024;

/** A file is closed at so many records: its index, 33 bytes each, is kept in memory until then. */
export const FILE_RECORDS_MAX = 262_144;

/** Vectors and JSON of one record. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Records of one append: they become durable together. */
export const APPEND_RECORDS_MAX = 65_536;
export const APPEND_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes that appends may have under way: half a second of a disk that takes 500 MB/s. Beyond it `overloaded`. */
export const PENDING_BYTES_MAX = 256 * 1024 * 1024;

/** One commit takes no more appends than this many bytes: about 5 ms, which is how long the next one waits. */
export const COMMIT_BYTES_MAX = 8 * 1024 * 1024;

/** Staging memory, which is what one write can carry: throughput stays level above 1.5 MB (measured). */
export const STAGING_BYTES = 4 * 1024 * 1024;

/** Observations and removed rows of one record. */
export const RECORD_ROWS_MAX = 1_048_576;

/** Read at once while walking over headers: most records that follow one another closely fit. */
export const WALK_WINDOW_BYTES = 16 * 1024;

/** Read at once while checking bodies, rewriting and copying. */
export const READ_CHUNK_BYTES = 1024 * 1024;

/** Log files that one reader keeps open; the one used longest ago is closed. */
export const READER_FILES_MAX = 32;

/** Files merged into one: their numbers are listed in its first block. */
export const MERGE_FILES_MAX = 512;
/** So many small neighbours are merged even when nothing in them is dead: what restarts leave behind. */
export const MERGE_FILES_MIN = 4;
/** A file is small up to this share of the largest. */
export const SMALL_FILE_SHARE = 0.25;
/** A file is rewritten when more than this share of its bytes is dead: each byte kept is then copied at most once per byte freed. */
export const DEAD_SHARE_MIN = 0.5;

/** Where a session stood is forgotten so long after its last observation, once that observation itself is gone. */
export const SESSION_KEPT_MS = 7 * 24 * 3_600_000;

/** What went wrong is listed up to so many; the rest is counted. */
export const FINDINGS_MAX = 1_000;
