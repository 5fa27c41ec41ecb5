/** Problems listed of one segment: a broken one has thousands, and the first tell enough. */
export const PROBLEMS_MAX = 100;
/** Invariants of a segment, by what they are about. */
export const PROBLEM_KINDS = [
  "header",
  "rows",
  "alive",
  "id",
  "entry",
  "level",
  "degree",
  "link",
  "self",
  "repeat",
  "unreached",
  "code",
] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** An invariant that does not hold, and of which row; undefined when it is the segment's. */
export type Problem = { readonly kind: ProblemKind; readonly row: number | undefined; readonly detail: string };

/** Takes problems until there are PROBLEMS_MAX. */
export type Report = (kind: ProblemKind, row: number | undefined, detail: string) => void;
