/** Bounds of the load generator; each with its reason. */

/** Bytes taken from a socket at once, one buffer for all sockets of a process: a saturated socket is then read a few hundred frames at a time. */
export const READ_BYTES = 256 * 1024;
/** Bytes of an unfinished message kept for one socket: far above the largest message a server here sends (frames are at most 256 KB). */
export const CARRY_BYTES_MAX = 16 * 1024 * 1024;
/** Numbers a subscriber may miss before they are only counted: enough to tell late frames from lost ones in any run that is not broken. */
export const MISSING_MAX = 100_000;
/** Sockets of one run: the ephemeral ports of one address, with room to spare. */
export const SUBSCRIBERS_MAX = 20_000;
export const STREAMS_MAX = 4_000;
export const RATE_MAX = 1_000_000;
/** Longest measured time: a run that takes more is a soak test. */
export const SECONDS_MAX = 600;
/** Room for the two markers in the smallest payload; below the frame limit of every server here in the largest. */
export const PAYLOAD_BYTES_MIN = 64;
export const PAYLOAD_BYTES_MAX = 128 * 1024;
export const BATCH_MAX = 1_000;
export const GENERATORS_MAX = 8;
/** Appends in flight in a saturated run; beyond it only the queue in the server grows. */
export const IN_FLIGHT_MAX = 4_096;
/** Frames a saturated run may be ahead of its subscribers, on average. */
export const WINDOW_MAX = 1_000_000;
/** Appends without an answer in an open-loop run: past it the server does not keep up at all and the run is given up. */
export const UNANSWERED_MAX = 200_000;
/** Connections being opened at once: below the usual listen backlog of 511. */
export const CONNECTING_MAX = 128;
/** Time for a server to say where it listens, and for all subscribers to follow. */
export const START_MS = 60_000;
/** A drain without any delivery for this long has lost what is missing. */
export const DRAIN_QUIET_MS = 3_000;
/** A drain that is still getting frames ends here: far above what a window's worth of frames needs. */
export const DRAIN_MS_MAX = 60_000;
