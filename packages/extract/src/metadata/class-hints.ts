/** Finds the words that mark authors and dates in class, id, itemprop and rel values, without slicing them. */
import type { TokenSource } from "./token-text.ts";

export const Hint = { author: 1, date: 2, tag: 4 } as const;

/** Longer class lists are utility classes throughout. */
const LABEL_CHARS_MAX = 160;

/** The words by the code of their first letter, without it. A table: comparisons written out were the dearest code to compile (measured). */
const WORDS = wordsOf([
  ["author", Hint.author],
  ["byline", Hint.author],
  ["byLine", Hint.author],
  ["username", Hint.author],
  ["writer", Hint.author],
  ["date", Hint.date],
  ["posted", Hint.date],
  ["publish", Hint.date],
  ["timestamp", Hint.date],
  ["tag", Hint.tag],
]);
/** "date" counts where it is no end of another word. */
const DATE_LETTER = 0x64;

type HintWord = { readonly rest: Uint8Array; readonly hint: number };

function wordsOf(list: readonly (readonly [string, number])[]): readonly (readonly HintWord[])[] {
  const words = Array.from({ length: 128 }, (): HintWord[] => []);
  for (const [word, hint] of list)
    words[word.charCodeAt(0)]?.push({ rest: Buffer.from(word.slice(1), "latin1"), hint });
  return words;
}

/** `Hint` bits of the words that stand in the page from `start` to `end`, whatever their case at the front ("postAuthor"). */
export function hintsIn(page: TokenSource, start: number, end: number): number {
  const { units } = page.tokens;
  const stop = Math.min(end, start + LABEL_CHARS_MAX);
  let hints = 0;
  for (let at = start; at + 2 < stop; at++) {
    // Setting bit 5 makes ASCII letters lower case.
    const code = (units[at] as number) | 0x20;
    if (code >= 128) continue;
    for (const { rest, hint } of WORDS[code] as readonly HintWord[])
      if (isAt(units, at + 1, rest) && (code !== DATE_LETTER || !isUpdate(page.html, at, start))) hints |= hint;
  }
  return hints;
}

function isAt(units: Uint16Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (units[at + i] !== word[i]) return false;
  return true;
}

/** "update", "candidate", "validate", "mandate": words that only end in "date". */
function isUpdate(html: string, at: number, start: number): boolean {
  if (at === start) return false;
  const before = html.charCodeAt(at - 1);
  const isLetter = before >= 0x61 && before <= 0x7a;
  return isLetter && html.charCodeAt(at) === 0x64 && !html.startsWith("pub", at - 3);
}
