/** Attributes of an open token. */
import { decodeAttribute } from "../entities.ts";
import type { Page } from "../page/page.ts";
import { TOKEN_WORDS, TokenFlag, TokenKind } from "../tokenizer/tokens.ts";

/** The decoded value of attribute `id` on the open token `at`; undefined when it is not there. */
export function attributeOf(page: Page, at: number, id: number): string | undefined {
  const { words } = page.tokens;
  const last = at + (words[at * TOKEN_WORDS + 3] ?? 0);
  for (let token = at + 1; token <= last; token++) {
    const word = words[token * TOKEN_WORDS] ?? 0;
    if ((word & 15) !== TokenKind.attribute || ((word >> 8) & 0xffff) !== id) continue;
    const value = page.html.slice(words[token * TOKEN_WORDS + 1], words[token * TOKEN_WORDS + 2]);
    return (word & TokenFlag.entity) === 0 ? value : decodeAttribute(value);
  }
  return undefined;
}

/** A whole number in an attribute, as HTML reads it ("3px" is 3); undefined when there is none. */
export function numberOf(page: Page, at: number, id: number): number | undefined {
  const value = Number.parseInt(attributeOf(page, at, id) ?? "", 10);
  return Number.isNaN(value) ? undefined : value;
}
