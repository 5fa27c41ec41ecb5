/** Part of every cached document's key: raise it whenever the same bytes give another document. */
export const EXTRACTOR_VERSION = "2";
