/** How often title, author and date are what the truth says, over the pages on which it says something. */
import type { Truth } from "./page-set.ts";

export type FieldName = "title" | "author" | "published";

/** What an extractor said of a page. */
export type PageFields = Readonly<Partial<Record<FieldName, string | undefined>>>;

export type FieldFigures = {
  /** Pages whose truth has the field. */
  readonly pages: number;
  /** Share of them with the same value, with another, and with none. */
  readonly right: number;
  readonly wrong: number;
  readonly absent: number;
};

type Verdict = "right" | "wrong" | "absent";

const FIELDS: Readonly<Record<FieldName, (got: string, want: string) => boolean>> = {
  title: (got, want) => wordsOf(got) === wordsOf(want),
  // The truth often joins a name and a role or several names: either may hold the other whole.
  author: (got, want) => holds(wordsOf(want), wordsOf(got)) || holds(wordsOf(got), wordsOf(want)),
  published: (got, want) => dayOf(got) === dayOf(want),
};

export class MetadataAccuracy {
  readonly #verdicts: Record<FieldName, Verdict[]> = { title: [], author: [], published: [] };

  add(fields: PageFields, truth: Truth): void {
    for (const name of Object.keys(FIELDS) as FieldName[]) {
      const want = truth[name];
      if (want !== undefined && wordsOf(want) !== "") this.#verdicts[name].push(judge(name, fields[name], want));
    }
  }

  figures(): Readonly<Record<FieldName, FieldFigures>> {
    const { title, author, published } = this.#verdicts;
    return { title: tally(title), author: tally(author), published: tally(published) };
  }
}

function judge(name: FieldName, got: string | undefined, want: string): Verdict {
  if (got === undefined || wordsOf(got) === "") return "absent";
  return FIELDS[name](got, want) ? "right" : "wrong";
}

function tally(verdicts: readonly Verdict[]): FieldFigures {
  const share = (wanted: Verdict) => {
    const count = verdicts.filter((verdict) => verdict === wanted).length;
    return verdicts.length === 0 ? 0 : Number((count / verdicts.length).toFixed(4));
  };
  return { pages: verdicts.length, right: share("right"), wrong: share("wrong"), absent: share("absent") };
}

/** Letters and digits in lower case with single spaces: quotes, dashes and case are matters of typography. */
function wordsOf(text: string): string {
  return (
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(" ") ?? ""
  );
}

function holds(whole: string, part: string): boolean {
  return part !== "" && ` ${whole} `.includes(` ${part} `);
}

/** The day as it was written, whatever time zone it was written in: "2025-09-04T23:50:00-05:00" is the 4th. */
function dayOf(date: string): string {
  return /\d{4}-\d{2}-\d{2}/.exec(date)?.[0] ?? date;
}
