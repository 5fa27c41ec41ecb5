import { grown } from "./grown.ts";

const CAPACITY_MIN = 16;

/** Of one moment; copied or moved as it is. */
export type ExpiryHeapState = {
  readonly atMs: Float64Array<ArrayBuffer>;
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly size: number;
};

/**
 * Rows by when they expire, the soonest on top; equal times in order of row, so that every run takes them in one order. 12 bytes for each
 * row that expires at all. O(1) to see that nothing has expired; adding is O(1) when times come in order, O(log n) else.
 */
export class ExpiryHeap {
  #atMs: Float64Array<ArrayBuffer>;
  #rows: Uint32Array<ArrayBuffer>;
  #size: number;

  constructor(state?: ExpiryHeapState) {
    this.#atMs = state?.atMs ?? new Float64Array(0);
    this.#rows = state?.rows ?? new Uint32Array(0);
    this.#size = state?.size ?? 0;
  }

  get state(): ExpiryHeapState {
    return { atMs: this.#atMs, rows: this.#rows, size: this.#size };
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#atMs.byteLength + this.#rows.byteLength;
  }

  /** When the first expires; infinity when none does. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#atMs[0] ?? Number.POSITIVE_INFINITY);
  }

  push(row: number, atMs: number): void {
    if (this.#size === this.#rows.length) this.#grow();
    this.#rise(this.#size++, row, atMs);
  }

  /** Takes the soonest out; only when there is one. */
  pop(): number {
    const top = this.#rows[0] ?? 0;
    this.#size--;
    if (this.#size > 0) this.#sink(this.#rows[this.#size] ?? 0, this.#atMs[this.#size] ?? 0);
    return top;
  }

  /** Leaves out the rows that do not count any more. O(n log n). */
  purge(counts: (row: number) => boolean): void {
    const { atMs, rows, size } = this.state;
    this.#atMs = new Float64Array(0);
    this.#rows = new Uint32Array(0);
    this.#size = 0;
    for (let at = 0; at < size; at++) {
      const row = rows[at] ?? 0;
      if (counts(row)) this.push(row, atMs[at] ?? 0);
    }
  }

  #rise(from: number, row: number, atMs: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(row, atMs, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, row, atMs);
  }

  #sink(row: number, atMs: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && this.#isBefore(this.#rows[right] ?? 0, this.#atMs[right] ?? 0, child)) child = right;
      if (this.#isBefore(row, atMs, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, row, atMs);
  }

  #isBefore(row: number, atMs: number, other: number): boolean {
    const otherMs = this.#atMs[other] ?? 0;
    return atMs < otherMs || (atMs === otherMs && row < (this.#rows[other] ?? 0));
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#rows[from] ?? 0, this.#atMs[from] ?? 0);
  }

  #put(at: number, row: number, atMs: number): void {
    this.#rows[at] = row;
    this.#atMs[at] = atMs;
  }

  #grow(): void {
    const length = Math.max(CAPACITY_MIN, this.#rows.length * 2);
    this.#atMs = grown(this.#atMs, length);
    this.#rows = grown(this.#rows, length);
  }
}
