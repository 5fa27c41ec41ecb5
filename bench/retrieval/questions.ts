/** The question sets and what counts as an answer. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A chunk answers when it is of `source` and holds `contains`, white space aside. */
export type Relevant = { readonly source: string; readonly contains: string; readonly grade: number };

export type Question = {
  readonly id: string;
  /** `paraphrase` avoids the passage's words, `keyword` names its terms, `how-to` is how a person asks. */
  readonly kind: "paraphrase" | "keyword" | "how-to";
  readonly question: string;
  readonly relevant: readonly Relevant[];
};

export type QuestionSet = "dev" | "judge";

export async function readQuestions(set: QuestionSet): Promise<readonly Question[]> {
  const path = join(import.meta.dirname, "questions", `${set}.json`);
  return JSON.parse(await readFile(path, "utf8")) as Question[];
}

/** The grade of each chunk that answers, by its position. A phrase on the border of two chunks may be in neither: see `missing`. */
export function gradesOf(question: Question, chunks: readonly { readonly source: string; readonly text: string }[]) {
  const grades = new Map<number, number>();
  const missing: Relevant[] = [];
  for (const relevant of question.relevant) {
    const wanted = squeeze(relevant.contains);
    let found = false;
    chunks.forEach(({ source, text }, at) => {
      if (source !== relevant.source || !squeeze(text).includes(wanted)) return;
      found = true;
      grades.set(at, Math.max(grades.get(at) ?? 0, relevant.grade));
    });
    if (!found) missing.push(relevant);
  }
  return { grades, missing };
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ");
}
