/** Bounds of admission; each with its reason. */
import type { Lane } from "@millrace/protocol";

/** Observations that a space may take in its turn: small, so that a quiet space waits for little; large, so that turns cost nothing. */
export const QUANTUM = 64;

/** A lane whose oldest entry has waited so long gets its share however busy the lanes above are: a quarter of a second is seen by people. */
export const AGE_MS = 250;
/** The same for the low lane while memory is above its soft limit and the lane is paused: it still ends. */
export const PAUSED_AGE_MS = 5_000;
/** Share of what is taken that an aged lane gets at least; what is left, 5/8, is the high lane's at its busiest. */
export const AGED_SHARE = { high: 0, normal: 1 / 4, low: 1 / 8 } as const satisfies Record<Lane, number>;

/** Time constant of the drain rate, in time with work: one second follows a change of load and evens out batches. */
export const DRAIN_TIME_CONSTANT_MS = 1_000;
/** Observations a second that are assumed before any is done: what one core indexes at 768 dimensions, at the least. */
export const DRAIN_DEFAULT_PER_S = 20_000;

/** Shortest wait asked of a refused producer: below, it would ask again before anything can have changed. */
export const RETRY_AFTER_MS_MIN = 10;
/** Longest wait asked of a refused producer: it should find out within a minute that things are well again. */
export const RETRY_AFTER_MS_MAX = 60_000;
/** Part of a wait that chance adds, so that refused producers do not return together. */
export const RETRY_JITTER_SHARE = 0.25;
/** Wait when memory is the cause: what a compaction takes, about. */
export const MEMORY_RETRY_MS = 1_000;

/** Pressure at which a state is entered: from below, at or above it. */
export const STATE_UP = { warning: 0.5, critical: 0.8, overloaded: 0.95 } as const;
/** Pressure at which a state is left: from above, at or below it. Lower than STATE_UP, so that it does not flicker. */
export const STATE_DOWN = { warning: 0.4, critical: 0.7, overloaded: 0.9 } as const;
/** Share of its soft limit that memory must fall to before the low lane goes on and a compaction can be asked for again. */
export const SOFT_LEAVE_SHARE = 0.9;
/** Share of its size that a batch keeps while memory is above its soft limit. */
export const SOFT_BATCH_SHARE = 1 / 4;

/** Spaces with nothing queued that are remembered: about 2 MB; a space forgotten costs one allocation when it comes again. */
export const IDLE_SPACES_KEPT = 4_096;

/** Least and most of what may be configured: a lane, or a space's share of it, holds at most this many observations. */
export const LANE_COUNT_MAX = 10_000_000;
/** A lane's bytes at most: what one shared memory can hold. */
export const LANE_BYTES_MAX = 16 * 1024 ** 3;
/** Bytes of a lane unless told otherwise, for each observation: 768 float32 and 1 KiB of JSON. */
export const LANE_BYTES_PER_OBSERVATION = 4_096;
/** Observations of one batch at most: 100,000 of 768 dimensions are 300 MB in one hand-over. */
export const BATCH_COUNT_MAX = 100_000;
/** Time that a batch may aim at: above, a recall would not see for a minute what was accepted. */
export const BATCH_TARGET_MS_MAX = 60_000;
/** Index workers at most: as many as builder threads of one index. */
export const WORKERS_MAX = 64;
/** Longest sleep of an idle worker: above, the first observation after a pause waits for it noticeably. */
export const IDLE_MS_MAX = 1_000;
/** Memory limits at least: below, not even an empty engine fits. */
export const MEMORY_BYTES_MIN = 64 * 1024 ** 2;

/** What a measured batch keeps of its weight with each that follows: about the last ten count, so a changed cost is known in 20. */
export const BATCH_DECAY = 0.9;
/** A batch that takes so many times as long as expected, or as short, means that costs are others now: what was learned is forgotten. */
export const COST_CHANGE_RATIO = 3;
/** Share of a batch's time that is guessed to be its observations', not its own. */
export const COST_PRIOR_SHARE = 0.9;
/** Weight of the guess against the variance of sizes over their mean squared: a spread below a twentieth of the mean tells little. */
export const COST_PRIOR_WEIGHT = 0.0025;

/** Memory of batches under way: one WebAssembly memory with 32-bit addresses. */
export const BLOCK_BYTES_MAX = 4 * 1024 ** 3 - 65_536;
/** Its size against what the lanes hold: gaps between blocks of unlike sizes take the rest. */
export const BLOCK_SLACK = 1.25;
