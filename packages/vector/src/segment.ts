import { assert } from "@millrace/core";
import { createKernel, type Kernel, type KernelName } from "./kernel.ts";
import { BLOCK_ROWS, SEGMENT_ROWS_MAX } from "./limits.ts";

const PAGE_BYTES = 65_536;
const OUT_BYTES = BLOCK_ROWS * 8;

export type SegmentOptions = {
  /** Bytes of a row's codes: the dimensions rounded up to 16. */
  readonly stride: number;
  readonly kernel: KernelName;
  readonly bytesMax: number;
};

/** A row to append; `mean` is the index's ordinal of the mean its codes are relative to. */
export type SegmentRow = {
  readonly id: number;
  readonly mean: number;
  readonly scale: number;
  readonly bias: number;
  readonly codes: Int8Array;
};

export type BlockQuery = { readonly mean: number; readonly alpha: number; readonly base: number };

/**
 * Rows in one growing shared WebAssembly memory: [query 2 × stride][out 256 × 8][block 0][block 1] … A block holds 256 rows
 * of one mean: codes, scales, biases, ids (assembly/block.ts). A row is written once and then only its scale may become NaN,
 * which removes it; so a reader on another thread sees a row whole, removed or not at all. Scratch space is one query's: a
 * second reading thread needs its own.
 */
export class Segment {
  readonly #options: SegmentOptions;
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  readonly #firstBlock: number;
  readonly #blockBytes: number;
  /** Per block: its mean's ordinal and its row count. */
  readonly #means: number[] = [];
  readonly #counts: number[] = [];
  /** Per mean: the last block with room, or undefined. */
  readonly #open: (number | undefined)[] = [];
  #floats: Float32Array;
  #words: Uint32Array;
  #rows = 0;
  #dead = 0;

