import { type HashKey, hashText } from "./text-hash.ts";

/** Places of the smallest table; a power of two. */
const CAPACITY_MIN = 16;
const WORDS_PER_PLACE = 4;
/** Places that each new entry carries over from the table before: it is through with a table of n places before the next is full. */
const CARRIED_PER_SET = 32;
/** A table is at least this part of the one before, so that carrying ends in time. */
const SHRINK_MAX = 4;

/** Of one moment; copied or moved as it is. */
export type TextTableState = {
  readonly key: HashKey;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly size: number;
  /** The table before, of which places from `carried` on are still to be carried over. */
  readonly before: Uint32Array<ArrayBuffer> | undefined;
  readonly carried: number;
};

/** Which values still count, and how many do at most. */
export type Counting = { readonly counts: (value: number) => boolean; readonly countMax: number };

/**
 * Text → uint32 below 2^32 − 1, without the texts: 96 bits of hash and the value, 16 bytes a place, 70 % of the places taken at most.
 * Open addressing with linear probing. A full table is not rebuilt at once, which takes 95 ms for a million entries (measured): the next one
 * takes over a few places with each entry. There is no removal: whoever knows which values still count says so, and the others
 * are not carried over, so memory follows what counts. All O(1) expected.
 */
export class TextTable {
  readonly #key: HashKey;
  #words: Uint32Array<ArrayBuffer>;
  /** Places taken in `#words`. */
  #size: number;
  #before: Uint32Array<ArrayBuffer> | undefined;
  #carried: number;
  readonly #hash = new Uint32Array(3);

  constructor(key: HashKey, state?: TextTableState) {
    this.#key = key;
    this.#words = state?.words ?? new Uint32Array(CAPACITY_MIN * WORDS_PER_PLACE);
    this.#size = state?.size ?? 0;
    this.#before = state?.before;
    this.#carried = state?.carried ?? 0;
  }

  get state(): TextTableState {
    return { key: this.#key, words: this.#words, size: this.#size, before: this.#before, carried: this.#carried };
  }

  get bytes(): number {
    return this.#words.byteLength + (this.#before?.byteLength ?? 0);
  }

  /** The value; one that does not count any more may be told. */
  get(text: string): number | undefined {
    hashText(text, this.#key, this.#hash);
    return this.#valueOf(find(this.#words, this.#hash, 0));
  }

  /** The value it had, as `get` tells it. Without `counting` every value counts. */
  set(text: string, value: number, counting?: Counting): number | undefined {
    if (this.#before) this.#carry(this.#before, CARRIED_PER_SET, counting);
    if ((this.#size + 1) * WORDS_PER_PLACE * 10 > this.#words.length * 7) this.#begin(counting);
    hashText(text, this.#key, this.#hash);
    const at = find(this.#words, this.#hash, 0);
    const old = this.#valueOf(at);
    this.#put(at, { from: this.#hash, fromAt: 0, stored: value + 1 });
    return old;
  }

  /** Of the hash at hand, which stands at `at` or not at all. */
  #valueOf(at: number): number | undefined {
    const stored = this.#words[at + 3] ?? 0;
    if (stored !== 0) return stored - 1;
    const before = this.#before?.[find(this.#before, this.#hash, 0) + 3];
    return before ? before - 1 : undefined;
  }

  #begin(counting: Counting | undefined): void {
    if (this.#before) this.#carry(this.#before, this.#before.length, counting);
    const places = this.#words.length / WORDS_PER_PLACE;
    const countMax = Math.min(counting?.countMax ?? this.#size, this.#size);
    let capacity = Math.max(CAPACITY_MIN, places / SHRINK_MAX);
    // Half full at most, so that the next time is as far away as the table is large.
    while (capacity < 2 * (countMax + 1)) capacity *= 2;
    this.#before = this.#words;
    this.#carried = 0;
    this.#words = new Uint32Array(capacity * WORDS_PER_PLACE);
    this.#size = 0;
  }

  #carry(before: Uint32Array<ArrayBuffer>, places: number, counting: Counting | undefined): void {
    const end = Math.min(before.length, this.#carried + places * WORDS_PER_PLACE);
    for (let fromAt = this.#carried; fromAt < end; fromAt += WORDS_PER_PLACE) {
      const stored = before[fromAt + 3] ?? 0;
      if (stored === 0 || (counting && !counting.counts(stored - 1))) continue;
      const at = find(this.#words, before, fromAt);
      // What is there already is newer.
      if (this.#words[at + 3] === 0) this.#put(at, { from: before, fromAt, stored });
    }
    this.#carried = end;
    if (end === before.length) this.#before = undefined;
  }

  #put(at: number, { from, fromAt, stored }: Entry): void {
    const words = this.#words;
    if (words[at + 3] === 0) this.#size++;
    words[at] = from[fromAt] ?? 0;
    words[at + 1] = from[fromAt + 1] ?? 0;
    words[at + 2] = from[fromAt + 2] ?? 0;
    words[at + 3] = stored;
  }
}

/** `stored` is the value and one: 0 is a free place, as memory comes. */
type Entry = { readonly from: Uint32Array; readonly fromAt: number; readonly stored: number };

/** Where the hash at `hash[at]` stands in `words`, or the free place where it would. */
function find(words: Uint32Array, hash: Uint32Array, at: number): number {
  const first = hash[at] ?? 0;
  const second = hash[at + 1];
  const third = hash[at + 2];
  const mask = words.length - 1;
  let place = (first << 2) & mask;
  while (words[place + 3] !== 0) {
    if (words[place] === first && words[place + 1] === second && words[place + 2] === third) break;
    place = (place + WORDS_PER_PLACE) & mask;
  }
  return place;
}
