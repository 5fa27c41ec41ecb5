/** A close look at a page with little text: is it a shell, a placeholder or a wall? */
import type { Page } from "../page/page.ts";
import { ATTRIBUTE_IDS, TOKEN_WORDS, TokenKind, tagId } from "../tokenizer/tokens.ts";
import { rangesOf } from "./block-ranges.ts";
import type { GateEvidence } from "./evidence.ts";
import { CONSENT_WORDS, PLACEHOLDER_MARKS, ROOT_IDS, SCRIPT_PHRASES, WALL_MARKS, WALL_PHRASES } from "./wall-words.ts";

type PoorEvidence = Pick<
  GateEvidence,
  "emptyRoot" | "asksForScript" | "placeholders" | "wallMarks" | "consentShare" | "wideChars"
>;

/** Characters inside an application's root that are still a "Loading …". */
const ROOT_CHARS_MAX = 100;
const PLACEHOLDERS_MAX = 20;
const WALL_MARKS_MAX = 5;
/** Of a script: what identifies it stands at its beginning. */
const SCRIPT_HEAD_CHARS = 400;
/** Of one block and of an attribute's value: a page with little text has short ones. */
const BLOCK_CHARS_MAX = 6_000;
const VALUE_CHARS_MAX = 400;
/** Of all blocks together: hidden ones count for no visible text and could be any number. */
const WORDS_CHARS_MAX = 200_000;

const NOTHING: PoorEvidence = {
  emptyRoot: 0,
  asksForScript: 0,
  placeholders: 0,
  wallMarks: 0,
  consentShare: 0,
  wideChars: 0,
};

/** Any of the words: one look at a value, where each word would cost one. */
const WALL_MARK = new RegExp(WALL_MARKS.join("|").replaceAll(".", "\\."));
const PLACEHOLDER_MARK = new RegExp(PLACEHOLDER_MARKS.join("|"));

const SCRIPT = tagId("script");
const NOSCRIPT = tagId("noscript");
const TITLE = tagId("title");
const ID = ATTRIBUTE_IDS.get("id") ?? 0;
const CLASS = ATTRIBUTE_IDS.get("class") ?? 0;
const SRC = ATTRIBUTE_IDS.get("src") ?? 0;

/** Looks at a page whose visible text is given; at nothing when that is not finite. */
export function readPoorPage(page: Page, visibleChars: number): PoorEvidence {
  if (!Number.isFinite(visibleChars)) return NOTHING;
  const words = readWords(page, visibleChars);
  const marks = readMarks(page);
  return {
    emptyRoot: hasEmptyRoot(page) ? 1 : 0,
    asksForScript: words.asksForScript,
    placeholders: Math.min(PLACEHOLDERS_MAX, marks.placeholders),
    wallMarks: Math.min(WALL_MARKS_MAX, marks.wallMarks + words.wallPhrases),
    consentShare: words.consentShare,
    wideChars: words.wideChars,
  };
}

function readWords(
  page: Page,
  visibleChars: number,
): {
  readonly asksForScript: number;
  readonly wallPhrases: number;
  readonly consentShare: number;
  readonly wideChars: number;
} {
  const { blocks } = page;
  let [asksForScript, wallPhrases, consentChars, wideChars] = [0, countIn(titleOf(page), WALL_PHRASES), 0, 0];
  const inNoscript = flagsOf(page);
  let left = WORDS_CHARS_MAX;
  const texts: string[] = [];
  for (let at = 0; at < blocks.count && left > 0; at++) {
    const text = blockText(page, at);
    left -= text.length;
    texts.push(text);
  }
  // What stands nowhere needs no look at each block.
  const all = texts.join("\n");
  const [wall, consent, script] = [WALL_PHRASES, CONSENT_WORDS, SCRIPT_PHRASES].map((words) => wordsIn(all, words));
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] ?? "";
    wallPhrases += countIn(text, wall);
    wideChars += countWide(text);
    if (countIn(text, consent) > 0) consentChars += blocks.chars[at] ?? 0;
    if (countIn(text, script) > 0 && ((blocks.chars[at] ?? 0) < 400 || inNoscript[at] === 1)) asksForScript = 1;
  }
  return { asksForScript, wallPhrases, consentShare: consentChars / Math.max(1, visibleChars), wideChars };
}

