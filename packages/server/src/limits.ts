/** Bounds of the server (I12), each with its reason. */

/** Largest JSON body: 10,000 sources of 1.6 KB. */
export const JSON_BYTES_MAX = 16 * 1024 * 1024;

/** Largest upload: what the PDF reader takes. */
export const UPLOAD_BYTES_MAX = 100 * 1024 * 1024;

/** Bytes of bodies being received at once; one more upload is refused as `overloaded` and tried again by the client. */
export const RECEIVING_BYTES_MAX = 256 * 1024 * 1024;

/** Time to receive a whole request, and its headers: a client that trickles bytes gives its socket back. */
export const REQUEST_TIMEOUT_MS = 120_000;
export const HEADERS_TIMEOUT_MS = 10_000;

/** How often those times are looked at: Node's own 30 s would let a client hold a socket three times as long as it may. */
export const TIMEOUTS_CHECK_MS = 1_000;

/** Sockets open at once; 64 KB of kernel and process memory each. */
export const CONNECTIONS_MAX = 10_000;

/** Sources in work at once over all jobs: enough to keep two extractors, one embedder and the disk busy, few enough to hold in memory. */
export const SOURCES_AT_ONCE = 4;

/** Jobs running at once; one more is refused as `overloaded`. */
export const JOBS_RUNNING_MAX = 1_000;

/** A job whose uploads stop coming for this long ends as interrupted, so that no job runs for ever. */
export const UPLOAD_IDLE_MS = 300_000;

/** Least time between two progress frames of one job, and of one document: what an eye can follow. */
export const PROGRESS_EVERY_MS = 200;

/** Pause between tries to record the end of a source while the disk is full, and how many tries. */
export const SETTLE_RETRY_MS = 1_000;
export const SETTLE_TRIES_MAX = 600;

/** Tries of a source that the engine cannot take now (full disk, full queue), and the first pause between them; it doubles. */
export const INGEST_TRIES_MAX = 6;
export const INGEST_RETRY_MS = 250;

/** How long a page of a job waits for its turn at its site: ten turns of the slowest crawl delay that is heeded. */
export const TURN_WAIT_MS = 600_000;

/** Errors listed with a job; all are counted. */
export const JOB_ERRORS_MAX = 100;

/** Longest `waitMs` of an add. */
export const WAIT_MS_MAX = 60_000;

/** Pause between heartbeats of a stream that is being followed. */
export const HEARTBEAT_MS = 15_000;

/** Subscriptions of one socket. */
export const SUBSCRIPTIONS_MAX = 1_000;

/** Largest WebSocket message a client may send: an append of four of the largest frames. */
export const SOCKET_MESSAGE_BYTES_MAX = 1024 * 1024;

/** Appends of one socket that are under way; past it the socket is not read until some are answered. */
export const SOCKET_APPENDS_MAX = 1_000;

/** Time that closing waits for work under way. */
export const DRAIN_MS = 10_000;

/** Time a peer that is sent away has to read why, before its socket goes. */
export const LAST_WORDS_MS = 1_000;

/** Longest `/readyz` waits for the threads to answer; a busy thread is not a dead one. */
export const READY_WAIT_MS = 1_000;

/** Longest the overview waits for the log of observations to say how large it is; a slow disk is shown as what it was. */
export const LOG_FIGURES_WAIT_MS = 100;

/** Channels one Centrifugo connection may follow. */
export const CENTRIFUGO_CHANNELS_MAX = 1_000;

/** Largest message of a Centrifugo client: two publications of the largest frame there can be. */
export const CENTRIFUGO_MESSAGE_BYTES_MAX = 512 * 1024;

/** Commands in one message: what a client sends that comes back to all its channels at once. */
export const CENTRIFUGO_COMMANDS_MAX = CENTRIFUGO_CHANNELS_MAX + 24;

/** Commands of one connection under way above which no more of its messages are read: a group commit's worth. */
export const CENTRIFUGO_IN_FLIGHT_MAX = 256;

/** Frames a client may have missed and still recover: ten reads of the log. One further behind is better served by loading the state. */
export const CENTRIFUGO_RECOVERY_FRAMES_MAX = 10_000;

/** Publications in one answer to a history command: one read of the log. */
export const CENTRIFUGO_HISTORY_MAX = 1_000;

/** Pause between pings, and the time for the answer: the protocol's own defaults, which its clients expect. */
export const CENTRIFUGO_PING_MS = 25_000;
export const CENTRIFUGO_PONG_MS = 8_000;

/** Time to send the first command; a connection that says nothing gives its socket back. */
export const CENTRIFUGO_CONNECT_MS = 10_000;

/** Streams whose traffic is counted one by one; 180 bytes each. */
export const STREAMS_COUNTED_MAX = 256;

/** Streams named in the metrics and the overview, the busiest: labels beyond that cost whoever stores them. */
export const STREAMS_LABELLED_MAX = 20;

/** Bytes of one write of an export: a client that takes 2 KB a second makes progress within the time a stalled one is given. */
export const EXPORT_PIECE_BYTES = 64 * 1024;

/** Characters of the JSON of a document in one frame: a frame has 256 KB, and escaping the piece once more may double it. */
export const PART_CHARS = 100_000;

/** Extractions of several sources running at once; one more is refused as `overloaded`. */
export const EXTRACTS_RUNNING_MAX = 100;

/** How long the stream of an ended extraction is kept for whoever comes back to it, and of how many; the oldest go first. */
export const EXTRACT_KEEP_MS = 24 * 3_600_000;
export const EXTRACTS_KEPT_MAX = 1_000;

/** Old extractions deleted at one start of another: more than one, so that they cannot pile up. */
export const EXTRACTS_FORGOTTEN_AT_ONCE = 8;

/** Bytes waiting for a streaming client above which its extraction begins no further source. */
export const EXTRACT_UNSENT_BYTES_MAX = 64 * 1024;

/** Characters of the JSON of all documents of one answer that is no stream; it is held in memory until the last has come. */
export const EXTRACT_ANSWER_CHARS_MAX = 64 * 1024 * 1024;
