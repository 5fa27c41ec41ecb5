/** Text of attributes and of small elements, read from the tokens when somebody asks. */
import { decodeAttribute, decodeReferences } from "../entities.ts";
import type { Page } from "../page/page.ts";
import { TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";

/** What of a page this needs. */
export type TokenSource = Pick<Page, "html" | "tokens">;

/** Tokens looked through for an element's end: a byline or a heading is far shorter. */
const ELEMENT_TOKENS_MAX = 200;
const ELEMENT_CHARS_MAX = 1_000;

const SCRIPT = tagId("script");
const STYLE = tagId("style");
const BR = tagId("br");
const SPAN = tagId("span");
const A = tagId("a");

/** Inline tags between two letters leave them one word; any other tag parts them. */
const INLINE = new Set([
  A,
  SPAN,
  ..."b i u s em strong small sup sub mark font abbr code time wbr bdi".split(" ").map(tagId),
]);

/** The token of attribute `id` on the open token `at`, or -1. */
export function attributeToken(page: TokenSource, at: number, id: number): number {
  const { words } = page.tokens;
  const end = at + (words[at * 4 + 3] ?? 0);
  for (let token = at + 1; token <= end; token++) {
    if ((((words[token * 4] ?? 0) >> 8) & 0xffff) === id) return token;
  }
  return -1;
}

/** The decoded value of attribute `id` on the open token `at`; undefined when it is not there. */
export function attributeText(page: TokenSource, at: number, id: number): string | undefined {
  const token = attributeToken(page, at, id);
  return token < 0 ? undefined : tokenText(page, token);
}

/** Whether the attribute's value is `value` or a list with it, in any case. */
export function isAttribute(
  page: TokenSource,
  at: number,
  want: { readonly id: number; readonly value: string },
): boolean {
  const token = attributeToken(page, at, want.id);
  if (token < 0) return false;
  const { words } = page.tokens;
  const length = (words[token * 4 + 2] ?? 0) - (words[token * 4 + 1] ?? 0);
  if (length < want.value.length || length > 200) return false;
  return tokenText(page, token).toLowerCase().split(/\s+/).includes(want.value);
}

/** The token's span, with character references decoded. */
export function tokenText(page: TokenSource, token: number): string {
  const { words } = page.tokens;
  const text = page.html.slice(words[token * 4 + 1], words[token * 4 + 2]);
  const word = words[token * 4] ?? 0;
  if ((word & TokenFlag.entity) === 0) return text;
  return (word & 15) === TokenKind.attribute ? decodeAttribute(text) : decodeReferences(text);
}

/** The token that closes the element that opens at token `at`, or the bound of what is looked through. */
export function elementEnd(page: TokenSource, at: number): number {
  const { words, count } = page.tokens;
  const tag = ((words[at * 4] ?? 0) >> 8) & 0xffff;
  const stop = Math.min(count, at + ELEMENT_TOKENS_MAX);
  let depth = 1;
  for (let token = at + 1; token < stop; token++) {
    const word = words[token * 4] ?? 0;
    if (((word >> 8) & 0xffff) !== tag) continue;
    if ((word & 15) === TokenKind.open) depth++;
    else if ((word & 15) === TokenKind.close && --depth === 0) return token;
  }
  return stop;
}

/** The text in the element that opens at token `at`, white space collapsed, scripts and styles left out. Bounded. */
export function elementText(page: TokenSource, at: number): string {
  const { words, count } = page.tokens;
  const tag = ((words[at * 4] ?? 0) >> 8) & 0xffff;
  const stop = Math.min(count, at + ELEMENT_TOKENS_MAX);
  let depth = 1;
  let text = "";
  for (let token = at + 1; token < stop && text.length < ELEMENT_CHARS_MAX; token++) {
    const word = words[token * 4] ?? 0;
    const kind = word & 15;
    const id = (word >> 8) & 0xffff;
    if (kind === TokenKind.text) text += tokenText(page, token);
    else if (kind === TokenKind.raw) text += id === SCRIPT || id === STYLE ? "" : tokenText(page, token);
    else if (kind === TokenKind.open) {
      if (id === tag) depth++;
      if (!INLINE.has(id)) text += id === BR ? "\n" : " ";
    } else if (kind === TokenKind.close) {
      if (id === tag && --depth === 0) break;
      if (!INLINE.has(id)) text += " ";
    }
  }
  return singleSpaced(text.slice(0, ELEMENT_CHARS_MAX)).trim();
}

/** `text` with each run of white space as one space. Most have single spaces already, which to replace would cost a match each. */
export function singleSpaced(text: string): string {
  return /[^\S ]| {2}/.test(text) ? text.replace(/\s+/g, " ") : text;
}
