/** A block as words: its text with white space collapsed, and where it stands. For explanations; assembly has its own reader. */
import { decodeReferences } from "../entities.ts";
import { TAGS, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { BlockKind, type Page } from "./page.ts";
import { TAG_BITS, TagBit } from "./tag-kinds.ts";

const BR = tagId("br");

/** The text of block `at`, line breaks as spaces. */
export function blockText(page: Page, at: number): string {
  const { words } = page.tokens;
  const end = page.blocks.tokenEnd[at] ?? 0;
  let text = "";
  // Boxes stand in code as its lines; elsewhere the end tags of others stand astray.
  const isCode = page.blocks.kind[at] === BlockKind.code;
  for (let token = page.blocks.tokenStart[at] ?? 0; token < end; token++) {
    const base = token * TOKEN_WORDS;
    const word = words[base] ?? 0;
    const kind = word & 15;
    if (kind === TokenKind.text) {
      const raw = page.html.slice(words[base + 1] ?? 0, words[base + 2] ?? 0);
      text += (word & TokenFlag.entity) === 0 ? raw : decodeReferences(raw);
    } else if (kind === TokenKind.open || kind === TokenKind.close) {
      const id = (word >> 8) & 0xffff;
      if (id === BR || (isCode && ((TAG_BITS[id] ?? 0) & TagBit.block) !== 0)) text += " ";
    }
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
