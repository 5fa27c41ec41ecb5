/** Bounds of the wire of ingest (I12), each with its reason; those of the engine behind it come from its capabilities. */

/** Producers connected at once; past it an upgrade is refused as `overloaded`. */
export const INGEST_SOCKETS_MAX = 10_000;

/** Largest message: the largest batch the engine takes, with its header. */
export const INGEST_MESSAGE_BYTES_MAX = 20 * 1024 * 1024 + 64;

/** Largest message of text: what a producer says beside its batches are a few words. */
export const INGEST_TEXT_BYTES_MAX = 4_096;

/** Bytes of messages that are not yet whole, or wait for vectors, over all producers: a dozen of the largest. The one that passes it goes. */
export const INGEST_HELD_BYTES_MAX = 256 * 1024 * 1024;

/** Time to say `init`; a connection that says nothing gives its socket back. */
export const INGEST_INIT_MS = 10_000;

/** Pause between pings, and how long a producer that says nothing is kept (spec). */
export const INGEST_HEARTBEAT_MS = 30_000;
export const INGEST_IDLE_MS = 300_000;

/** Least time between two acks of one producer: far below a commit, and 500 messages a second at most. */
export const INGEST_ACK_MS = 2;

/** Bytes of answers a producer may leave unread before no more of its messages are read, and acks are left out. */
export const INGEST_UNSENT_BYTES_MAX = 256 * 1024;

/** Largest body of observations. */
export const OBSERVATIONS_BODY_BYTES_MAX = INGEST_MESSAGE_BYTES_MAX;

/** Longest a request waits for the mark it asked for. */
export const OBSERVE_WAIT_MS = 30_000;

/** Sessions held open for requests, and how long one is kept without any: an open is a look-up and costs more than a submit. */
export const HTTP_SESSIONS_MAX = 1_000;
export const HTTP_SESSION_IDLE_MS = 30_000;
