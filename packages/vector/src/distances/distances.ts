import { checkInteger, MillraceError } from "@millrace/core";
import {
  type AnyCodes,
  CODES_KINDS,
  type CodesArray,
  type CodesKind,
  checkArray,
  checkLength,
  checkLevels,
  elementsOf,
  type Measure,
  type MeasureOf,
  measuresOf,
  strideOf,
  wordOf,
} from "./codes.ts";
import { DISTANCE_BYTES_MAX, DISTANCE_DIMS_MAX } from "./limits.ts";
import type { Query, RowBlock, RowRange } from "./row-block.ts";
import { createScalarRows } from "./scalar-rows.ts";
import { distanceBuilds, WasmRows } from "./wasm-rows.ts";

/** `relaxed` and `simd` are WebAssembly, `scalar` is JavaScript; fastest first. */
export const DISTANCE_BUILDS = ["relaxed", "simd", "scalar"] as const;
export type DistanceBuild = (typeof DISTANCE_BUILDS)[number];

export type DistancesOptions<Kind extends CodesKind> = {
  /** Numbers (or bits) of every vector, 1 to 16,384. */
  readonly dims: number;
  readonly codes: Kind;
  /** Rows to hold; default 1. Their memory is reserved at once and committed as rows are written. */
  readonly rows?: number;
  /** Default: the fastest that this runtime can run. */
  readonly build?: DistanceBuild;
};

/** Which rows to measure: those in `list` in its order, or `from` to `to` − 1; default all. */
export type MeasureOptions = {
  readonly list?: Uint32Array;
  readonly from?: number;
  readonly to?: number;
  /** Where to write, at least as long as the rows are many; default a new array. */
  readonly out?: Float32Array;
};

/** The fastest build of this runtime. */
export function bestDistanceBuild(): DistanceBuild {
  return DISTANCE_BUILDS.find(isDistanceBuildSupported) ?? "scalar";
}

/** Whether this runtime can run the build. */
export function isDistanceBuildSupported(build: DistanceBuild): boolean {
  return build === "scalar" || distanceBuilds.isSupported(build);
}

/**
 * A block of rows and the exact distances of queries to them.
 *
 * Measures: `dot`, the inner product; `l2Squared`, the squared Euclidean distance; `cosine`, −1..1 and 0 when either vector is
 * zero (f32: shorter than 1e-15); `hamming`, the number of differing bits; `levels`, between a query of levels 0 to 15, one a byte
 * and dimension, and bits: the sum of |15 × bit − level|, which is 15 × hamming when the levels are 0 and 15. Distances of i8 and bits are exact, then rounded to
 * f32, and equal in all builds. Those of f32 differ from exact sums by at most 1e-5 × the sum of the terms' magnitudes.
 */
export class Distances<Kind extends CodesKind> {
  readonly dims: number;
  readonly codes: Kind;
  readonly rows: number;
  readonly build: DistanceBuild;
  readonly #elements: number;
  readonly #block: RowBlock;

  /** Use createDistances. */
  constructor({ dims, codes, rows = 1, build = bestDistanceBuild() }: DistancesOptions<Kind>) {
    this.dims = checkInteger("dims", dims, { min: 1, max: DISTANCE_DIMS_MAX });
    checkOne("codes", codes, CODES_KINDS);
    this.codes = codes;
    const rowsMax = Math.floor(DISTANCE_BYTES_MAX / (strideOf(codes, dims) + 4)) - 1;
    this.rows = checkInteger("rows", rows, { min: 1, max: rowsMax });
    this.build = checkOne("build", build, DISTANCE_BUILDS);
    this.#elements = elementsOf(codes, dims);
    // One more row than there are, for `between`.
    this.#block =
      build === "scalar" ? createScalarRows(codes, dims, rows + 1) : new WasmRows(build, codes, dims, rows + 1);
  }

