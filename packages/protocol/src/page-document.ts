/** What extraction answers: one page or file as a document (PROTOCOL.md, Extract). Offsets are UTF-16 code units into `text`. */
import type { ErrorBody } from "@millrace/core";

/** The types that are read. */
export const CONTENT_TYPES = ["text/html", "application/pdf", "text/markdown", "text/plain"] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const PAGE_TYPES = ["article", "documentation", "forum", "product", "collection", "listing", "service"] as const;
export type PageType = (typeof PAGE_TYPES)[number];

/** What is read of a page: its main text, all its text, what it says about itself, its links, or what selectors choose. */
export const READ_MODES = ["article", "full", "metadata", "links", "selectors"] as const;
export type ReadMode = (typeof READ_MODES)[number];

/** Whether what was read before may serve: yes; no, but keep what is read now; only that; neither. */
export const CACHE_MODES = ["use", "refresh", "only", "none"] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

/** Sources of one request: what an answer of minutes can hold; a crawl is another thing. */
export const EXTRACT_SOURCES_MAX = 100;
/** CSS selectors of one request, and the characters of one. */
export const SELECTORS_MAX = 32;
export const SELECTOR_CHARS_MAX = 500;
/** Sources of one request that are worked on at once, at most and by default. */
export const EXTRACT_CONCURRENCY_MAX = 16;
export const EXTRACT_CONCURRENCY_DEFAULT = 4;
/** Longest time for one source. */
export const EXTRACT_TIMEOUT_MS_MAX = 600_000;

export type PageHeading = {
  /** 1 (title) … 6. */
  readonly level: number;
  readonly text: string;
  /** Where the heading stands in the document's text. */
  readonly start: number;
};

/** `rel` as the page wrote it, where it did ("nofollow", "author" …). */
export type PageLink = { readonly url: string; readonly text: string; readonly rel?: string };

/** The text from `start` up to the next page's start lies on `page` (from 1). */
export type PageStart = { readonly page: number; readonly start: number };

export type TextRange = { readonly start: number; readonly end: number };

export type MediaKind = "image" | "video" | "audio";
/** What the kept text shows beside its words; `url` is absolute. */
export type PageMedia = { readonly url: string; readonly kind: MediaKind; readonly alt?: string };

