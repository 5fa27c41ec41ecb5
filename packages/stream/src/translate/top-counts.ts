/**
 * Counts of the names seen most often, in bounded memory: the space-saving algorithm (Metwally, Agrawal, El Abbadi 2005, section 3). When all
 * places are taken, a new name takes the place of the rarest and goes on from its count: a name's count is never too low, and any name seen
 * more often than total / places is in it.
 */
export class TopCounts {
  readonly #places: number;
  readonly #counts = new Map<string, number>();

  constructor(places: number) {
    this.#places = places;
  }

  /** O(1) for a name that has a place, else O(places). */
  add(name: string): void {
    const count = this.#counts.get(name);
    if (count !== undefined || this.#counts.size < this.#places) {
      this.#counts.set(name, (count ?? 0) + 1);
      return;
    }
    let rarest = "";
    let least = Number.POSITIVE_INFINITY;
    for (const [other, seen] of this.#counts) {
      if (seen >= least) continue;
      rarest = other;
      least = seen;
    }
    this.#counts.delete(rarest);
    this.#counts.set(name, least + 1);
  }

  /** Names and counts, the largest first. */
  entries(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]);
  }
}
