/** Bounds of the ingest benchmark; each with its reason. */

/** Observations a second: five times what two cores can index, so that overload can be measured. */
export const RATE_MAX = 1_000_000;
/** Longest load: a run that takes more is a soak test. */
export const SECONDS_MAX = 600;
export const SETTLE_SECONDS_MAX = 600;
/** As many sessions as the engine is measured with. */
export const SPACES_MAX = 1_024;
/** Recalls a second: one thread that asks; more would measure the asking. */
export const RECALLS_MAX = 10_000;
/** The most observations a batch on the wire has. */
export const BATCH_MAX = 1_000;
export const WORKERS_MAX = 64;
/** Above it the busiest space gets all there is. */
export const SKEW_MAX = 4;
export const LANE_CAPACITY_MAX = 10_000_000;
/** Of a batch when none is given: so many a second fit, so a batch is 2.5 ms of traffic. */
export const BATCHES_PER_SECOND = 400;

/** Credits asked for by each session: as many as there are, so that lanes refuse and not the session. */
export const CREDITS = 100_000;
/** Observations a client holds until they are durable: two seconds of a busy producer. */
export const WIRE_QUEUE_OBSERVATIONS = 100_000;
/** How often its marks are looked at. */
export const WIRE_LOOK_MS = 1;
/** How long the producer sends what is due before the event loop turns, so that acknowledgements are seen in time. */
export const TURN_MS = 2;
/** A producer so far behind offers another load than was asked for. */
export const LATE_MS_MAX = 30_000;
/** Time for the engine to index what it has accepted. */
export const DRAIN_MS_MAX = 120_000;
/** Recalls without an answer: past it further ones are not sent but counted as failed. */
export const RECALLS_UNDER_WAY_MAX = 2_000;
/** How often memory is looked at; one look costs some tens of microseconds. */
export const MEMORY_SAMPLE_MS = 100;
/** Queries that recall is judged by, during the load and after it, when truth must be computed. */
export const JUDGED_QUERIES = 200;
/** Time for asking them after the load, one after the other; those that are left then are not asked. */
export const ASK_MS_MAX = 15_000;
/** Observations sent before the measurement, so that code is compiled and threads are up; into spaces that are removed again. */
export const WARM_UP_ROWS = 20_000;
export const WARM_UP_SPACES = 4;

/** Directions of noise: a power of two, few enough that they stay in the cache of a core (384 KB at 768 dimensions). */
export const NOISE_DIRECTIONS = 128;
/** Least and greatest length of noise as a share of the distance between neighbours: small, and far above rounding. */
export const NOISE_SHARE_MIN = 0.1;
export const NOISE_SHARE_MAX = 0.3;
/** Rows looked at, and rows looked through, for the distance between neighbours: 0.2 s at 768 dimensions. */
export const NEIGHBOUR_SAMPLE = 32;
export const NEIGHBOUR_ROWS = 20_000;

/** Rows of the file that truth is computed for at a time: 768 KB at 768 dimensions, in the cache of a core. */
export const TRUTH_BLOCK_ROWS = 256;
/** Nearest rows kept by f32 arithmetic, of which the k nearest are then chosen in f64. */
export const TRUTH_CANDIDATES = 32;
/** More than the two cores that the numbers of this project are measured on would only take turns. */
export const TRUTH_THREADS = 2;
