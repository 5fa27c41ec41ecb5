import type { Entry, QueuedEntry } from "./entry.ts";

/** How much one dispatch may hold, and of which spaces. */
export type TakeOptions<T> = {
  /** Observations at most; a single larger entry is taken alone. */
  readonly countMax: number;
  /** Bytes at most; a single larger entry is taken alone. */
  readonly bytesMax: number;
  /** Whether an entry of `space` can be used now; asked before each entry, with the entry. Default: all can. */
  readonly isReady?: (space: number, entry: Entry<T>) => boolean;
};

/** Entries of one dispatch. The first always fits, so that none is too large to ever go. */
export class Batch<T> {
  readonly entries: QueuedEntry<T>[] = [];
  count = 0;
  bytes = 0;
  /** The next entry in turn did not fit. */
  isFull = false;
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #isReady: TakeOptions<T>["isReady"];

  constructor({ countMax, bytesMax, isReady }: TakeOptions<T>) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
    this.#isReady = isReady;
  }

  isReady(entry: Entry<T>): boolean {
    return this.#isReady === undefined || this.#isReady(entry.space, entry);
  }

  /** Whether the entry was put in. */
  add(entry: QueuedEntry<T>): boolean {
    const isOver = this.count + entry.count > this.#countMax || this.bytes + entry.bytes > this.#bytesMax;
    if (isOver && this.entries.length > 0) {
      this.isFull = true;
      return false;
    }
    this.entries.push(entry);
    this.count += entry.count;
    this.bytes += entry.bytes;
    this.isFull = this.count >= this.#countMax || this.bytes >= this.#bytesMax;
    return true;
  }
}
