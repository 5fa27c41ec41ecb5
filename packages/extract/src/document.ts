/** What extraction makes of a source; the wire has the same types (`@millrace/protocol`). */
import type {
  DocumentContent,
  PageBlock,
  PageGate,
  PageHeading,
  PageLink,
  PageMedia,
  PageQuality,
  PageTable,
  ReadMode,
} from "@millrace/protocol";

export type { ContentType, MediaKind, PageStart, PageType, ReadMode, TextRange } from "@millrace/protocol";
export { CONTENT_TYPES, PAGE_TYPES, READ_MODES } from "@millrace/protocol";

/** `level` 1 (title) … 6; `start` in the document's text. */
export type Heading = PageHeading;
/** Absolute address, the words it stands on, and `rel` where the page wrote one. */
export type Link = PageLink;
export type Media = PageMedia;
export type DocumentTable = PageTable;
/** One block of a page, its score and whether it was kept. */
export type ExplainedBlock = PageBlock;
export type Quality = PageQuality;
/** What the gate says of a page. */
export type GateVerdict = PageGate;

/** How a source is read. */
export type ReadOptions = {
  /** Default "article", or "selectors" where there are some. */
  readonly mode?: ReadMode;
  /** CSS selectors of what is wanted, for the mode "selectors"; a page's elements come in its own order. */
  readonly selectors?: readonly string[];
  /** Whether the result has clean HTML as well. */
  readonly html?: boolean;
  /** Whether the result lists every block with its score, dropped ones too. */
  readonly explain?: boolean;
};

/**
 * What extraction makes of a source. `text` is plain text: blocks separated by an empty line, list items on lines of their own
 * with "- ", table rows with " | ", code verbatim. Every offset is in UTF-16 code units into `text`.
 */
export type ExtractedDocument = DocumentContent;

/** Words as runs of letters and digits; in scripts without spaces every character of the run counts as part of one word. */
export function countWords(text: string): number {
  let count = 0;
  let inWord = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // ASCII is told by its code: a regular expression a word was a tenth of a page's time (measured).
    const isWord = code < 128 ? ASCII_WORD[code] === 1 : isLetterBeyondAscii(text, at);
    if (isWord && !inWord) count++;
    inWord = isWord;
  }
  return count;
}

/** 1 for the codes of ASCII letters and digits. */
const ASCII_WORD = Uint8Array.from({ length: 128 }, (_, code) => Number(/[a-z\d]/i.test(String.fromCharCode(code))));

const LETTER = /[\p{L}\p{N}]/u;

/** Surrogates count as letters: pairs are mostly of scripts, and signs among them stand alone. */
function isLetterBeyondAscii(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code >= 0xc0 && code < 0x2000) return code !== 0xd7 && code !== 0xf7;
  if (code >= 0x3040 && code < 0xd800) return true;
  return LETTER.test(text[at] ?? "");
}
