/** Bounds of the harness; each with its reason. */

/** Runs of one case: more than 100 samples do not move a median that matters. */
export const REPEATS_MAX = 100;
/** Unmeasured runs before the measured one: V8 has optimised a loop long before. */
export const WARMUP_MAX = 100;
/** Time of one child process, its set-up and warm-up included: a case that needs more hangs. */
export const CHILD_TIMEOUT_MS = 10 * 60 * 1_000;
/** Bytes of a child's output that are read: a case prints a line of figures, the rest is for a person. */
export const CHILD_OUTPUT_BYTES_MAX = 1024 * 1024;
/** A throughput below this share of the old one is a regression. */
export const THROUGHPUT_RATIO_MIN = 0.9;
/** A latency above this multiple of the old one is a regression. */
export const LATENCY_RATIO_MAX = 1.15;