  /**
   * Writes as many rows as `vectors` holds, one after the other, from row `first` on. `invalid_argument` for rows past the end,
   * numbers that are not finite, f32 vectors longer than 1e18, and bytes of −128; then no row has been written.
   */
  setRows(first: number, vectors: CodesArray<Kind>): void {
    checkArray(this.codes, "vectors", vectors);
    const count = vectors.length / this.#elements;
    if (!Number.isInteger(count) || count === 0) {
      throw new MillraceError(
        "dimension_mismatch",
        `vectors has ${vectors.length} elements; it must hold one or more whole vectors of ${this.#elements}`,
      );
    }
    if (count > this.rows) {
      throw new MillraceError("invalid_argument", `vectors holds ${count} rows; there is room for ${this.rows}`);
    }
    checkInteger("first", first, { min: 0, max: this.rows - count });
    const vectorAt = (at: number) => vectors.subarray(at * this.#elements, (at + 1) * this.#elements);
    const words = Float64Array.from({ length: count }, (_, at) => wordOf(this.codes, `vectors[${at}]`, vectorAt(at)));
    for (const [at, word] of words.entries()) this.#block.write(first + at, this.#cleared(vectorAt(at)), word);
  }

  /**
   * The distance of `query` to every row asked for, in their order. Rows never written are zero vectors. O(rows × dims).
   * `dimension_mismatch`, `invalid_argument` as for setRows.
   */
  measure(measure: MeasureOf<Kind>, query: CodesArray<Kind>, options: MeasureOptions = {}): Float32Array {
    this.#checkMeasure(measure);
    const range = this.#range(options);
    const { out = new Float32Array(range.count) } = options;
    if (out.length < range.count) {
      throw new MillraceError(
        "invalid_argument",
        `out has room for ${out.length} distances; ${range.count} rows are asked for`,
      );
    }
    this.#block.measure(measure, this.#queryOf(measure, "query", query), range, out);
    return out;
  }

  /** The distance of two vectors. For many, set rows: a single distance costs more to hand over than to measure. */
  between(measure: MeasureOf<Kind>, a: CodesArray<Kind>, b: CodesArray<Kind>): number {
    this.#checkMeasure(measure);
    const query = this.#queryOf(measure, "a", a);
    const { codes, word } = this.#query("b", b);
    this.#block.write(this.rows, codes, word);
    const out = new Float32Array(1);
    this.#block.measure(measure, query, { list: undefined, first: this.rows, count: 1 }, out);
    return out[0] ?? 0;
  }

  #checkMeasure(measure: MeasureOf<Kind>): void {
    checkOne(`measure of codes "${this.codes}"`, measure, measuresOf(this.codes));
  }

  #range({ list, from = 0, to = this.rows }: MeasureOptions): RowRange {
    if (list === undefined) {
      checkInteger("from", from, { min: 0, max: this.rows });
      checkInteger("to", to, { min: from, max: this.rows });
      return { list, first: from, count: to - from };
    }
    let wrong = 0;
    while (wrong < list.length && (list[wrong] ?? 0) < this.rows) wrong++;
    if (wrong === list.length) return { list, first: 0, count: list.length };
    throw new MillraceError("invalid_argument", `list[${wrong}] is ${list[wrong]}; rows are 0 to ${this.rows - 1}`);
  }

  /** Checks a vector; bits past the last are cleared in a copy. */
  #query(name: string, vector: AnyCodes): Query {
    checkArray(this.codes, name, vector);
    checkLength(name, vector, this.#elements);
    return { codes: this.#cleared(vector), word: wordOf(this.codes, name, vector) };
  }

  #queryOf(measure: Measure, name: string, vector: AnyCodes): Query {
    if (measure !== "levels") return this.#query(name, vector);
    checkArray(this.codes, name, vector);
    checkLength(name, vector, this.dims);
    checkLevels(name, vector);
    return { codes: vector, word: 0 };
  }

  #cleared(vector: AnyCodes): AnyCodes {
    const rest = this.codes === "bits" ? this.dims % 8 : 0;
    const last = vector.length - 1;
    const byte = vector[last] ?? 0;
    if (rest === 0 || byte >> rest === 0) return vector;
    const copy = vector.slice();
    copy[last] = byte & ((1 << rest) - 1);
    return copy;
  }
}

/** A block of rows in memory of its own, and the distances of queries to them. `unavailable` for a build that cannot run here. */
export function createDistances<Kind extends CodesKind>(options: DistancesOptions<Kind>): Distances<Kind> {
  return new Distances(options);
}

function checkOne<Known extends string>(name: string, value: unknown, known: readonly Known[]): Known {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new MillraceError("invalid_argument", `${name} is ${JSON.stringify(value)}; use one of ${known.join(", ")}`);
}
