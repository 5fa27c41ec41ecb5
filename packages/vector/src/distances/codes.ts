import { MillraceError } from "@millrace/core";
import { LENGTH_MAX, LENGTH_MIN } from "./limits.ts";

/** How vectors are held: f32 numbers, signed bytes (−127..127), or packed bits. */
export const CODES_KINDS = ["f32", "i8", "bits"] as const;
export type CodesKind = (typeof CODES_KINDS)[number];

/** The array of one vector, or of several one after the other. */
export type CodesArray<Kind extends CodesKind> = {
  readonly f32: Float32Array;
  readonly i8: Int8Array;
  /** Bit i is bit i mod 8 (least first) of byte ⌊i / 8⌋; bits past `dims` count for nothing. */
  readonly bits: Uint8Array;
}[Kind];

export type AnyCodes = CodesArray<CodesKind>;

/** What can be measured; the order is known to assembly/distances/module.ts. */
export const MEASURES = ["dot", "l2Squared", "cosine", "hamming", "levels"] as const;
export type Measure = (typeof MEASURES)[number];
export type MeasureOf<Kind extends CodesKind> = Kind extends "bits"
  ? "hamming" | "levels"
  : "dot" | "l2Squared" | "cosine";

/** Which measures a kind of codes has. */
export function measuresOf(kind: CodesKind): readonly Measure[] {
  return MEASURES.filter((measure) => (measure === "hamming" || measure === "levels") === (kind === "bits"));
}

/** The greatest level of a query of 4 bits a dimension. */
export const LEVEL_MAX = 15;

const ARRAYS = { f32: Float32Array, i8: Int8Array, bits: Uint8Array } as const;

/** Elements of one vector's array. */
export function elementsOf(kind: CodesKind, dims: number): number {
  return kind === "bits" ? Math.ceil(dims / 8) : dims;
}

/** Bytes of a row in memory: whole 16 bytes, so that no kernel needs a rest; bits whole words. */
export function strideOf(kind: CodesKind, dims: number): number {
  if (kind === "bits") return Math.ceil(dims / 64) * 8;
  return Math.ceil((kind === "f32" ? dims * 4 : dims) / 16) * 16;
}

/** Refuses another type of array (`invalid_argument`). */
export function checkArray(kind: CodesKind, name: string, vectors: unknown): void {
  const expected = ARRAYS[kind];
  if (vectors instanceof expected) return;
  const found = vectors === null || typeof vectors !== "object" ? String(vectors) : vectors.constructor.name;
  throw new MillraceError("invalid_argument", `${name} is ${found}; codes "${kind}" take ${expected.name}`);
}

/** Refuses levels above 15 (`invalid_argument`). */
export function checkLevels(name: string, levels: AnyCodes): void {
  for (let at = 0; at < levels.length; at++) {
    if ((levels[at] ?? 0) <= LEVEL_MAX) continue;
    throw new MillraceError("invalid_argument", `${name}[${at}] is ${levels[at]}; levels are 0 to ${LEVEL_MAX}`);
  }
}

/** Refuses a vector of another length (`dimension_mismatch`). */
export function checkLength(name: string, vector: AnyCodes, elements: number): void {
  if (vector.length === elements) return;
  throw new MillraceError("dimension_mismatch", `${name} has ${vector.length} elements; vectors here have ${elements}`);
}

/**
 * What a row keeps besides its codes: f32 the inverse of its length (0 for a zero vector), i8 its sum of squares, bits nothing.
 * `invalid_argument` for numbers that are not finite or too large, and for −128, which has no magnitude in 7 bits.
 */
export function wordOf(kind: CodesKind, name: string, vector: AnyCodes): number {
  if (kind === "bits") return 0;
  let sum = 0;
  let least = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = vector[at] ?? 0;
    sum += value * value;
    if (value < least) least = value;
  }
  if (kind === "i8") {
    if (least >= -127) return sum;
    throw new MillraceError("invalid_argument", `${name} holds -128; bytes are -127 to 127, so scale by 127`);
  }
  const length = Math.sqrt(sum);
  if (length <= LENGTH_MAX) return length < LENGTH_MIN ? 0 : 1 / length;
  throw new MillraceError(
    "invalid_argument",
    `${name} has length ${length}; numbers must be finite and the length at most ${LENGTH_MAX}: scale the vectors down`,
  );
}
