import { type AssembledMarkdown, type AssembleOptions, assembleMarkdown } from "../../src/markdown/assemble.ts";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { TOKEN_WORDS } from "../../src/tokenizer/tokens.ts";

export const BASE = "https://site.example/dir/page.html";

/** Assembles a page with all kept but what stands in elements marked `data-drop`. */
export function assembleHtml(html: string, options: AssembleOptions = { base: BASE }): AssembledMarkdown {
  const page = readPage(html, tokenizeJs(html));
  const keep = new Uint8Array(page.blocks.count).fill(1);
  const { count, token, blockStart, blockEnd } = page.elements;
  const { words } = page.tokens;
  for (let at = 1; at < count; at++) {
    const open = (token[at] ?? 0) * TOKEN_WORDS;
    const tag = html.slice(words[open + 1], words[open + 2]);
    if (/\sdata-drop[\s>]/.test(tag)) keep.fill(0, blockStart[at], blockEnd[at]);
  }
  return assembleMarkdown(page, keep, options);
}
