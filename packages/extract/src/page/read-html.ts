/** A page's text to its blocks. */
import { tokenize } from "../tokenizer/tokenize.ts";
import { TOKEN_WORDS, TokenKind, type Tokens, tagId } from "../tokenizer/tokens.ts";
import type { Page } from "./page.ts";
import { readPage } from "./read-page.ts";

const IFRAME = tagId("iframe");

/** Frames left open that are mended on one page. */
const MENDS_MAX = 4;

/**
 * Reads a page. A frame that a `noscript` leaves open (as trackers' snippets do: `<iframe …/></noscript>`) is closed before the end tag:
 * browsers that run scripts never see it, and read by the letter it swallows the page.
 */
export function readHtml(html: string): Page {
  let text = html;
  let tokens = tokenize(text);
  for (let mends = 0; mends < MENDS_MAX; mends++) {
    const at = openFrameEnd(text, tokens);
    if (at < 0) break;
    text = `${text.slice(0, at)}</iframe>${text.slice(at)}`;
    tokens = tokenize(text);
  }
  return readPage(text, tokens);
}

/** Where the `noscript` around a frame ends that goes on beyond it; -1 without one. */
function openFrameEnd(html: string, { words, count }: Tokens): number {
  for (let token = 0; token < count; token++) {
    const base = token * TOKEN_WORDS;
    const word = words[base] ?? 0;
    if ((word & 15) !== TokenKind.raw || ((word >> 8) & 0xffff) !== IFRAME) continue;
    const start = words[base + 1] ?? 0;
    const found = /<\/noscript/i.exec(html.slice(start, words[base + 2] ?? 0));
    if (found) return start + found.index;
  }
  return -1;
}
