import { assert } from "@millrace/core";
import { HEADER_BYTES, layoutOf, type SegmentLayout, WORD, writeHeader } from "./layout.ts";
import { allocate, Segment, sectionsOf } from "./segment.ts";

/** Words that tell of threads at work on the old memory. */
const OF_THE_MEMORY = ["runner", "stop", "lowRows"] as const;

type Piece = { readonly from: number; readonly to: number; readonly bytes: number };

/**
 * Copies a segment that takes no more rows, and whose graph changes no more, to memory of just its size, a part at a time. What
 * changes meanwhile, which rows are alive and what was measured, is copied at the end, in one go: so a row removed stays removed.
 */
export class Trim {
  readonly #source: Segment;
  readonly #memory: WebAssembly.Memory;
  readonly #layout: SegmentLayout;
  readonly #pieces: Piece[];
  readonly #alive: Piece;
  readonly #rows: number;

  /** Without low bytes unless `hasLow`. `too_large` when there are no addresses left. */
  constructor(source: Segment, hasLow: boolean) {
    assert(!hasLow || source.shape.hasLow, "low bytes cannot be had back");
    this.#source = source;
    this.#rows = source.rows;
    const shape = { ...source.shape, hasLow, capacity: Math.max(1, source.rows) };
    this.#layout = layoutOf(shape);
    this.#memory = allocate(this.#layout.pages);
    writeHeader(new Uint32Array(this.#memory.buffer), shape, this.#layout);
    const pieces = sectionsOf(source)
      .map(({ name, bytes }) => ({ name, from: source.layout[name], to: this.#layout[name], bytes }))
      .filter(({ to }) => to !== 0);
    this.#pieces = pieces.filter(({ name, bytes }) => name !== "aliveAt" && bytes > 0);
    this.#alive = pieces.find(({ name }) => name === "aliveAt") ?? { from: 0, to: 0, bytes: 0 };
  }

  /** Copies at most so many bytes; whether there are more. */
  step(bytesMax: number): boolean {
    let left = bytesMax;
    for (let piece = this.#pieces.at(-1); piece && left > 0; piece = this.#pieces.at(-1)) {
      const bytes = Math.min(left, piece.bytes);
      this.#copy({ ...piece, bytes });
      this.#pieces.pop();
      const rest = { from: piece.from + bytes, to: piece.to + bytes, bytes: piece.bytes - bytes };
      if (rest.bytes > 0) this.#pieces.push(rest);
      left -= bytes;
    }
    return this.#pieces.length > 0;
  }

  /** The copy, as the segment is now. */
  finish(): Segment {
    this.step(Number.POSITIVE_INFINITY);
    assert(this.#source.rows === this.#rows, "a row was added to a segment that is being copied");
    this.#copy(this.#alive);
    const words = new Uint32Array(this.#memory.buffer);
    const fixed = words.slice(0, WORD.rows);
    words.set(this.#source.words.subarray(0, HEADER_BYTES / 4));
    // Where things lie is the copy's own; how rows were coded is not.
    for (const at of [WORD.isRotated, WORD.meanSquares]) fixed[at] = words[at] ?? 0;
    words.set(fixed);
    for (const name of OF_THE_MEMORY) words[WORD[name]] = 0;
    return new Segment(this.#memory);
  }

  #copy({ from, to, bytes }: Piece): void {
    const source = new Uint8Array(this.#source.memory.buffer, from, bytes);
    new Uint8Array(this.#memory.buffer, to, bytes).set(source);
  }
}
