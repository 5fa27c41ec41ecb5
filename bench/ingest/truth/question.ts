/** Which vectors of a space were removed again: those below `below` whose number is less than `first` modulo `of`. */
export type Removed = { readonly below: number; readonly of: number; readonly first: number };

export function isRemoved(removed: Removed | undefined, n: number): boolean {
  return removed !== undefined && n < removed.below && n % removed.of < removed.first;
}

/** One answer of a recall, and what it is judged against. */
export type Question = {
  /** Which vector of the query file. */
  readonly query: number;
  readonly space: number;
  /** Vectors that were searchable when the question was asked: those below it. */
  readonly prefix: number;
  readonly removed?: Removed;
  /** Numbers of the vectors that were found, the nearest first. */
  readonly found: ArrayLike<number>;
};