/** The block as it stands in the page, with its tags, in lower case. */
function blockText({ html, tokens, blocks }: Page, block: number): string {
  const first = tokens.words[(blocks.tokenStart[block] ?? 0) * TOKEN_WORDS + 1] ?? 0;
  const end = tokens.words[((blocks.tokenEnd[block] ?? 1) - 1) * TOKEN_WORDS + 2] ?? first;
  return html.slice(first, Math.min(end, first + BLOCK_CHARS_MAX)).toLowerCase();
}

function titleOf({ html, tokens: { words, count } }: Page): string {
  for (let at = 0; at < count; at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    if ((word & 15) === TokenKind.raw && ((word >> 8) & 0xffff) === TITLE) {
      const start = words[at * TOKEN_WORDS + 1] ?? 0;
      return html.slice(start, Math.min(words[at * TOKEN_WORDS + 2] ?? 0, start + VALUE_CHARS_MAX)).toLowerCase();
    }
  }
  return "";
}

/** By block: 1 inside `noscript`. */
function flagsOf({ blocks, elements }: Page): Uint8Array {
  const flags = new Uint8Array(blocks.count);
  const ranges = rangesOf(elements, NOSCRIPT);
  for (let range = 0; range < ranges.length; range += 2) flags.fill(1, ranges[range], ranges[range + 1]);
  return flags;
}

/** Marks in ids, classes, script addresses and the heads of scripts. */
function readMarks({ html, tokens: { words, count } }: Page): { placeholders: number; wallMarks: number } {
  const found = { placeholders: 0, wallMarks: 0 };
  for (let at = 0; at < count; at++) {
    const word = words[at * TOKEN_WORDS] ?? 0;
    const kind = word & 15;
    const id = (word >> 8) & 0xffff;
    const start = words[at * TOKEN_WORDS + 1] ?? 0;
    const end = words[at * TOKEN_WORDS + 2] ?? 0;
    if (kind === TokenKind.attribute && (id === CLASS || id === ID || id === SRC)) {
      const value = html.slice(start, Math.min(end, start + VALUE_CHARS_MAX)).toLowerCase();
      if (WALL_MARK.test(value)) found.wallMarks++;
      if (id !== SRC && PLACEHOLDER_MARK.test(value)) found.placeholders++;
    } else if (kind === TokenKind.raw && id === SCRIPT) {
      const head = html.slice(start, Math.min(end, start + SCRIPT_HEAD_CHARS)).toLowerCase();
      if (WALL_MARK.test(head)) found.wallMarks++;
    }
  }
  return found;
}

/** An element that a framework fills (`#root`, `<app-root>`) and that holds next to nothing. Linear, however deep roots are nested. */
function hasEmptyRoot(page: Page): boolean {
  const { elements, blocks } = page;
  const inNoscript = flagsOf(page);
  const charsBefore = new Int32Array(blocks.count + 1);
  for (let at = 0; at < blocks.count; at++)
    charsBefore[at + 1] = (charsBefore[at] ?? 0) + (inNoscript[at] === 1 ? 0 : (blocks.chars[at] ?? 0));
  for (let at = 1; at < elements.count; at++) {
    const chars = (charsBefore[elements.blockEnd[at] ?? 0] ?? 0) - (charsBefore[elements.blockStart[at] ?? 0] ?? 0);
    if (chars <= ROOT_CHARS_MAX && isRoot(page, at)) return true;
  }
  return false;
}

function isRoot({ html, tokens: { words }, elements }: Page, element: number): boolean {
  const open = elements.token[element] ?? -1;
  if (open < 0) return false;
  if (elements.tag[element] === 0) {
    const start = words[open * TOKEN_WORDS + 1] ?? 0;
    if (/^<[a-z\d]*-?(?:app|root)(?:-[a-z]+)?[\s/>]/i.test(html.slice(start, start + 40))) return true;
  }
  const end = open + 1 + (words[open * TOKEN_WORDS + 3] ?? 0);
  for (let at = open + 1; at < end; at++) {
    if ((((words[at * TOKEN_WORDS] ?? 0) >> 8) & 0xffff) !== ID) continue;
    const start = words[at * TOKEN_WORDS + 1] ?? 0;
    const stop = words[at * TOKEN_WORDS + 2] ?? 0;
    return stop - start < 24 && ROOT_IDS.has(html.slice(start, stop).toLowerCase());
  }
  return false;
}

function wordsIn(text: string, words: readonly string[]): string[] {
  return words.filter((word) => text.includes(word));
}

function countIn(text: string, words: readonly string[] = []): number {
  let count = 0;
  for (const word of words) if (text.includes(word)) count++;
  return count;
}

function countWide(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x2e80 && code < 0xfb00) count++;
  }
  return count;
}
