/** Bounds of the stream package (I12), each with its reason. */

/** Calls waiting for the storage thread. At 100 µs a call it is 2 s of work: longer queues only hide that the disk is behind. */
export const STORAGE_CALLS_MAX = 20_000;

/** Calls one transaction takes at most, so that a commit stays below about 100 ms and an acknowledgement is never starved. */
export const COMMIT_CALLS_MAX = 1_000;

/** SQLite's page cache of one connection, in KiB: the upper levels of every index of a 10 GB log. */
export const PAGE_CACHE_KIB = 32_768;

/** Frames a stream keeps in memory for subscribers that are close behind. */
export const RING_FRAMES_MAX = 1_024;

/** Bytes of those frames; a reader further behind reads the log. With STREAMS_FOLLOWED_MAX it bounds all rings to 2 GB. */
export const RING_BYTES_MAX = 512 * 1024;

/** Streams kept open in memory; past it the least recently used that nobody holds is closed, and opened again from the log. */
export const ACTIVE_STREAMS_MAX = 1_000;

/** Streams in use up to which a reader may open one more. 10 KB each while quiet. Writers are not refused: their calls are bounded (I5). */
export const STREAMS_FOLLOWED_MAX = 4_096;

/** Largest frame, as JSON bytes: half a ring. Larger payloads belong in a blob that the frame names. */
export const FRAME_BYTES_MAX = 256 * 1024;

/** Levels of arrays and objects in an event's data: what recursive readers (JSON, structured clone) take with room to spare. */
export const DATA_DEPTH_MAX = 200;

/** Longest an append waits for its stream to be read again after a failed write: many times what a read takes. */
export const FENCE_WAIT_MS = 5_000;

/** Bytes of an entity's properties as JSON: those of one frame. Past it only the newest frame's are kept. */
export const ENTITY_BYTES_MAX = FRAME_BYTES_MAX;

/** Message ids a stream remembers for deduplication; 8 MB at 80 bytes each. */
export const MESSAGE_IDS_MAX = 100_000;

/** Producers a stream remembers; past it the one heard least recently is forgotten. */
export const PRODUCERS_MAX = 10_000;

/** Most frames in one ranged read, and most bytes: one hand-off between threads of a few milliseconds. */
export const READ_FRAMES_MAX = 1_000;
export const READ_BYTES_MAX = 1024 * 1024;

/** Bytes a subscriber may have unsent before it is fed from the log instead of being pushed to (I6). */
export const SUBSCRIBER_BYTES_MAX = 1024 * 1024;

/** A subscriber with frames waiting and no progress for this long is closed with `slow_consumer`. */
export const SUBSCRIBER_STALL_MS = 30_000;
