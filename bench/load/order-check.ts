import { MISSING_MAX } from "./limits.ts";

/**
 * What one subscriber must see: 1, 2, 3 … A number that is skipped is missing; when it comes after all it was reordered, and one that comes
 * again is a duplicate. What is still missing at the end was lost.
 */
export class OrderCheck {
  last: number;
  received = 0;
  duplicated = 0;
  reordered = 0;
  /** Missing numbers beyond those that are remembered one by one. */
  #missingMore = 0;
  #missing: Set<number> | undefined;

  /** `after` is the last number before following began. */
  constructor(after = 0) {
    this.last = after;
  }

  take(number: number): void {
    this.received++;
    if (number === this.last + 1) this.last = number;
    else this.#takeOutOfOrder(number);
  }

  /** Numbers up to `head` that never came. */
  lost(head: number): number {
    return (this.#missing?.size ?? 0) + this.#missingMore + Math.max(0, head - this.last);
  }

  #takeOutOfOrder(number: number): void {
    if (number > this.last) {
      this.#miss(this.last + 1, number);
      this.last = number;
    } else if (this.#missing?.delete(number)) this.reordered++;
    else this.duplicated++;
  }

  #miss(from: number, to: number): void {
    this.#missing ??= new Set();
    const kept = Math.min(to, from + Math.max(0, MISSING_MAX - this.#missing.size));
    for (let number = from; number < kept; number++) this.#missing.add(number);
    this.#missingMore += to - kept;
  }
}
