/** Bounds of the server (I12), each with its reason. */

/** Largest JSON body: 10,000 sources of 1.6 KB. */
export const JSON_BYTES_MAX = 16 * 1024 * 1024;

/** Largest upload: what the PDF reader takes. */
export const UPLOAD_BYTES_MAX = 100 * 1024 * 1024;

/** Bytes of bodies being received at once; one more upload is refused as `overloaded` and tried again by the client. */
export const RECEIVING_BYTES_MAX = 256 * 1024 * 1024;

/** Time to receive a whole request, and its headers: a client that trickles bytes gives its socket back. */
export const REQUEST_TIMEOUT_MS = 120_000;
export const HEADERS_TIMEOUT_MS = 10_000;

/** Sockets open at once; 64 KB of kernel and process memory each. */
export const CONNECTIONS_MAX = 10_000;

/** Sources in work at once over all jobs: enough to keep two extractors, one embedder and the disk busy, few enough to hold in memory. */
export const SOURCES_AT_ONCE = 4;

/** Jobs running at once; one more is refused as `overloaded`. */
export const JOBS_RUNNING_MAX = 1_000;

/** A job whose uploads stop coming for this long ends as interrupted, so that no job runs for ever. */
export const UPLOAD_IDLE_MS = 300_000;

/** Least time between two progress frames of one job, and of one document: what an eye can follow. */
export const PROGRESS_EVERY_MS = 200;

/** Pause between tries to record the end of a source while the disk is full, and how many tries. */
export const SETTLE_RETRY_MS = 1_000;
export const SETTLE_TRIES_MAX = 600;

/** Tries of a source that the engine cannot take now (full disk, full queue), and the first pause between them; it doubles. */
export const INGEST_TRIES_MAX = 6;
export const INGEST_RETRY_MS = 250;

/** Errors listed with a job; all are counted. */
export const JOB_ERRORS_MAX = 100;

/** Longest `waitMs` of an add. */
export const WAIT_MS_MAX = 60_000;

/** Pause between heartbeats of a stream that is being followed. */
export const HEARTBEAT_MS = 15_000;

/** Subscriptions of one socket. */
export const SUBSCRIPTIONS_MAX = 1_000;

/** Largest WebSocket message a client may send: requests only. */
export const SOCKET_MESSAGE_BYTES_MAX = 64 * 1024;

/** Time that closing waits for work under way. */
export const DRAIN_MS = 10_000;

/** Time a peer that is sent away has to read why, before its socket goes. */
export const LAST_WORDS_MS = 1_000;

/** Longest `/readyz` waits for the threads to answer; a busy thread is not a dead one. */
export const READY_WAIT_MS = 1_000;

/** Levels of arrays and objects in a WebSocket message: all that exist are one flat object. */
export const SOCKET_MESSAGE_DEPTH_MAX = 8;
