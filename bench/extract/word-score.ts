/**
 * Word F1 between two texts, as the WCXB benchmark counts it: multisets of `\w+` in lower case. `\w` is Python's, letters and digits
 * of every script and the underscore; combining marks are none, so that they part words here as they do there.
 */

export type WordCounts = { readonly counts: ReadonlyMap<string, number>; readonly total: number };

/** Each 0–1. All are 0 when the texts share no word. */
export type WordScore = { readonly f1: number; readonly precision: number; readonly recall: number };

const WORD = /[\p{L}\p{N}_]+/gu;

export function countWords(text: string): WordCounts {
  const counts = new Map<string, number>();
  let total = 0;
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    total++;
  }
  return { counts, total };
}

/** Of the words that were got against those that were wanted. */
export function scoreWords(got: WordCounts, want: WordCounts): WordScore {
  let common = 0;
  for (const [word, count] of want.counts) common += Math.min(count, got.counts.get(word) ?? 0);
  if (common === 0) return { f1: 0, precision: 0, recall: 0 };
  const precision = common / got.total;
  const recall = common / want.total;
  return { f1: (2 * precision * recall) / (precision + recall), precision, recall };
}

/**
 * The share of the snippets that the text holds, case aside and otherwise letter by letter: white space is not collapsed, as the data
 * set's description has it. Undefined without snippets: such a page counts for no mean.
 */
export function shareFound(text: string, snippets: readonly string[]): number | undefined {
  if (snippets.length === 0) return undefined;
  const lower = text.toLowerCase();
  return snippets.filter((snippet) => lower.includes(snippet.toLowerCase())).length / snippets.length;
}
