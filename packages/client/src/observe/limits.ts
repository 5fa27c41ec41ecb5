/** Bounds of the observation writer (I12), each with its reason. */

/** Observations and bytes of one batch by default: what one disk write and one index call of the engine do well with. */
export const BATCH_OBSERVATIONS_DEFAULT = 500;
export const BATCH_BYTES_DEFAULT = 2_097_152;
/** The most that may be asked for; the engine's own bounds are told by it and hold as well. */
export const BATCH_OBSERVATIONS_MAX = 100_000;
export const BATCH_BYTES_MAX = 67_108_864;
/** Longest an observation waits for others to go with, by default. */
export const BATCH_MS_DEFAULT = 2;

/** Observations and bytes a writer holds by default until they are durable: a few seconds of a busy producer while the engine is away. */
export const QUEUE_OBSERVATIONS_DEFAULT = 50_000;
export const QUEUE_BYTES_DEFAULT = 268_435_456;
/** The most that may be asked for: what a browser's tab or a small process can hold. */
export const QUEUE_OBSERVATIONS_MAX = 10_000_000;
export const QUEUE_BYTES_MAX = 8_589_934_592;
/** `ready` resolves once what is held is below this part of both: then there is room for more than one small call. */
export const READY_AT = 0.5;

/** Dimensions an index takes (spec). */
export const DIMS_MIN = 2;
export const DIMS_MAX = 4_096;

/** Bytes handed to the WebSocket and not yet sent: two batches, so that it never idles and nothing lies there in vain. */
export const SOCKET_BYTES_MAX = 4_194_304;
/** Pause before looking again whether the WebSocket has sent them: it does not tell. */
export const SOCKET_LOOK_MS = 2;

/** The engine pings every 30 s; three times that in silence and the connection is taken for dead. */
export const INGEST_SILENCE_MAX_MS = 90_000;
/** A connection without work is kept this long, so that calls that follow one another share it. */
export const INGEST_LINGER_MS = 2_000;
/** Least spread of the wait after a refusal, so that producers that were refused together do not come back as one. */
export const REFUSAL_JITTER_MIN_MS = 5;
