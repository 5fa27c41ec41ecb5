import { grown } from "./grown.ts";

const CAPACITY_MIN = 16;

/** Of one moment; copied or moved as it is. */
export type RemovalLogState = {
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly start: number;
  readonly end: number;
  readonly dropped: number;
};

/** The removed rows in order of removal, numbered from 1, of which the oldest are dropped once they are final. 4 bytes each. */
export class RemovalLog {
  #rows: Uint32Array<ArrayBuffer>;
  #start: number;
  #end: number;
  #dropped: number;

  constructor(state?: RemovalLogState) {
    this.#rows = state?.rows ?? new Uint32Array(0);
    this.#start = state?.start ?? 0;
    this.#end = state?.end ?? 0;
    this.#dropped = state?.dropped ?? 0;
  }

  get state(): RemovalLogState {
    return { rows: this.#rows, start: this.#start, end: this.#end, dropped: this.#dropped };
  }

  /** Removals ever. */
  get count(): number {
    return this.#dropped + this.kept;
  }

  /** Removals that were dropped: the oldest generation that can be asked for has as many. */
  get dropped(): number {
    return this.#dropped;
  }

  get kept(): number {
    return this.#end - this.#start;
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  push(row: number): void {
    if (this.#end === this.#rows.length) this.#makeRoom();
    this.#rows[this.#end++] = row;
  }

  /** Rows of the removals after number `after`, which is not below `dropped`; a view. */
  since(after: number): Uint32Array {
    return this.#rows.subarray(this.#start + after - this.#dropped, this.#end);
  }

  /** Drops the oldest `count`, at most those kept, and says which rows they were. */
  drop(count: number): Uint32Array<ArrayBuffer> {
    const rows = this.#rows.slice(this.#start, this.#start + count);
    this.#start += rows.length;
    this.#dropped += rows.length;
    if (this.kept === 0) this.#empty();
    return rows;
  }

  /** Counts on from `first` at least; nothing may be kept. */
  countFrom(first: number): void {
    this.#dropped = Math.max(this.#dropped, first);
  }

  #empty(): void {
    this.#rows = new Uint32Array(0);
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(): void {
    const kept = this.#rows.subarray(this.#start, this.#end);
    // When half is free the same memory does; so each row is moved once on average.
    if (kept.length * 2 <= this.#rows.length && kept.length > 0) this.#rows.copyWithin(0, this.#start, this.#end);
    else this.#rows = grown(kept.slice(), Math.max(CAPACITY_MIN, kept.length * 2));
    this.#start = 0;
    this.#end = kept.length;
  }
}
