/** Points of history kept for each sparkline: two minutes at one a second. */
export const HISTORY_MAX = 120;
/** How often the engine is asked how it is; its rates are means over 5 s, so more often shows nothing new. */
export const POLL_MS = 1_000;
/** Longest wait between tries while the engine does not answer. */
export const POLL_BACKOFF_MAX_MS = 8_000;
/** Frames a list shows; older ones are in the log and are counted, not drawn. */
export const FRAMES_SHOWN_MAX = 500;
/** Sources of a job kept for its table; past it the counts still hold. */
export const ROWS_MAX = 2_000;
/** Rows drawn at first and with each "show more". */
export const ROWS_SHOWN = 100;
/** Pages of a timeline read for one job, 1,000 entities each: more than the rows kept. */
export const TIMELINE_PAGES_MAX = 4;
/** Index workers drawn one by one. */
export const WORKERS_SHOWN = 8;
/** Passages asked for. */
export const RESULTS = 10;
/** Documents on one page of a list. */
export const DOCUMENTS_SHOWN = 50;
/** Jobs and streams listed. */
export const LIST_MAX = 100;
/** Most files taken from one drop: one job's worth. */
export const FILES_MAX = 10_000;
/** Characters of JSON shown for one frame; a stored document can be megabytes. */
export const JSON_SHOWN_CHARS = 20_000;
/** Redraws a second for live lists: what changes faster cannot be read. */
export const REDRAW_MS = 100;
/** Characters of a frame's line: more than the widest screen shows. */
export const ABOUT_CHARS = 240;

/** Characters of pasted HTML: what the engine takes in one request, with room for escapes. */
export const HTML_CHARS_MAX = 5_000_000;

/** Blocks and links of a document that are drawn; what a reader scrolls through is far below. */
export const BLOCKS_SHOWN_MAX = 2_000;
export const LINKS_SHOWN_MAX = 1_000;
