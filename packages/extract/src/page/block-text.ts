/** A block as words: its text with white space collapsed, and where it stands. For explanations; assembly has its own reader. */
import { decodeReferences } from "../entities.ts";
import { TAGS, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";
import type { Page } from "./page.ts";

const BR = tagId("br");

/** The text of block `at`, line breaks as spaces. */
export function blockText(page: Page, at: number): string {
  const { words } = page.tokens;
  const end = page.blocks.tokenEnd[at] ?? 0;
  let text = "";
  for (let token = page.blocks.tokenStart[at] ?? 0; token < end; token++) {
    const base = token * TOKEN_WORDS;
    const word = words[base] ?? 0;
    if ((word & 15) === TokenKind.text) {
      const raw = page.html.slice(words[base + 1] ?? 0, words[base + 2] ?? 0);
      text += (word & TokenFlag.entity) === 0 ? raw : decodeReferences(raw);
    } else if ((word & 15) === TokenKind.open && ((word >> 8) & 0xffff) === BR) text += " ";
  }
  return text.replace(/\s+/g, " ").trim();
}

/** The tags from the outermost element to the block's own, as "main>article>p". */
export function elementPath({ blocks, elements }: Page, at: number): string {
  const names: string[] = [];
  for (let element = blocks.element[at] ?? 0; element > 0; element = elements.parent[element] ?? 0)
    names.unshift(TAGS[(elements.tag[element] ?? 0) - 1] ?? "x");
  return names.join(">");
}
