/** Which words the table holds, and how frequent each is. */
import { words } from "../../packages/memory/src/embedding/words.ts";
import type { TextPair } from "./text-pairs.ts";

export type WordList = {
  readonly words: readonly string[];
  /** The share of each word in running text. */
  readonly frequencies: Float64Array;
};

const COUNT_MIN = 5;
const WORD = /^[\p{L}\p{M}]{1,24}$|^\p{N}{1,4}$/u;

/**
 * `size` words: those of the pairs seen five times or more, then the most frequent of `general` (in order of frequency), so that
 * what documentation of software does not speak of is known too. Pieces of words are words of the general list as well.
 */
export function chooseWords(pairs: readonly TextPair[], general: readonly string[], size: number): WordList {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { query, passage } of pairs) {
    for (const word of words(`${query} ${passage}`)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
  }
  const frequent = [...counts].filter(([word, count]) => count >= COUNT_MIN && WORD.test(word));
  frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const chosen = new Map(frequent.slice(0, size).map(([word, count]) => [word, count / total]));
  for (let rank = 0; rank < general.length && chosen.size < size; rank++) {
    const word = general[rank] as string;
    // Zipf's law gives what the pairs do not: the word of rank r has a share of about 0.1 / r.
    if (WORD.test(word) && !chosen.has(word)) chosen.set(word, Math.min(0.1 / (rank + 1), (COUNT_MIN - 1) / total));
  }
  return { words: [...chosen.keys()], frequencies: Float64Array.from(chosen.values()) };
}
