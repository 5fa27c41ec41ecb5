/** Words of attributes and of text as 32-bit hashes: what the lexicons are looked up by. FNV-1a over lower-cased code units. */
import type { Page } from "../page/page.ts";
import { TOKEN_WORDS, TokenFlag, TokenKind } from "../tokenizer/tokens.ts";

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** Numbers with room to grow, reused from page to page. */
export class HashList {
  words = new Int32Array(1_024);
  count = 0;

  add(hash: number): void {
    if (this.count === this.words.length) {
      const grown = new Int32Array(this.count * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[this.count++] = hash;
  }
}

/** ASCII letters in lower case, by code; 0 for what is no letter. Digits belong to words of text only. */
const NAME_LETTERS = Uint8Array.from({ length: 128 }, (_, code) => foldOf(code));
const TEXT_LETTERS = NAME_LETTERS.map((folded, code) => (code >= 48 && code <= 57 ? code : folded));

function foldOf(code: number): number {
  const lower = code | 32;
  return code >= 65 && lower >= 97 && lower <= 122 ? lower : 0;
}

function isWideLetter(code: number): boolean {
  return code >= 0xc0 && (code < 0x2000 || code > 0x206f) && (code < 0x3000 || code > 0x3002);
}

/** Longest word that is looked up: longer ones are keys and identifiers. */
const WORD_CHARS_MAX = 24;

/** Units from `start` to `end`. */
export type Span = { readonly start: number; readonly end: number };

/**
 * Adds the words of an attribute's value: runs of letters, split before an inner capital ("postBody" is two); digits and signs
 * separate. `seed` keeps the words of one attribute apart from another's.
 */
export function addNameUnits(list: HashList, units: Uint16Array, name: Span & { readonly seed: number }): void {
  const { start, end, seed } = name;
  let hash = OFFSET ^ seed;
  let length = 0;
  let wasLower = false;
  for (let at = start; at < end; at++) {
    const code = units[at] as number;
    const folded = code < 128 ? (NAME_LETTERS[code] as number) : code;
    const isLower = folded === code;
    if (folded === 0 || (wasLower && !isLower)) {
      if (length > 1 && length <= WORD_CHARS_MAX) list.add(hash);
      hash = OFFSET ^ seed;
      length = 0;
    }
    if (folded !== 0) {
      hash = Math.imul(hash ^ folded, PRIME);
      length++;
    }
    wasLower = isLower;
  }
  if (length > 1 && length <= WORD_CHARS_MAX) list.add(hash);
}

/** As `addNameUnits`, for text that stands in no page. */
export function addNameWords(list: HashList, text: string, seed: number): void {
  const units = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at++) units[at] = text.charCodeAt(at);
  addNameUnits(list, units, { start: 0, end: text.length, seed });
}

/** Length of a character reference that is skipped. */
const REFERENCE_CHARS_MAX = 10;

/** Words of one block that are looked up: its beginning says what it is. */
export const BLOCK_WORDS_MAX = 24;

/** Adds the words of a span of a page's units until `list` has `max`; character references separate words. */
export function addTextWords(list: HashList, units: Uint16Array, span: Span & { readonly max: number }): void {
  const { start, end, max } = span;
  let hash = OFFSET;
  let length = 0;
  for (let at = start; at <= end; at++) {
    const code = at < end ? (units[at] as number) : 32;
    const folded = code < 128 ? (TEXT_LETTERS[code] as number) : isWideLetter(code) ? code : 0;
    if (folded !== 0) {
      hash = Math.imul(hash ^ folded, PRIME);
      length++;
    } else {
      if (length > 0) {
        list.add(hash);
        if (list.count >= max) return;
        hash = OFFSET;
        length = 0;
      }
      if (code === 38) {
        const stop = Math.min(end, at + REFERENCE_CHARS_MAX);
        for (let next = at + 1; next < stop; next++) {
          if (units[next] !== 59) continue;
          at = next;
          break;
        }
      }
    }
  }
}

/** The first words of block `at`, added to `list`. */
export function addBlockWords(list: HashList, page: Page, at: number): void {
  const { words, units } = page.tokens;
  const max = list.count + BLOCK_WORDS_MAX;
  const end = page.blocks.tokenEnd[at] ?? 0;
  for (let token = page.blocks.tokenStart[at] ?? 0; token < end && list.count < max; token++) {
    const base = token * TOKEN_WORDS;
    const word = words[base] ?? 0;
    if ((word & 15) !== TokenKind.text || (word & TokenFlag.blank) !== 0) continue;
    addTextWords(list, units, { start: words[base + 1] ?? 0, end: words[base + 2] ?? 0, max });
  }
}

export function hashOf(text: string): number {
  let hash = OFFSET;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  return hash;
}
