/** Bounds of alerts (I12), each with its reason. */

/** Time between two looks: a fifth of the shortest window, and 30 to 80 µs each (measured). */
export const LOOK_EVERY_MS = 1_000;
export const LOOK_EVERY_MS_MIN = 10;
export const LOOK_EVERY_MS_MAX = 60_000;

/** Looks that a window may span: three histograms each, 30 KB. */
export const WINDOW_LOOKS_MAX = 300;

/** What rates and latencies of observations are shown over: long enough to read, short enough to follow. */
export const WINDOW_SHOWN_MS = 10_000;

/** Least time between two alerts of one rule and subject: what somebody who is called can look into. */
export const COOLDOWN_MS = 60_000;
/** Longest cool-down: a day. */
export const COOLDOWN_MS_MAX = 86_400_000;

/** How far below its limit, as a share of it, a value must fall before its alert is over: what wavers at the limit is one alert. */
export const HYSTERESIS_SHARE = 0.1;

/** Batches of a window below which its percentile says nothing. */
export const LATENCY_BATCHES_MIN = 10;

/** Observations of a window below which a share of them says nothing. */
export const REJECTION_OFFERS_MIN = 100;

/** Frames that wait for the store; past it the oldest are lost, and counted. Thirty rounds of every rule. */
export const FRAMES_WAITING_MAX = 500;

/** Pause between tries of frames that the store refused. */
export const FRAMES_RETRY_MS = 1_000;

/** Newest frames of the stream that are searched for alerts which the last process left open; one page. */
export const FRAMES_SEARCHED = 1_000;
