/** The types that are read. */
export const CONTENT_TYPES = ["text/html", "application/pdf", "text/markdown", "text/plain"] as const;

export type ContentType = (typeof CONTENT_TYPES)[number];

export type Heading = {
  /** 1 (title) … 6. */
  readonly level: number;
  readonly text: string;
  /** Where the heading stands in the document's text. */
  readonly start: number;
};

export type Link = { readonly url: string; readonly text: string };

/** The text from `start` up to the next page's start lies on `page` (from 1). */
export type PageStart = { readonly page: number; readonly start: number };

export type TextRange = { readonly start: number; readonly end: number };

/**
 * What extraction makes of a source. `text` is plain text: blocks separated by an empty line, list items on lines of their own
 * with "- ", table rows with " | ", code verbatim. Every offset is in UTF-16 code units into `text`.
 */
export type ExtractedDocument = {
  readonly contentType: ContentType;
  readonly title: string;
  /** ISO 639-1, lower case; absent when the source does not say and detection is unsure. */
  readonly language?: string;
  readonly text: string;
  /** In order of `start`. */
  readonly headings: readonly Heading[];
  /** Absolute http(s) addresses of the kept text, each once, in order of appearance. */
  readonly links: readonly Link[];
  /** Where code blocks stand, in order; they hold empty lines, so a blank line alone does not end a block. */
  readonly code?: readonly TextRange[];
  /** PDF only, in order; pages without text are left out. */
  readonly pages?: readonly PageStart[];
  readonly byline?: string;
  readonly description?: string;
  readonly siteName?: string;
  /** Size of the source. */
  readonly bytes: number;
  readonly wordCount: number;
};

/** Words as runs of letters and digits; in scripts without spaces every character of the run counts as part of one word. */
export function countWords(text: string): number {
  let count = 0;
  for (const _ of text.matchAll(/[\p{L}\p{N}]+/gu)) count++;
  return count;
}
