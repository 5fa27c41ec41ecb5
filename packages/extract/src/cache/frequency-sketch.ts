/** How often a key was asked for lately, in a fixed amount of memory. */

const ROWS = 4;
const COUNT_MAX = 15;
/** Odd multipliers, one a row (the finalisers of MurmurHash3, xxHash32 and Fibonacci hashing): rows collide independently. */
const MULTIPLIERS = [0x85ebca6b, 0xc2b2ae35, 0x9e3779b1, 0x27d4eb2f] as const;

/**
 * Count-min sketch that forgets (Einziger, Friedman, Manes: TinyLFU, ACM ToS 2017): after `period` additions all counts are halved, so
 * yesterday's favourites make room. Counts stop at 15. Never below the true count of the period, above it by collisions only.
 */
export class FrequencySketch {
  readonly #counts: Uint8Array;
  readonly #mask: number;
  #additions = 0;

  /** `width`: counters a row, a power of two; about as many as there are keys. */
  constructor(width: number) {
    this.#mask = width - 1;
    this.#counts = new Uint8Array(width * ROWS);
  }

  /** Notes one use of `key`. `period`: additions between two halvings; ten times the keys held keeps favourites of that many uses. */
  add(key: string, period: number): void {
    const hash = hashOf(key);
    for (let row = 0; row < ROWS; row++) {
      const at = this.#at(hash, row);
      const count = this.#counts[at] ?? 0;
      if (count < COUNT_MAX) this.#counts[at] = count + 1;
    }
    if (++this.#additions >= period) this.#halve();
  }

  estimate(key: string): number {
    const hash = hashOf(key);
    let least = COUNT_MAX;
    for (let row = 0; row < ROWS; row++) least = Math.min(least, this.#counts[this.#at(hash, row)] ?? 0);
    return least;
  }

  #at(hash: number, row: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 15), MULTIPLIERS[row] ?? 1);
    return row * (this.#mask + 1) + ((mixed ^ (mixed >>> 16)) & this.#mask);
  }

  #halve(): void {
    this.#additions >>= 1;
    const counts = this.#counts;
    for (let at = 0; at < counts.length; at++) counts[at] = (counts[at] ?? 0) >> 1;
  }
}

/** FNV-1a over the code units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
