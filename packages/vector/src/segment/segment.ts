import { assert, MillraceError } from "@millrace/core";
import type { EngineBuild } from "../kernels/engine-module.ts";
import type { Metric } from "../metric.ts";
import {
  bytesPerRow,
  HEADER_BYTES,
  LINK_BYTES,
  layoutOf,
  type SegmentLayout,
  type SegmentShape,
  shapeOf,
  UPPER_BYTES,
  WORD,
  writeHeader,
} from "./layout.ts";
import { NAVIGATION, type Navigation, SegmentEngine } from "./segment-engine.ts";
import { type Transform, writeTransform } from "./transform.ts";

/**
 * V8 does not count shared memory, and would let dropped segments pile up. So for each so many bytes of rows, of whichever segments of this
 * thread, an array of that size is made and never touched. A large one: what is below 32 MB comes from memory that was used before and is
 * zeroed, which costs more than the rows do (measured: a quarter of the processor).
 */
const BALLAST_BYTES = 64 * 1024 ** 2;
let uncounted = 0;

/**
 * Rows of one space in one shared memory, laid out in structure-of-arrays form (layout.ts), with the graph over them. One thread
 * appends and removes (the owner), one links (the builder, which may be the same), any number search. A row is written once;
 * then only its bit of `alive` and its links change. So readers take no locks: they see a row whole, removed or not at all.
 */
