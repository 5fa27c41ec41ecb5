/** Finds the words that mark authors and dates in class, id, itemprop and rel values, without slicing them. */

import type { TokenSource } from "./token-text.ts";

export const Hint = { author: 1, date: 2, tag: 4 } as const;

/** Longer class lists are utility classes throughout. */
const LABEL_CHARS_MAX = 160;

/** 1 for the codes that a word looked for begins with; few units of a class are one. */
const BEGINS = new Uint8Array(128);
for (const letter of "abdputw") BEGINS[letter.charCodeAt(0)] = 1;

/** `Hint` bits of the words that stand in the page from `start` to `end`, whatever their case at the front ("postAuthor"). */
export function hintsIn({ html, tokens: { units } }: TokenSource, start: number, end: number): number {
  const stop = Math.min(end, start + LABEL_CHARS_MAX);
  let hints = 0;
  for (let at = start; at + 2 < stop; at++) {
    // Setting bit 5 makes ASCII letters lower case.
    const code = (units[at] as number) | 0x20;
    if (BEGINS[code] !== 1) continue;
    const next = units[at + 1];
    if (code === 0x61) {
      if (next === 0x75 && html.startsWith("thor", at + 2)) hints |= Hint.author;
    } else if (code === 0x62) {
      if (next === 0x79 && (html.startsWith("line", at + 2) || html.startsWith("Line", at + 2))) hints |= Hint.author;
    } else if (code === 0x64) {
      if (next === 0x61 && html.startsWith("te", at + 2) && !isUpdate(html, at, start)) hints |= Hint.date;
    } else if (code === 0x70) {
      if (next === 0x6f && html.startsWith("sted", at + 2)) hints |= Hint.date;
      else if (next === 0x75 && html.startsWith("blish", at + 2)) hints |= Hint.date;
    } else if (code === 0x75) {
      if (next === 0x73 && html.startsWith("ername", at + 2)) hints |= Hint.author;
    } else if (code === 0x77) {
      if (next === 0x72 && html.startsWith("iter", at + 2)) hints |= Hint.author;
    } else if (code === 0x74) {
      if (next === 0x61 && units[at + 2] === 0x67) hints |= Hint.tag;
      else if (next === 0x69 && html.startsWith("mestamp", at + 2)) hints |= Hint.date;
    }
  }
  return hints;
}

/** "update", "candidate", "validate", "mandate": words that only end in "date". */
function isUpdate(html: string, at: number, start: number): boolean {
  if (at === start) return false;
  const before = html.charCodeAt(at - 1);
  const isLetter = before >= 0x61 && before <= 0x7a;
  return isLetter && html.charCodeAt(at) === 0x64 && !html.startsWith("pub", at - 3);
}
