/** Bounds of embedding a space anew (I12), each with its reason. */

/** Runs at once over all spaces: each holds a second index in memory and shares provider and writing thread with the others. */
export const REEMBEDS_MAX = 4;

/** Progress frames of a run: the stream of a space is never trimmed, so a run leaves little in it. */
export const PROGRESS_FRAMES_MAX = 20;

/** Chunks that came meanwhile and are still to be embedded when writes are held for the swap: one commit of them. */
export const HELD_CHUNKS_MAX = 256;

/** Rounds of catching up with what comes meanwhile; then writes are held, however much is left, or it might never end. */
export const CATCH_UP_ROUNDS_MAX = 8;

/** Chunks put during a run and not yet embedded anew: 8 MB of numbers. Past it the run fails: the model is slower than what comes. */
export const LATE_CHUNKS_MAX = 1_000_000;
