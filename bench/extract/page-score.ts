/** One extractor's result on one page. */
import type { PageFields } from "./metadata-accuracy.ts";
import type { JudgedPage } from "./page-set.ts";
import { countWords, scoreWords, shareFound, type WordScore } from "./word-score.ts";

export type PageScore = WordScore & {
  readonly id: string;
  readonly type: string;
  /** The truth holds no word: then F1 says nothing, and the page counts for no mean. */
  readonly isReferenceEmpty: boolean;
  /** Words that were extracted. */
  readonly words: number;
  /** Share of the snippets found; undefined where the page has none. */
  readonly withSnippets: number | undefined;
  readonly withoutSnippets: number | undefined;
  readonly cpuMs: number;
  /** Why there is no text at all, when the extractor failed. */
  readonly failure: string | undefined;
};

export type PageOutcome = {
  readonly text: string;
  readonly cpuMs: number;
  readonly failure: string | undefined;
  /** What was said of the page beside its text, by an extractor that is judged by it. */
  readonly fields?: PageFields;
};

export function scorePage({ id, type, truth }: JudgedPage, { text, cpuMs, failure }: PageOutcome): PageScore {
  const got = countWords(text);
  const want = countWords(truth.mainContent);
  return {
    ...scoreWords(got, want),
    id,
    type,
    isReferenceEmpty: want.total === 0,
    words: got.total,
    withSnippets: shareFound(text, truth.withSnippets),
    withoutSnippets: shareFound(text, truth.withoutSnippets),
    cpuMs,
    failure,
  };
}
