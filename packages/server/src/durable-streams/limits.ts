/** Bounds of the Durable Streams protocol (I12), each with its reason. */

/** Largest body of one append. It is parsed on the main thread: 4 MB of JSON hold it for about 40 ms. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A body that is too large is still read to its end up to here, and thrown away: a client that is cut off while it sends may never read why.
 */
export const DISCARD_BYTES_MAX = 64 * 1024 * 1024;

/** Messages of one append in JSON mode: one frame each, all of them in one transaction. */
export const MESSAGES_MAX = 10_000;

/** Raw bytes of one frame of a stream that is not JSON: as base64 with its frame around it they stay below the largest frame. */
export const PIECE_BYTES_MAX = 180 * 1024;

/** Characters of JSON that one frame's data may have beside the cursor fields of the frame. */
export const PIECE_JSON_MAX = 250 * 1024;

/** Longest path below /v1/stream/, decoded, in UTF-8 bytes. */
export const PATH_BYTES_MAX = 1_024;

/** Longest content type, Stream-Seq, Producer-Id: what a header of ours may put into a row. */
export const HEADER_CHARS_MAX = 512;

/** Longest time to live: a hundred years; more is a mistake. */
export const TTL_SECONDS_MAX = 100 * 365 * 24 * 3600;

/** Durable streams held in memory with what is known of their producers; about 2 KB each without producers. */
export const OPEN_MAX = 1_000;

/** Names of the log that are known to be no durable stream, 200 B each: an append to one of them asks the store nothing. */
export const UNOWNED_NAMES_MAX = 10_000;

/** Producers remembered of one stream, 100 B each; past it the one heard least recently is forgotten. */
export const PRODUCERS_MAX = 2_000;

/** Forks upon forks: a read walks that many logs at most. */
export const FORK_DEPTH_MAX = 64;

/** Frames and bytes of one page: one hand-off between threads. A reader that wants more asks again from where it is. */
export const PAGE_FRAMES_MAX = 1_000;
export const PAGE_BYTES_MAX = 1024 * 1024;

/** Longest a long-poll waits: below the 30 s at which common proxies cut a silent request. */
export const LONG_POLL_MS = 25_000;

/** Readers waiting or following live at once; each has a socket, of which the server has 10,000. */
export const LIVE_READERS_MAX = 8_000;

/** Pause between looks for expired streams, and between writes of when streams with a time to live were last used. */
export const SWEEP_MS = 1_000;

/** Streams ended by one sweep: its deletions are one queue that creations wait in too. */
export const SWEEP_STREAMS_MAX = 200;

/** Creations and deletions waiting at once. */
export const CHANGES_WAITING_MAX = 2_000;

/** Tries of a write whose stream had to be read again because the write before it failed. */
export const RELOADS_MAX = 3;

/** Subscriptions kept at once: every append of a stream that is not known yet is matched against all their patterns. */
export const SUBSCRIPTIONS_MAX = 1_000;

/** Streams that one subscription names; they are held in memory. Those that its pattern matches are not. */
export const EXPLICIT_LINKS_MAX = 1_000;

/** Largest JSON body of a subscription request. */
export const SUBSCRIPTION_BODY_BYTES_MAX = 256 * 1024;

/** Streams listed in one notification or claim; the others stay pending and come with the next. */
export const STREAMS_LISTED_MAX = 1_000;

/** Longest id, URL, pattern, description, worker name of a subscription. */
export const TEXT_CHARS_MAX = 2_048;

/** Segments of a pattern; `**` tries every length, so that this bounds a match. */
export const PATTERN_SEGMENTS_MAX = 32;

/** Lease of a wake: default and range. */
export const LEASE_MS_DEFAULT = 30_000;
export const LEASE_MS_MIN = 1_000;
export const LEASE_MS_MAX = 600_000;

/** Life of a callback token. */
export const TOKEN_SECONDS = 3_600;

/** A webhook that does not answer in this time has failed. */
export const WEBHOOK_TIMEOUT_MS = 10_000;

/** Bytes of a webhook's answer that are read; `{"done":true}` is all that has a meaning. */
export const WEBHOOK_ANSWER_BYTES_MAX = 64 * 1024;

/** Webhooks on their way at once; the others wait. */
export const WEBHOOKS_AT_ONCE = 16;

/** Tries of one wake, the first pause between them and the longest; it doubles. After the last the next append tries anew. */
export const WEBHOOK_TRIES_MAX = 12;
export const WEBHOOK_RETRY_MS = 1_000;
export const WEBHOOK_RETRY_MS_MAX = 60_000;
