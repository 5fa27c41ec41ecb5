/** From text to rows of a word table: whole words first, then the longest known parts of an unknown word, then its hash. */
import { words } from "./words.ts";

/** Characters of an unknown word that are searched for known parts: the search is quadratic, and longer "words" are data. */
const WORD_CHARS_MAX = 40;
/** Characters of the shortest known part: two letters mean nothing alone. */
const PART_CHARS_MIN = 3;

/** What a text is made of, for one table. `hashes` are 32-bit hashes of words the table cannot spell. */
export type StaticTokens = { readonly rows: number[]; readonly hashes: number[] };

export type Vocabulary = ReadonlyMap<string, number>;

/** Rows in order, repeats kept. A word is hashed when known parts cover less than half of it. */
export function tokenize(text: string, vocabulary: Vocabulary): StaticTokens {
  const rows: number[] = [];
  const hashes: number[] = [];
  for (const word of words(text)) {
    const row = vocabulary.get(word);
    if (row !== undefined) rows.push(row);
    else if (!spell(word, vocabulary, rows)) hashes.push(hashOf(word));
  }
  return { rows, hashes };
}

/** Adds the rows of the longest known parts from left to right; false, and nothing added, when they cover too little. */
function spell(word: string, vocabulary: Vocabulary, rows: number[]): boolean {
  const chars = Math.min(word.length, WORD_CHARS_MAX);
  const before = rows.length;
  let covered = 0;
  for (let at = 0; at <= chars - PART_CHARS_MIN; ) {
    let end = chars;
    let row: number | undefined;
    for (; end - at >= PART_CHARS_MIN; end--) {
      row = vocabulary.get(word.slice(at, end));
      if (row !== undefined) break;
    }
    if (row === undefined) at++;
    else {
      rows.push(row);
      covered += end - at;
      at = end;
    }
  }
  if (covered * 2 >= chars && covered > 0) return true;
  rows.length = before;
  return false;
}

/** FNV-1a over UTF-16 code units. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