  constructor(options: SegmentOptions) {
    this.#options = options;
    this.#firstBlock = options.stride * 2 + OUT_BYTES;
    this.#blockBytes = blockBytes(options.stride);
    const maximum = Math.ceil(options.bytesMax / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    this.#kernel = createKernel(options.kernel, this.#memory);
    this.#floats = new Float32Array(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
  }

  /** Rows appended, removed ones included. */
  get rows(): number {
    return this.#rows;
  }

  get dead(): number {
    return this.#dead;
  }

  /** Bytes of the memory, all of it committed. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  get blockCount(): number {
    return this.#means.length;
  }

  /** Bytes by which the memory would grow to take another row of that mean; undefined when the segment is full. */
  growthFor(mean: number): number | undefined {
    if (this.#open[mean] !== undefined) return 0;
    if ((this.blockCount + 1) * BLOCK_ROWS > SEGMENT_ROWS_MAX) return undefined;
    const end = this.#blockAt(this.blockCount + 1);
    if (end > Math.ceil(this.#options.bytesMax / PAGE_BYTES) * PAGE_BYTES) return undefined;
    return Math.max(0, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES - this.bytes);
  }

  /** Appends a row and returns its number here. Call only after `growthFor` returned a number. */
  append(row: SegmentRow): number {
    const block = this.#open[row.mean] ?? this.#addBlock(row.mean);
    const at = this.#counts[block] ?? 0;
    const start = this.#blockAt(block);
    const scales = this.#scalesAt(block);
    new Int8Array(this.#memory.buffer, start + at * this.#options.stride, row.codes.length).set(row.codes);
    this.#floats[scales + BLOCK_ROWS + at] = row.bias;
    this.#words[scales + BLOCK_ROWS * 2 + at] = row.id;
    // The scale is what makes the row visible, so it is written last.
    this.#floats[scales + at] = row.scale;
    this.#counts[block] = at + 1;
    if (at + 1 === BLOCK_ROWS) this.#open[row.mean] = undefined;
    this.#rows++;
    return block * BLOCK_ROWS + at;
  }

  remove(row: number): void {
    const at = this.#scalesAt(Math.floor(row / BLOCK_ROWS)) + (row % BLOCK_ROWS);
    assert(!Number.isNaN(this.#floats[at] ?? Number.NaN), `row ${row} was removed before`);
    this.#floats[at] = Number.NaN;
    this.#dead++;
  }

  /** The row with that number, its codes a view; undefined when it was removed. */
  read(row: number): SegmentRow | undefined {
    const block = Math.floor(row / BLOCK_ROWS);
    const at = row % BLOCK_ROWS;
    const scales = this.#scalesAt(block);
    const scale = this.#floats[scales + at] ?? Number.NaN;
    if (Number.isNaN(scale)) return undefined;
    const { stride } = this.#options;
    return {
      id: this.#words[scales + BLOCK_ROWS * 2 + at] ?? 0,
      mean: this.#means[block] ?? 0,
      scale,
      bias: this.#floats[scales + BLOCK_ROWS + at] ?? 0,
      codes: new Int8Array(this.#memory.buffer, this.#blockAt(block) + at * stride, stride),
    };
  }

  /** Calls `visit` for the rows not removed, in order. */
  forEachRow(visit: (row: SegmentRow, number: number) => void): void {
    for (let block = 0; block < this.blockCount; block++) {
      const count = this.#counts[block] ?? 0;
      for (let at = 0; at < count; at++) {
        const number = block * BLOCK_ROWS + at;
        const row = this.read(number);
        if (row) visit(row, number);
      }
    }
  }

  /** Puts a query's codes into the scratch space; the next `scanBlock` calls use them. */
  writeQuery(codes: Int8Array): void {
    this.#kernel.writeQuery(codes, 0);
  }

  meanOfBlock(block: number): number {
    return this.#means[block] ?? 0;
  }

  /** Scans one block; returns how many rows reached the threshold, to be read with `foundId` and `foundScore`. */
  scanBlock(block: number, query: BlockQuery, threshold: number): number {
    const { stride } = this.#options;
    return this.#kernel.scan({
      block: this.#blockAt(block),
      rows: this.#counts[block] ?? 0,
      stride,
      query: 0,
      alpha: query.alpha,
      base: query.base,
      threshold,
      out: stride * 2,
    });
  }

  foundId(block: number, at: number): number {
    const row = this.#words[this.#options.stride / 2 + at * 2] ?? 0;
    return this.#words[this.#scalesAt(block) + BLOCK_ROWS * 2 + row] ?? 0;
  }

  foundScore(at: number): number {
    return this.#floats[this.#options.stride / 2 + at * 2 + 1] ?? 0;
  }

  #addBlock(mean: number): number {
    const growth = this.growthFor(mean);
    assert(growth !== undefined, "a full segment takes no row");
    if (growth > 0) {
      this.#memory.grow(growth / PAGE_BYTES);
      this.#floats = new Float32Array(this.#memory.buffer);
      this.#words = new Uint32Array(this.#memory.buffer);
    }
    const block = this.blockCount;
    const scales = this.#scalesAt(block);
    this.#floats.fill(Number.NaN, scales, scales + BLOCK_ROWS);
    this.#means.push(mean);
    this.#counts.push(0);
    this.#open[mean] = block;
    return block;
  }

  #blockAt(block: number): number {
    return this.#firstBlock + block * this.#blockBytes;
  }

  /** Index of a block's first scale among 4-byte words. */
  #scalesAt(block: number): number {
    return (this.#blockAt(block) + BLOCK_ROWS * this.#options.stride) / 4;
  }
}

/** Least bytes of a segment that can hold a block. */
export function segmentBytesMin(stride: number): number {
  return stride * 2 + OUT_BYTES + blockBytes(stride);
}

/** Codes, scale, bias and id of 256 rows. */
function blockBytes(stride: number): number {
  return BLOCK_ROWS * (stride + 12);
}
