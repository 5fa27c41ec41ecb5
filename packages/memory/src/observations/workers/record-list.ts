/** Where the observations of one space lie in the log: one entry a record, in shared memory that every thread reads. */
import { assert } from "@millrace/core";

/** A record that is durable. */
export type ListedRecord = {
  readonly firstRow: number;
  readonly count: number;
  readonly file: number;
  readonly offset: number;
  /** 0 when it is in the log no more. */
  readonly bytes: number;
  readonly metaBytes: number;
  readonly acceptedMs: number;
};

const HEADER_BYTES = 8;
/** firstRow, count, file, bytes, metaBytes as u32, one spare; offset and acceptedMs as f64. */
const ENTRY_BYTES = 40;
const FLOATS_AT = 24;
const ENTRY_WORDS = ENTRY_BYTES / 4;
const ENTRIES_FIRST = 64;
/** Entries of one list: 2 GB of addresses, of which only what is used is memory. */
const ENTRIES_MAX = 64_000_000;

/**
 * Appended to by the main thread only. A reader sees the entries there were when it last looked at `length`. Grows in place, so that
 * who holds the buffer keeps holding all of it.
 */
export class RecordList {
  readonly buffer: SharedArrayBuffer;
  readonly #length: Int32Array;

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer =
      buffer ??
      new SharedArrayBuffer(HEADER_BYTES + ENTRIES_FIRST * ENTRY_BYTES, {
        maxByteLength: HEADER_BYTES + ENTRIES_MAX * ENTRY_BYTES,
      });
    this.#length = new Int32Array(this.buffer, 0, 1);
  }

  get length(): number {
    return Atomics.load(this.#length, 0);
  }

  /** Rows that are durable: one more than the last. */
  get rows(): number {
    const last = this.length - 1;
    if (last < 0) return 0;
    const words = this.#words();
    const at = this.#at(last);
    return (words[at] ?? 0) + (words[at + 1] ?? 0);
  }

  push(record: ListedRecord): void {
    const { length } = this;
    const needed = HEADER_BYTES + (length + 1) * ENTRY_BYTES;
    assert(length < ENTRIES_MAX, "a list of records is full");
    if (needed > this.buffer.byteLength) {
      this.buffer.grow(Math.min(this.buffer.maxByteLength, this.buffer.byteLength * 2));
    }
    this.replace(length, record);
    Atomics.store(this.#length, 0, length + 1);
  }

  /** Puts a record where another was: its bytes were moved in the log. */
  replace(place: number, record: ListedRecord): void {
    const words = this.#words();
    const at = this.#at(place);
    words[at] = record.firstRow;
    words[at + 1] = record.count;
    words[at + 2] = record.file;
    words[at + 3] = record.bytes;
    words[at + 4] = record.metaBytes;
    this.#floats(place).set([record.offset, record.acceptedMs]);
  }

  /**
   * What these files held is in the log no more: none of its rows was alive. Records keep their place, so that the list stays in order.
   * Returns how many were dropped. O(length), some ns each.
   */
  dropFiles(files: ReadonlySet<number>): number {
    const words = this.#words();
    const end = this.#at(this.length);
    let count = 0;
    for (let at = this.#at(0); at < end; at += ENTRY_WORDS) {
      if (words[at + 3] === 0 || !files.has(words[at + 2] ?? 0)) continue;
      words[at + 3] = 0;
      words[at + 4] = 0;
      count++;
    }
    return count;
  }

  record(place: number): ListedRecord {
    const words = this.#words();
    const at = this.#at(place);
    const word = (offset: number) => words[at + offset] ?? 0;
    const [offset = 0, acceptedMs = 0] = this.#floats(place);
    return { firstRow: word(0), count: word(1), file: word(2), bytes: word(3), metaBytes: word(4), offset, acceptedMs };
  }

  /** The place of the record that holds a row; undefined when none does. O(log length). */
  placeOf(row: number): number | undefined {
    const words = this.#words();
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const firstRow = words[this.#at(middle)] ?? 0;
      const count = words[this.#at(middle) + 1] ?? 0;
      if (row < firstRow) high = middle - 1;
      else if (row >= firstRow + count) low = middle + 1;
      else return middle;
    }
    return undefined;
  }

  /** The place of the first record that has rows from `row` on; `length` when there is none. O(log length). */
  placeAfter(row: number): number {
    const words = this.#words();
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const end = (words[this.#at(middle)] ?? 0) + (words[this.#at(middle) + 1] ?? 0);
      if (end <= row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #words(): Uint32Array {
    return new Uint32Array(this.buffer, 0, Math.floor(this.buffer.byteLength / 4));
  }

  #floats(place: number): Float64Array {
    return new Float64Array(this.buffer, HEADER_BYTES + place * ENTRY_BYTES + FLOATS_AT, 2);
  }

  #at(place: number): number {
    return HEADER_BYTES / 4 + place * ENTRY_WORDS;
  }
}
