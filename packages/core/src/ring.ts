import { assert } from "./assert.ts";

export type RingOptions = {
  /** Most items held; a power of two is not required. */
  readonly countMax: number;
  /** Most bytes held, summed over the sizes given to `push`. One item above it is refused by assertion. */
  readonly bytesMax: number;
};

/**
 * A ring bounded by count and by bytes. Adding evicts the oldest until both bounds hold: amortised O(1), no copy of what
 * stays. Items are numbered 0, 1, 2 … in the order they were added, so a reader asks by number.
 */
export class Ring<T> {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #items: (T | undefined)[];
  readonly #sizes: Float64Array;
  #first = 0;
  #next = 0;
  #bytes = 0;
  #evicted = 0;

  constructor(options: RingOptions) {
    assert(options.countMax >= 1 && options.bytesMax >= 1, "a ring holds at least one item and one byte");
    this.#countMax = options.countMax;
    this.#bytesMax = options.bytesMax;
    this.#items = [];
    this.#sizes = new Float64Array(options.countMax);
  }

  /** Number of the oldest item held; equal to `next` when empty. */
  get first(): number {
    return this.#first;
  }

  /** Number the next added item gets. */
  get next(): number {
    return this.#next;
  }

  get count(): number {
    return this.#next - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Items evicted so far, for the metric. */
  get evicted(): number {
    return this.#evicted;
  }

  push(item: T, bytes: number): void {
    assert(bytes <= this.#bytesMax, `an item of ${bytes} bytes does not fit a ring of ${this.#bytesMax}`);
    while (this.count === this.#countMax || (this.count > 0 && this.#bytes + bytes > this.#bytesMax)) this.#evict();
    const slot = this.#next % this.#countMax;
    this.#items[slot] = item;
    this.#sizes[slot] = bytes;
    this.#bytes += bytes;
    this.#next++;
  }

  /** The item with that number, or undefined when it was evicted or not yet added. */
  at(number: number): T | undefined {
    return number >= this.#first && number < this.#next ? this.#items[number % this.#countMax] : undefined;
  }

  /** Forgets everything; numbers go on from where they were. */
  clear(): void {
    while (this.count > 0) this.#evict();
  }

  #evict(): void {
    const slot = this.#first % this.#countMax;
    this.#items[slot] = undefined;
    this.#bytes -= this.#sizes[slot] ?? 0;
    this.#first++;
    this.#evicted++;
  }
}
