/** Bounds of the command (I12), each with its reason. */

/** Largest file sent; the server's own bound, so that a larger one is refused before its bytes travel. */
export const FILE_BYTES_MAX = 100 * 1024 * 1024;

/** Files of one add: twenty jobs of 10,000. Their names are held in memory, about 200 bytes each. */
export const FILES_MAX = 200_000;

/** Addresses in one job (PROTOCOL.md, Add). */
export const URLS_MAX = 10_000;

/** Errors listed on the terminal after an add; `--json` lists all. */
export const ERRORS_SHOWN_MAX = 20;

/** An engine that answers nothing for this long while a job is followed is given up; the job can be resumed. */
export const CONTACT_LOST_MS = 30_000;

/** How often a progress bar is drawn: what an eye can follow. */
export const BAR_EVERY_MS = 100;

/** How often a line of progress is printed where no bar can be drawn: a log of an hour stays below 1,000 lines. */
export const LINE_EVERY_MS = 5_000;

/** How often a space that is embedded anew is looked at: its answer comes at once when that has ended. */
export const REEMBED_LOOK_MS = 500;

/** Widest a passage is set: longer lines are hard to read. */
export const TEXT_COLUMNS_MAX = 96;

/** Lines of a passage shown by recall; `--json` has all of it. */
export const PASSAGE_LINES_MAX = 6;

/** Longest a doctor's question to an engine takes. */
export const PROBE_TIMEOUT_MS = 2_000;

/** Free space below which doctor warns: room for some tens of thousands of documents. */
export const DISK_FREE_BYTES_MIN = 1024 * 1024 * 1024;
