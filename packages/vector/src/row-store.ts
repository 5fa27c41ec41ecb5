import { assert, MillraceError } from "@millrace/core";
import { IdTable } from "./id-table.ts";
import type { KernelName } from "./kernel.ts";
import { DEAD_ROWS_MIN, DEAD_SHARE_MAX, SEGMENT_BYTES_MAX, SEGMENT_ROWS_MAX, SEGMENTS_MAX } from "./limits.ts";
import { Segment, type SegmentRow, segmentBytesMin } from "./segment.ts";

export type RowStoreOptions = {
  readonly dims: number;
  readonly kernel: KernelName;
  readonly bytesMax: number;
};

/** Rows by id over segments: appends, tombstones, compacts. A slot is segment × 2^20 + row. */
export class RowStore {
  readonly stride: number;
  readonly #options: RowStoreOptions;
  readonly #segments: Segment[] = [];
  readonly #table = new IdTable();
  #current = 0;
  #compactions = 0;

  constructor(options: RowStoreOptions) {
    this.#options = options;
    this.stride = Math.ceil(options.dims / 16) * 16;
  }

  get size(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, this.#table.bytes);
  }

  get dead(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.dead, 0);
  }

  get compactions(): number {
    return this.#compactions;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  has(id: number): boolean {
    return this.#table.get(id) !== undefined;
  }

  /** The row of `id`; its codes are a view, `stride` long. */
  read(id: number): SegmentRow | undefined {
    const slot = this.#table.get(id);
    return slot === undefined ? undefined : this.#segmentOf(slot).read(slot % SEGMENT_ROWS_MAX);
  }

  /** Appends the row; the one that had its id is removed. `too_large` when the index is full, and then nothing changed. */
  put(row: SegmentRow): void {
    const at = this.#segmentFor(row.mean);
    const slot = at * SEGMENT_ROWS_MAX + this.#at(at).append(row);
    const previous = this.#table.get(row.id);
    this.#table.set(row.id, slot);
    if (previous !== undefined) this.#bury(previous);
  }

  remove(id: number): boolean {
    const slot = this.#table.get(id);
    if (slot === undefined) return false;
    this.#table.delete(id);
    this.#bury(slot);
    return true;
  }

  #bury(slot: number): void {
    const segment = this.#segmentOf(slot);
    segment.remove(slot % SEGMENT_ROWS_MAX);
    if (segment.dead >= DEAD_ROWS_MIN && segment.dead > segment.rows * DEAD_SHARE_MAX) {
      this.#compact(Math.floor(slot / SEGMENT_ROWS_MAX));
    }
  }

  /** Rewrites a segment without its removed rows. The old memory goes when its last reader lets go of it. O(rows). */
  #compact(at: number): void {
    const segment = this.#newSegment();
    this.#at(at).forEachRow((row) => {
      this.#table.set(row.id, at * SEGMENT_ROWS_MAX + segment.append(row));
    });
    this.#segments[at] = segment;
    this.#compactions++;
  }

  /** Place of a segment with room for a row of that mean: the current one, else any, else a new one. */
  #segmentFor(mean: number): number {
    for (let tried = 0; tried < this.#segments.length; tried++) {
      const at = (this.#current + tried) % this.#segments.length;
      const growth = this.#at(at).growthFor(mean);
      if (growth === undefined) continue;
      this.#checkCapacity(growth);
      this.#current = at;
      return at;
    }
    if (this.#segments.length === SEGMENTS_MAX) throw this.#full(segmentBytesMin(this.stride));
    this.#checkCapacity(segmentBytesMin(this.stride));
    this.#current = this.#segments.push(this.#newSegment()) - 1;
    return this.#current;
  }

  #checkCapacity(growth: number): void {
    if (growth > 0 && this.bytes + growth > this.#options.bytesMax) throw this.#full(growth);
  }

  #full(growth: number): MillraceError {
    const { bytesMax } = this.#options;
    const message = `the index holds ${this.size} rows in ${this.bytes} bytes and needs ${growth} more; the limit is ${bytesMax}: remove rows or raise capacityBytesMax`;
    return new MillraceError("too_large", message);
  }

  #newSegment(): Segment {
    const bytesMax = Math.max(SEGMENT_BYTES_MAX, segmentBytesMin(this.stride));
    return new Segment({ stride: this.stride, kernel: this.#options.kernel, bytesMax });
  }

  #segmentOf(slot: number): Segment {
    return this.#at(Math.floor(slot / SEGMENT_ROWS_MAX));
  }

  #at(at: number): Segment {
    const segment = this.#segments[at];
    assert(segment, `there is no segment ${at}`);
    return segment;
  }
}
