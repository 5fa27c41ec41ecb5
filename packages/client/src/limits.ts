/** Longest an ordinary call waits for its answer: recalls take milliseconds, so half a minute means the engine hangs. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Longest one upload may take: 256 MB at 1 MB/s, and a margin. */
export const UPLOAD_TIMEOUT_MS = 300_000;
/** Longest the engine may take to open a model that a space is to be given: four tries of 30 s, and the waits between. */
export const REEMBED_TIMEOUT_MS = 150_000;
/** Time for one page where the caller names none: the engine's own. What the answer itself may take longer is the margin. */
export const EXTRACT_TIMEOUT_MS = 30_000;
export const EXTRACT_MARGIN_MS = 10_000;
/** Longest the end of an extraction whose loop was left is waited for. */
export const EXTRACT_CANCEL_MS = 5_000;
/** Pieces of documents held while the rest comes: those of a few of the largest. */
export const EXTRACT_PARTS_MAX = 4_096;
/** Longest `waitMs` the engine accepts on an add. */
export const WAIT_MAX_MS = 60_000;

/** First wait before a retry or reconnect; the wait is drawn at random from 0 to it, so that clients do not return as one. */
export const BACKOFF_BASE_MS = 250;
/** The wait doubles up to this: a restart of the engine is noticed within it. */
export const BACKOFF_CAP_MS = 10_000;
/** Tries for one upload before its error is given to the caller: with the backoff above, about half a minute. */
export const UPLOAD_ATTEMPTS_MAX = 8;
/** Longest a `retryAfterMs` of the engine is honoured: past a minute the caller decides. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Uploads in flight: enough to fill a local link, few enough that a batch of large files stays small in memory. */
export const UPLOAD_CONCURRENCY = 6;
/** Most uploads in flight a caller may ask for: a browser opens six connections to a host, Node's pool is larger. */
export const UPLOAD_CONCURRENCY_MAX = 64;
/** Sources one job may hold (PROTOCOL.md, Add); more files become more jobs. */
export const JOB_SOURCES_MAX = 10_000;

/** Frames a subscription holds for a reader that is slower than the stream; past it, it stops reading and catches up later. */
export const BUFFER_FRAMES_MAX = 2_048;
/** The same in characters of JSON, for streams of large frames. One message of the engine may go above it. */
export const BUFFER_CHARS_MAX = 4_194_304;
/** Reading goes on once the buffer has drained to this part of its bound: often enough to keep flowing, rarely enough to batch. */
export const BUFFER_RESUME_AT = 0.25;
/** The engine says something at least every 15 s; three times that in silence and the connection is taken for dead. */
export const SILENCE_MAX_MS = 45_000;
/** Longest a WebSocket may take to open, before it is tried again. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** An idle WebSocket is kept this long after its last subscription, so that a page change does not reconnect. */
export const SOCKET_LINGER_MS = 2_000;
/** Longest line of an event stream, in characters: a frame is far below it, so past it the peer is not an engine. */
export const SSE_LINE_CHARS_MAX = 33_554_432;

/** Events in one append (PROTOCOL.md, Append). */
export const APPEND_EVENTS_MAX = 1_000;
/** Characters of one append: at three bytes each it still is a message that the engine takes (1 MB). */
export const APPEND_CHARS_MAX = 300_000;
/** Bytes of one event as JSON: those of the largest frame. */
export const EVENT_BYTES_MAX = 262_144;
/** Events a writer has sent and not yet got an answer for, by default: at 5 ms a commit, far above what one connection carries. */
export const IN_FLIGHT_DEFAULT = 8_192;
/** Events a writer holds, sent or not: about 10 s of a busy program while the engine is away. */
export const WRITER_EVENTS_MAX = 100_000;
/** The same in characters of JSON. */
export const WRITER_CHARS_MAX = 33_554_432;