export class Segment {
  readonly shape: SegmentShape;
  readonly layout: SegmentLayout;
  readonly memory: WebAssembly.Memory;
  readonly words: Uint32Array;
  readonly #numbers: Float32Array;
  readonly #state: Int32Array;
  readonly #ballast: ArrayBuffer[] = [];
  /** Bytes of its rows that V8 was told of. */
  #counted = 0;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.words = new Uint32Array(memory.buffer);
    this.#numbers = new Float32Array(memory.buffer);
    this.#state = new Int32Array(memory.buffer, 0, HEADER_BYTES / 4);
    this.shape = shapeOf(this.words);
    this.layout = layoutOf(this.shape);
    this.weigh();
  }

  static create(shape: SegmentShape, transform: Transform): Segment {
    const layout = layoutOf(shape);
    const memory = allocate(layout.pages);
    writeHeader(new Uint32Array(memory.buffer), shape, layout);
    writeTransform(memory, layout, transform);
    const segment = new Segment(memory);
    segment.setState("scanBy", NAVIGATION.bytes);
    segment.setState("usesLow", shape.hasLow ? 1 : 0);
    return segment;
  }

  /** Makes rows that came known to the garbage collector; to be called now and then. */
  weigh(): void {
    // A damaged memory may tell of any number of rows of any size; it holds no more than itself.
    const told = this.rows * bytesPerRow(this.shape);
    const bytes = Math.min(Math.max(0, told), this.memory.buffer.byteLength);
    uncounted += bytes - this.#counted;
    this.#counted = bytes;
    for (; uncounted >= BALLAST_BYTES; uncounted -= BALLAST_BYTES) this.#ballast.push(new ArrayBuffer(BALLAST_BYTES));
  }

  /** Codes rows to come about `mean`; for l2, while there are none. */
  centre(mean: Float32Array): void {
    assert(this.rows === 0 && this.metric === "l2", "rows were coded about another mean");
    this.#numbers.set(mean, this.layout.meanAt / 4);
  }

  /** Length of a row's vector about the mean. */
  lengthOf(row: number): number {
    return this.#numbers[(this.layout.codesAt + row * this.layout.codeStride) / 4] ?? 0;
  }

  engine(slot: number, build?: EngineBuild): SegmentEngine {
    return new SegmentEngine(this.memory, slot, build);
  }

  get metric(): Metric {
    return this.shape.metric;
  }

  get capacity(): number {
    return this.shape.capacity;
  }

  /** Rows published, removed ones included. */
  get rows(): number {
    return this.state("rows");
  }

  get linked(): number {
    return this.state("linked");
  }

  get dead(): number {
    return this.state("dead");
  }

  get isFull(): boolean {
    return this.rows === this.capacity;
  }

  get navigation(): Navigation {
    return this.state("navigation") as Navigation;
  }

  /** Bytes in use: what its rows take, not the room kept for more. */
  get bytes(): number {
    const { stride, codeStride } = this.layout;
    const row = codeStride + stride + 4.125;
    const links = this.linked * (LINK_BYTES + 4) + this.state("upperUsed") * UPPER_BYTES;
    return Math.ceil(HEADER_BYTES + stride * 20 + this.rows * row + this.lowRows * stride + links);
  }

  state(name: keyof typeof WORD): number {
    return Atomics.load(this.#state, WORD[name]);
  }

  setState(name: keyof typeof WORD, value: number): void {
    Atomics.store(this.#state, WORD[name], value);
  }

  /** Adds to a state word that several threads count in; returns what it was. */
  addState(name: keyof typeof WORD, value: number): number {
    return Atomics.add(this.#state, WORD[name], value);
  }

  /** Replaces a state word if it is `expected`; whether it was. */
  swapState(name: keyof typeof WORD, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#state, WORD[name], expected, value) === expected;
  }

  /** Sleeps while a state word is `value`, at most `timeoutMs`. */
  awaitState(name: keyof typeof WORD, value: number, timeoutMs: number): void {
    Atomics.wait(this.#state, WORD[name], value, timeoutMs);
  }

  /** Wakes who sleeps on a state word. */
  notifyState(name: keyof typeof WORD): void {
    Atomics.notify(this.#state, WORD[name]);
  }

  /** Rows that keep low bytes. */
  get lowRows(): number {
    if (!this.shape.hasLow) return 0;
    const rows = this.state("lowRows");
    return rows === 0 ? this.rows : Math.min(rows, this.rows);
  }

  idOf(row: number): number {
    return this.words[this.layout.idsAt / 4 + row] ?? 0;
  }

  isAlive(row: number): boolean {
    return ((Atomics.load(this.words, this.layout.aliveAt / 4 + (row >>> 5)) >>> (row & 31)) & 1) === 1;
  }

  /** Removes a row from all later searches. */
  kill(row: number): void {
    assert(row < this.rows && this.isAlive(row), `row ${row} is not there or was removed before`);
    Atomics.and(this.words, this.layout.aliveAt / 4 + (row >>> 5), ~(1 << (row & 31)));
    Atomics.add(this.#state, WORD.dead, 1);
  }
}

/** `too_large` when the process has no addresses left: each memory takes 8 GiB of them, whatever its size. */
export function allocate(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const message = `a segment of ${pages} pages of 64 KiB cannot be allocated; a process holds about 15,000 segments: keep fewer indexes open`;
    throw new MillraceError("too_large", message, { cause });
  }
}

/** Sections of a segment with the bytes its rows use of each, in the order of the file. */
export function sectionsOf(
  segment: Segment,
): readonly { readonly name: keyof SegmentLayout; readonly bytes: number }[] {
  const { stride, codeStride } = segment.layout;
  const { rows, linked } = segment;
  return [
    { name: "meanAt", bytes: stride * 4 },
    { name: "flipsAt", bytes: stride * 16 },
    { name: "aliveAt", bytes: Math.ceil(rows / 32) * 4 },
    { name: "idsAt", bytes: rows * 4 },
    { name: "codesAt", bytes: rows * codeStride },
    { name: "bytesAt", bytes: rows * stride },
    ...(segment.shape.hasLow ? [{ name: "lowAt", bytes: rows * stride } as const] : []),
    { name: "linksAt", bytes: linked * LINK_BYTES },
    { name: "upperOfAt", bytes: linked * 4 },
    { name: "upperAt", bytes: segment.state("upperUsed") * UPPER_BYTES },
  ];
}
