/** Bounds of the stream package (I12), each with its reason. */

/** Calls waiting for the storage thread. At 100 µs a call it is 2 s of work: longer queues only hide that the disk is behind. */
export const STORAGE_CALLS_MAX = 20_000;

/** Bytes of frames waiting for the storage thread: a second of writing at full speed. Frames shown early are held in memory until then. */
export const STORAGE_BYTES_MAX = 128 * 1024 * 1024;

/** Calls one transaction takes at most, so that a commit stays below about 100 ms and an acknowledgement is never starved. */
export const COMMIT_CALLS_MAX = 1_000;

/** SQLite's page cache of one connection, in KiB: the upper levels of every index of a 10 GB log. */
export const PAGE_CACHE_KIB = 32_768;

/**
 * Pages the write-ahead log grows to before a commit moves them into the database: 2 MB. The commit that does waits for the disk, the longer the
 * more there is to move. Measured at 200,000 frames/s sustained: longest append 12 ms and p99 8 ms at 500 pages, 17 and 13 ms at SQLite's 1,000,
 * 52 and 21 ms at 4,000, 178 ms at 16,384; the rate is the same.
 */
export const WAL_PAGES_MAX = 500;

/** Frames a stream keeps in memory for subscribers that are close behind. */
export const RING_FRAMES_MAX = 1_024;

/** Bytes of those frames; a reader further behind reads the log. */
export const RING_BYTES_MAX = 512 * 1024;

/** Bytes of all rings together: past it the streams written to least recently keep no frames in memory, and their readers read the log. */
export const RINGS_BYTES_MAX = 256 * 1024 * 1024;

/** Batches a stream shares among followers at the same place: the live one, and readers that are a few flushes behind. */
export const BATCHES_SHARED_MAX = 4;

/** Wire forms of a batch whose bytes are shared: SSE, Centrifugo, and a WebSocket for the few numbers that most clients give a subscription. */
export const BATCH_FORMS_MAX = 8;

/** A round of waking followers that took this long makes the next one wait, so that it carries more frames. */
export const FLUSH_BUSY_MS = 1;

/** Longest wait between two rounds: what coalescing may add to a frame's latency. */
export const FLUSH_DELAY_MAX_MS = 5;

/** Streams kept open in memory; past it the least recently used that nobody holds is closed, and opened again from the log. */
export const ACTIVE_STREAMS_MAX = 1_000;

/** Streams in use up to which a reader may open one more. 10 KB each while quiet. Writers are not refused: their calls are bounded (I5). */
export const STREAMS_FOLLOWED_MAX = 4_096;

/** Largest frame, as JSON bytes: half a ring. Larger payloads belong in a blob that the frame names. */
export const FRAME_BYTES_MAX = 256 * 1024;

/** Levels of arrays and objects in an event's data: what recursive readers (JSON, structured clone) take with room to spare. */
export const DATA_DEPTH_MAX = 200;

/** Streams the recovery pass looks at together, and events of one of its appends: one commit each. */
export const RECOVER_STREAMS_MAX = 256;
export const RECOVER_EVENTS_MAX = 1_000;

/** Streams out of memory whose open texts' lengths are remembered; past it a producer that goes on must name its offset. */
export const LIFECYCLES_PARKED_MAX = 4_096;

/** Open texts, calls and the like of all those streams together; 500 bytes each. */
export const LIFECYCLES_PARKED_ROWS_MAX = 100_000;

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

/** Most bytes of entities in one page of a timeline, and most entities of the snapshot that a reader is sent; the rest is asked for by page. */
export const TIMELINE_BYTES_MAX = 4 * 1024 * 1024;
export const SNAPSHOT_ENTITIES_MAX = 1_000;

/** Bytes a subscriber may have unsent before it is fed from the log instead of being pushed to (I6). */
export const SUBSCRIBER_BYTES_MAX = 1024 * 1024;

/** A subscriber with frames waiting and no progress for this long is closed with `slow_consumer`. */
export const SUBSCRIBER_STALL_MS = 30_000;

/** Messages, tool calls and the like one stream may have open; 200 bytes each. A producer that never ends any is told. */
export const LIFECYCLE_OPEN_MAX = 4_096;

/** Ended ids of each kind a stream remembers, the newest; 200 bytes each. A frame for an id forgotten counts as one for a new id. */
export const LIFECYCLE_ENDED_MAX = 10_000;

/** Length of an id that is remembered: ids are short or they are data. */
export const ENTITY_ID_CHARS_MAX = 256;

/** Characters of one text after which its next delta carries the whole text as well, so that a late reader need not go back further. */
export const KEYFRAME_CHARS = 64 * 1024;

/** Longest text that is kept for keyframes: with its delta it still fits into half a frame. A longer one makes no more keyframes. */
export const KEYFRAME_TEXT_CHARS_MAX = 128 * 1024;

/** Characters of all texts one stream keeps for keyframes: as much as its ring. Past it the text that grows is given up. */
export const STREAM_TEXT_CHARS_MAX = 512 * 1024;

/** Frames whose effect on lifecycles can be undone when their write fails; 40 bytes each. Further back, lengths count as unknown. */
export const LIFECYCLE_UNDO_MAX = 262_144;

/** States that translators keep over all streams, one an open run; the least recently written is given up first. 1 KB each. */
export const TRANSLATOR_STATES_MAX = 10_000;

/** Events one event may be translated into: a translator that gives more is defective. */
export const TRANSLATED_EVENTS_MAX = 1_000;

/** Events one append may be translated into: ten of the largest appends, 40 ms of this thread. What is beyond is kept as it came. */
export const TRANSLATED_APPEND_MAX = 10_000;

/** Type names that unknown and failed events are counted by; the rarer ones share their counts (space-saving). */
export const COUNTED_TYPES_MAX = 32;

/** Frames and bytes one step of trimming deletes: a commit of some milliseconds, so that appends do not wait behind it (measured). */
export const TRIM_FRAMES_MAX = 2_000;
export const TRIM_BYTES_MAX = 4 * 1024 * 1024;

/** Pause between two looks at all streams: ages are days, and what grows faster is looked at in between. */
export const SWEEP_EVERY_MS = 60_000;

/** Streams looked at in one read of a sweep: a few milliseconds of the reading thread. */
export const SWEEP_STREAMS_MAX = 1_000;

/** Job streams looked at in one read. */
export const JOBS_REMOVED_MAX = 1_000;

/** Frames appended to all streams together after which those that changed are looked at: how far they may be over their bounds meanwhile. */
export const GROWTH_FRAMES = 10_000;

/** Least pause before such a look, so that a flood of appends is looked at once. */
export const GROWTH_PAUSE_MS = 1_000;

/** A stream's time of change is that of its append, which may be this much older than its commit. The sweep finds what is older still. */
export const CHANGED_SLACK_MS = 5_000;

/** Longest a change of policy waits for the stream to be trimmed; a long stream is trimmed on afterwards. */
export const RETAIN_WAIT_MS = 5_000;

/** Findings one verification lists; the others are counted. */
export const FINDINGS_MAX = 1_000;

/** Ended entities of a stream that verification remembers, the newest: 100 bytes each. An entity that ends again after more than that is not found. */
export const VERIFY_ENDED_MAX = 100_000;

/** Entities of one stream that verification builds again from its frames to compare; a stream with more is not compared. */
export const VERIFY_ENTITIES_MAX = 50_000;

/** Frames between two reports of a verification's progress: about a quarter of a second. */
export const VERIFY_PROGRESS_FRAMES = 100_000;
