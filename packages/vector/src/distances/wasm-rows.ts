import { MillraceError } from "@millrace/core";
import { distancesRelaxedBase64, distancesSimdBase64 } from "../kernels/compiled.ts";
import { createWasmBuilds } from "../kernels/wasm-builds.ts";
import { type CodesKind, MEASURES, type Measure, strideOf } from "./codes.ts";
import type { Query, RowBlock, RowRange } from "./row-block.ts";

export type WasmBuild = "relaxed" | "simd";

export const distanceBuilds = createWasmBuilds<WasmBuild>({
  relaxed: distancesRelaxedBase64,
  simd: distancesSimdBase64,
});

/** The exports of assembly/distances/module.ts. Addresses are bytes; a `list` of 0 stands for rows `first`, `first` + 1 … */
export type DistanceExports = {
  readonly configure: (rows: number, stride: number, words: number) => void;
  readonly prepareBytes: (bytes: number, query: number, count: number) => number;
  readonly measureFloats: (
    measure: number,
    query: number,
    inverse: number,
    list: number,
    first: number,
    count: number,
    out: number,
  ) => void;
  readonly measureBytes: (
    measure: number,
    query: number,
    squares: number,
    lowered: number,
    list: number,
    first: number,
    count: number,
    out: number,
  ) => void;
  readonly measureBits: (query: number, list: number, first: number, count: number, out: number) => void;
  readonly measureLevels: (planes: number, list: number, first: number, count: number, out: number) => void;
};

/** Rows measured by one call into WebAssembly; results are copied out after each. */
const CHUNK_ROWS = 4_096;
const LIST_AT = 64;
const OUT_AT = LIST_AT + CHUNK_ROWS * 4;
const QUERY_AT = OUT_AT + CHUNK_ROWS * 4;
/** Bits of a level. */
const PLANES = 4;
const PAGE_BYTES = 65_536;

/** Rows in the memory of a WebAssembly instance of their own. */
export class WasmRows implements RowBlock {
  readonly #kind: CodesKind;
  readonly #stride: number;
  readonly #exports: DistanceExports;
  readonly #bytes: Uint8Array;
  readonly #floats: Float32Array;
  readonly #integers: Int32Array;
  readonly #wordsAt: number;
  readonly #rowsAt: number;

  /** `unavailable` when the runtime lacks the build, `too_large` when it has no address space for the rows. */
  constructor(build: WasmBuild, kind: CodesKind, dims: number, rows: number) {
    this.#kind = kind;
    this.#stride = strideOf(kind, dims);
    // The prepared form of a query of bytes, then the bytes; or four planes of bits.
    this.#wordsAt = QUERY_AT + this.#stride * 4;
    this.#rowsAt = Math.ceil((this.#wordsAt + rows * 4) / 64) * 64;
    const memory = allocate(this.#rowsAt + rows * this.#stride);
    const { exports } = new WebAssembly.Instance(distanceBuilds.module(build), { env: { memory } });
    this.#exports = exports as unknown as DistanceExports;
    this.#exports.configure(this.#rowsAt, this.#stride, this.#wordsAt);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#floats = new Float32Array(memory.buffer);
    this.#integers = new Int32Array(memory.buffer);
  }

  write(row: number, codes: Query["codes"], word: number): void {
    this.#copy(codes, this.#rowsAt + row * this.#stride);
    if (this.#kind === "f32") this.#floats[this.#wordsAt / 4 + row] = word;
    else this.#integers[this.#wordsAt / 4 + row] = word;
  }

  measure(measure: Measure, query: Query, { list, first, count }: RowRange, out: Float32Array): void {
    const run = this.#prepared(measure, query);
    for (let from = 0; from < count; from += CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, count - from);
      if (list) this.#integers.set(list.subarray(from, from + rows), LIST_AT / 4);
      run(list ? LIST_AT : 0, first + from, rows);
      out.set(this.#floats.subarray(OUT_AT / 4, OUT_AT / 4 + rows), from);
    }
  }

  /** Puts the query in place and binds the kernel to it. */
  #prepared(measure: Measure, { codes, word }: Query): (list: number, first: number, rows: number) => void {
    const { measureBits, measureBytes, measureFloats, measureLevels, prepareBytes } = this.#exports;
    const which = MEASURES.indexOf(measure);
    if (this.#kind === "i8") {
      const bytesAt = QUERY_AT + this.#stride * 2;
      this.#copy(codes, bytesAt);
      const lowered = prepareBytes(bytesAt, QUERY_AT, this.#stride);
      return (list, first, rows) => measureBytes(which, QUERY_AT, word, lowered, list, first, rows, OUT_AT);
    }
    if (measure === "levels") {
      this.#writePlanes(codes);
      return (list, first, rows) => measureLevels(QUERY_AT, list, first, rows, OUT_AT);
    }
    this.#copy(codes, QUERY_AT);
    return this.#kind === "f32"
      ? (list, first, rows) => measureFloats(which, QUERY_AT, word, list, first, rows, OUT_AT)
      : (list, first, rows) => measureBits(QUERY_AT, list, first, rows, OUT_AT);
  }

  /** Bit p of a level goes to plane p; the planes lie word by word, as assembly/distances/bits.ts reads them. */
  #writePlanes(levels: Query["codes"]): void {
    const planes = this.#bytes.subarray(QUERY_AT, QUERY_AT + this.#stride * PLANES).fill(0);
    for (let at = 0; at < levels.length; at++) {
      const level = levels[at] ?? 0;
      const byte = (at >> 6) * 8 * PLANES + ((at & 63) >> 3);
      for (let plane = 0; plane < PLANES; plane++) {
        planes[byte + plane * 8] = (planes[byte + plane * 8] ?? 0) | (((level >> plane) & 1) << (at & 7));
      }
    }
  }

  /** Clears what pads the place: planes may have been there. */
  #copy(codes: Query["codes"], address: number): void {
    if (this.#kind === "bits") this.#bytes.fill(0, address, address + this.#stride);
    if (codes instanceof Float32Array) this.#floats.set(codes, address / 4);
    else this.#bytes.set(codes, address);
  }
}

function allocate(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new MillraceError("too_large", `no address space for ${bytes} bytes of rows; hold fewer rows at a time`, {
      cause,
    });
  }
}
