/** Inline elements that are there for other eyes than a reader's: screen readers' words, icon fonts, permalinks, line numbers. */
import type { Page } from "../page/page.ts";
import { attributeId, TOKEN_WORDS, TokenKind } from "../tokenizer/tokens.ts";

const CLASS = attributeId("class");
const STYLE = attributeId("style");
const HIDDEN = attributeId("hidden");
const ARIA_HIDDEN = attributeId("aria-hidden");

/** Words of a class list that mean it, between blanks. */
const INVISIBLE =
  /(?:^|\s)(?:sr-only|screen-?reader(?:-text|-only)?|visually-?hidden|[\w-]*line-?(?:no|nos|num|number|numbers)|linenos?|gutter|headerlink|header-?anchor|heading-?anchor|anchorjs-link|anchor-?link|hash-link|material-(?:icons|symbols)[\w-]*|mw-editsection|katex-html|MathJax_Preview)(?=$|\s)/i;

/** Class lists repeat on a page, and from page to page of a site: worked out once. Bounded: cleared when full. */
const CLASSES_MAX = 20_000;
const CLASS_CHARS_MAX = 400;
const known = new Map<string, boolean>();

/** Whether the inline element that opens at token `at` shows nothing to a reader. */
export function isInvisible(page: Page, at: number): boolean {
  const { words } = page.tokens;
  const last = at + (words[at * TOKEN_WORDS + 3] ?? 0);
  for (let token = at + 1; token <= last; token++) {
    const word = words[token * TOKEN_WORDS] ?? 0;
    if ((word & 15) !== TokenKind.attribute) continue;
    const id = (word >> 8) & 0xffff;
    if (id === HIDDEN) return true;
    if (id !== CLASS && id !== ARIA_HIDDEN && id !== STYLE) continue;
    const start = words[token * TOKEN_WORDS + 1] ?? 0;
    const value = page.html.slice(start, Math.min(start + CLASS_CHARS_MAX, words[token * TOKEN_WORDS + 2] ?? 0));
    if (id === CLASS ? isInvisibleClass(value) : id === STYLE ? isHiddenStyle(value) : value === "true") return true;
  }
  return false;
}

function isHiddenStyle(style: string): boolean {
  return /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style);
}

function isInvisibleClass(name: string): boolean {
  const found = known.get(name);
  if (found !== undefined) return found;
  const isHidden = INVISIBLE.test(name);
  if (known.size >= CLASSES_MAX) known.clear();
  known.set(ownCopy(name), isHidden);
  return isHidden;
}

/** A slice holds on to the string it was cut from, here a whole page: joined and cut again it holds its own characters only (measured). */
function ownCopy(slice: string): string {
  return ` ${slice}`.slice(1);
}
