/** Words a minute of silent reading of non-fiction in English (Brysbaert 2019: 238). */
const WORDS_PER_MINUTE = 230;
/** Characters a minute of scripts without spaces between words. */
const CHARS_PER_MINUTE = 400;

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Whole minutes, at least 1 where there is text. O(text). */
export function readingMinutes(text: string, wordCount: number): number {
  if (wordCount === 0) return 0;
  const unspaced = text.match(UNSPACED)?.length ?? 0;
  return Math.max(1, Math.round(wordCount / WORDS_PER_MINUTE + unspaced / CHARS_PER_MINUTE));
}
