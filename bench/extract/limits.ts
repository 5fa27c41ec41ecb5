/** Bounds of the extraction benchmark; each with its reason. */

/** Pages of one run: ten times the largest public set of this kind. */
export const PAGES_MAX = 20_000;
/** One page, decompressed: as large a page as the extractor takes. */
export const PAGE_BYTES_MAX = 20 * 1024 * 1024;
/** Calls of each contender before it is measured, and the time for them: enough that V8 has compiled what is hot (measured). */
export const WARM_UP_CALLS = 200;
export const WARM_UP_MS = 3_000;
/** Resamples of a bootstrap: the ends of a 95 % interval then move by less than a tenth of its width from seed to seed. */
export const RESAMPLES = 5_000;
/** A page below this F1 is one on which the extractor failed. */
export const FAILED_F1 = 0.5;
/** Time of one page in a peer, after which its process is killed and the page counts as failed. */
export const PEER_PAGE_MS = 30_000;
/** Time for a peer's process to load its packages: jsdom takes about one second. */
export const PEER_START_MS = 30_000;
/** A peer's process is started again this often in one run; one that dies more often fails the pages that are left. */
export const PEER_RESTARTS_MAX = 50;
/** Characters of a peer's answer that are read: an extractor that returns more than this has repeated its page. */
export const PEER_ANSWER_CHARS_MAX = 64 * 1024 * 1024;
/** Sizes of synthetic pages, in bytes: below the first no page has all its parts, above the last no real page is. */
export const SYNTHETIC_BYTES_MIN = 1_000;
export const SYNTHETIC_BYTES_MAX = 10_000_000;
/** Time of one request of a running server, of whose answer the first event is timed: a page that takes longer is not served at all. */
export const FIRST_EVENT_MS = 20_000;