/** A table of values; tables that only lay out a page are text. */
export type PageTable = {
  readonly caption?: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/** One block of a page and what became of it. */
export type PageBlock = {
  /** White space collapsed; cut at a limit. */
  readonly text: string;
  /** How sure it is that the block belongs to the main text, 0–1. */
  readonly score: number;
  readonly kept: boolean;
  /** Its elements from the body down: "main>article>p". */
  readonly path: string;
};

/** How good a result is, 0–100, and what made it so: `score` is the rounded sum of `terms` (docs/extract.md). */
export type PageQuality = { readonly score: number; readonly terms: Readonly<Record<string, number>> };

/** What the gate says: whether the page as it came is enough, or a browser has to run it. */
export type PageGate = {
  readonly decision: "static" | "probe" | "dynamic" | "pdf";
  /** That the page as it came suffices, 0–1. */
  readonly probability: number;
  /** Log-odds; the sum of the contributions. */
  readonly score: number;
  /** What each piece of evidence added, in log-odds. */
  readonly contributions: Readonly<Record<string, number>>;
  /** `static` from this probability up, `dynamic` below the other. */
  readonly thresholds: { readonly static: number; readonly dynamic: number };
  /** The page wanted a browser and gets none: its share is used up, or the browser fails just now. */
  readonly degraded?: "budget" | "breaker";
};

/** What a source holds. `text` is plain text: blocks separated by an empty line, items begin with "- ", cells are joined by " | ". */
export type DocumentContent = {
  readonly contentType: ContentType;
  readonly title: string;
  /** ISO 639-1, lower case; absent when the source does not say and detection is unsure. */
  readonly language?: string;
  readonly text: string;
  /** The same for a reader of Markdown: headings, lists, tables, code, links and emphasis marked as such. */
  readonly markdown: string;
  /** In order of `start`. */
  readonly headings: readonly PageHeading[];
  /** Absolute http(s) addresses of the kept text, each once, in order of appearance. */
  readonly links: readonly PageLink[];
  /** Where code blocks stand, in order; they hold empty lines, so a blank line alone does not end a block. */
  readonly code?: readonly TextRange[];
  /** PDF only, in order; pages without text are left out. */
  readonly pages?: readonly PageStart[];
  readonly byline?: string;
  readonly description?: string;
  readonly siteName?: string;
  /** ISO 8601, a date or a time. */
  readonly published?: string;
  readonly modified?: string;
  /** What the page says its own address is. */
  readonly canonicalUrl?: string;
  readonly categories?: readonly string[];
  /** Open Graph properties, the first of each. */
  readonly openGraph?: Readonly<Record<string, string>>;
  readonly jsonLd?: readonly unknown[];
  readonly media?: readonly PageMedia[];
  readonly tables?: readonly PageTable[];
  /** Clean HTML of the kept text, when it was asked for. */
  readonly html?: string;
  readonly pageType?: PageType;
  readonly quality?: PageQuality;
  /** Whether the page without a browser is enough, for HTML. */
  readonly gate?: PageGate;
  /** Every block, when it was asked for. */
  readonly blocks?: readonly PageBlock[];
  /** Why the text is short or empty; never absent when it is empty. */
  readonly reason?: string;
  /** Size of the source. */
  readonly bytes: number;
  readonly wordCount: number;
};

/** Milliseconds of each phase; a phase that did not happen (a cached page, a file) took 0. */
export type PageTimings = {
  /** Waiting for a turn: the origin's rate, a connection. */
  readonly queueMs: number;
  readonly fetchMs: number;
  /** Decoding, reading and choosing, the wait for a thread included. */
  readonly parseMs: number;
  readonly totalMs: number;
  /** From the request to its first event; streams only. */
  readonly firstEventMs?: number;
};

export type PageCacheState = {
  readonly hit: boolean;
  readonly layer: "memory" | "disk" | "none";
  readonly ageMs: number;
  /** Older than it should be: it was given at once, and is read anew meanwhile. */
  readonly isStale: boolean;
};

/** One source, read. */
export type PageDocument = DocumentContent & {
  readonly quality: PageQuality;
  /** What was asked for; absent for HTML and files without an address. */
  readonly url?: string;
  /** Where the redirects ended. */
  readonly finalUrl?: string;
  /** Of the answer; absent for HTML and files. */
  readonly status?: number;
  readonly mode: ReadMode;
  /** Given although a browser would have been needed; `reason` says why. */
  readonly isDegraded?: true;
  /** Whole minutes at 230 words, or 400 characters of scripts without spaces, a minute. */
  readonly readingMinutes: number;
  readonly timings: PageTimings;
  readonly cache: PageCacheState;
  /** SHA-256 of `text`, hex. */
  readonly hash: string;
};

export type ExtractPhase = "fetch" | "parse";

/** Counts of an extraction of several sources. */
export type ExtractCounts = {
  readonly job: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly elapsedMs: number;
};

/** What the frames of `extract:<job>` carry, by type. */
export type ExtractDataOf = {
  /** First, before anything is fetched. */
  readonly "extract.start": { readonly job: string; readonly total: number };
  readonly "extract.progress": {
    readonly job: string;
    readonly index: number;
    readonly source: string;
    readonly phase: ExtractPhase;
    /** Pages of a PDF. */
    readonly done?: number;
    readonly total?: number;
  };
  /** A piece of the JSON of a document that no one frame holds: the pieces of an index, joined in order, are its `document`. */
  readonly "extract.part": {
    readonly job: string;
    readonly index: number;
    readonly part: number;
    readonly parts: number;
    readonly json: string;
  };
  /** `document`, or `parts` when it came in that many frames before this one. */
  readonly "extract.result": {
    readonly job: string;
    readonly index: number;
    readonly source: string;
    readonly document?: PageDocument;
    readonly parts?: number;
  };
  /** One source that could not be read; the others go on. */
  readonly "extract.error": {
    readonly job: string;
    readonly index: number;
    readonly source: string;
    readonly error: ErrorBody;
  };
  /** Last. `open` sources were neither read nor refused when it was cut off. */
  readonly "extract.summary": ExtractCounts & {
    readonly state: "done" | "cancelled" | "interrupted";
    readonly open: number;
  };
};

export type ExtractFrameType = keyof ExtractDataOf;
