/** Code: the text of a `pre` as it stands, and its language as highlighters write it. */
import { decodeReferences } from "../entities.ts";
import type { Page } from "../page/page.ts";
import { TAG_BITS, TagBit } from "../page/tag-kinds.ts";
import { attributeId, TOKEN_WORDS, TokenFlag, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { attributeOf } from "./attributes.ts";
import { isInvisible } from "./invisible.ts";

const PRE = tagId("pre");
const CODE = tagId("code");
const BR = tagId("br");
const CLASS = attributeId("class");
const DATA_LANG = attributeId("data-lang");
const LANGUAGE = attributeId("language");
const SKIPPED = new Set(["svg", "button", "select", "template"].map(tagId));

/** Elements around a `pre` whose classes may name its language: highlighters nest at most three. */
const AROUND_MAX = 3;
const CLASS_CHARS_MAX = 400;

/** `language-js`, `lang-js`, `highlight-source-js`, `brush: js`, `highlight-js`. */
const LANGUAGE_CLASS =
  /(?:^|\s)(?:language-|lang-|highlight-source-|highlight-text-|brush:\s*|highlight-)([a-z][\w+#.-]{0,30})(?=$|[\s;])/gi;
/** `hljs js`, `sourceCode js`, `js hljs`: names that say nothing of themselves. */
const LANGUAGE_BESIDE = /(?:^|\s)(?:(?:hljs|sourceCode)\s+([a-z][\w+#-]{0,30})|([a-z][\w+#-]{0,30})\s+hljs)(?=$|\s)/i;
const NO_LANGUAGE =
  /^(?:none|text|txt|plain|plaintext|nohighlight|no-highlight|default|auto|undefined|null|unknown|source|wrapper|numbers?)$/i;

/** The `pre` around an element, or -1. */
export function preOf(page: Page, element: number): number {
  for (let at = element; at > 0; at = page.elements.parent[at] ?? -1) if (page.elements.tag[at] === PRE) return at;
  return -1;
}

/** The text between two tokens inside a `pre`, without empty lines at its ends; lines that are elements stay lines. */
export function readCode(page: Page, start: number, end: number): string {
  const { words } = page.tokens;
  let code = "";
  // Kept apart: looking at the end of a string that grows makes one of its pieces each time.
  let isLineOpen = false;
  // Where the innermost open box begins: one that holds nothing is an empty line.
  let boxAt = -1;
  const add = (text: string) => {
    if (text === "") return;
    code += text;
    isLineOpen = !text.endsWith("\n");
  };
  for (let at = start; at < end; at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    const kind = word & 15;
    const id = (word >> 8) & 0xffff;
    const isBlock = ((TAG_BITS[id] ?? 0) & TagBit.block) !== 0;
    if (kind === TokenKind.text) {
      const raw = page.html.slice(words[at * TOKEN_WORDS + 1], words[at * TOKEN_WORDS + 2]);
      add((word & TokenFlag.entity) === 0 ? raw : decodeReferences(raw));
    } else if (kind === TokenKind.open) {
      const attributes = words[at * TOKEN_WORDS + 3] ?? 0;
      if (id === BR || (isBlock && isLineOpen)) add("\n");
      if (isBlock) boxAt = code.length;
      at = SKIPPED.has(id) || (attributes > 0 && isInvisible(page, at)) ? skip(page, { at, id, end }) : at + attributes;
    } else if (kind === TokenKind.close && isBlock) {
      // A line end that stands last in a box is the box's own, as browsers show it.
      if (isLineOpen || code.length === boxAt) add("\n");
      boxAt = -1;
    }
  }
  return trimCode(code);
}

function skip(page: Page, { at, id, end }: { readonly at: number; readonly id: number; readonly end: number }): number {
  const { words } = page.tokens;
  let depth = 1;
  for (let token = at + 1; token < end; token++) {
    const word = words[token * TOKEN_WORDS] ?? 0;
    if (((word >> 8) & 0xffff) !== id) continue;
    if ((word & 15) === TokenKind.open) depth++;
    else if ((word & 15) === TokenKind.close && --depth === 0) return token;
  }
  return end;
}

/** Line ends as "\n", no-break spaces as spaces (they are there for the browser), no empty lines around, no blanks at the end. */
function trimCode(code: string): string {
  return code
    .replace(/\r\n?/g, "\n")
    .replaceAll("\u00a0", " ")
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
}

/** The language that a `pre`, the `code` in it or an element close around it names, in lower case; "" for none. */
export function languageOfCode(page: Page, pre: number): string {
  const { elements } = page;
  const open = elements.token[pre] ?? -1;
  if (open < 0) return "";
  const first = codeInside(page, open);
  if (first >= 0) {
    const own = languageAt(page, first);
    if (own !== "") return own;
  }
  for (let at = pre, steps = 0; at > 0 && steps <= AROUND_MAX; at = elements.parent[at] ?? -1, steps++) {
    const language = languageAt(page, elements.token[at] ?? -1);
    if (language !== "") return language;
  }
  return "";
}

/** The `code` tag that follows the `pre`, or -1. */
function codeInside(page: Page, open: number): number {
  const { words, count } = page.tokens;
  for (let at = open + 1; at < Math.min(count, open + 40); at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    if ((word & 15) === TokenKind.open && ((word >> 8) & 0xffff) === CODE) return at;
    if ((word & 15) === TokenKind.text && (word & TokenFlag.blank) === 0) return -1;
  }
  return -1;
}

function languageAt(page: Page, token: number): string {
  if (token < 0) return "";
  const named = attributeOf(page, token, DATA_LANG) ?? attributeOf(page, token, LANGUAGE);
  if (named !== undefined && /^[a-z][\w+#.-]{0,30}$/i.test(named) && !NO_LANGUAGE.test(named))
    return named.toLowerCase();
  const classes = attributeOf(page, token, CLASS)?.slice(0, CLASS_CHARS_MAX);
  return classes === undefined ? "" : languageOfClass(classes);
}

/** The language in a class list; "" for none. */
export function languageOfClass(classes: string): string {
  for (const [, name = ""] of classes.matchAll(LANGUAGE_CLASS)) if (!NO_LANGUAGE.test(name)) return name.toLowerCase();
  const found = LANGUAGE_BESIDE.exec(classes);
  const beside = found?.[1] ?? found?.[2] ?? "";
  return NO_LANGUAGE.test(beside) ? "" : beside.toLowerCase();
}
