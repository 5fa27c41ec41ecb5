import { type AnyCodes, type CodesKind, elementsOf, type Measure } from "./codes.ts";
import type { RowBlock } from "./row-block.ts";
import { scalarCosine, scalarDot, scalarHamming, scalarL2Squared, scalarLevels } from "./scalar.ts";

/** Rows in JavaScript arrays: the twin of the WebAssembly rows. */
export function createScalarRows(kind: CodesKind, dims: number, rows: number): RowBlock {
  const elements = elementsOf(kind, dims);
  const Codes = kind === "f32" ? Float32Array : kind === "i8" ? Int8Array : Uint8Array;
  const codes = new Codes(elements * rows);
  return {
    write: (row, vector) => codes.set(vector, row * elements),
    measure: (measure, query, { list, first, count }, out) => {
      for (let at = 0; at < count; at++) {
        const from = (list?.[at] ?? first + at) * elements;
        out[at] = distanceOf(measure, query.codes, codes.subarray(from, from + elements));
      }
    },
  };
}

function distanceOf(measure: Measure, a: AnyCodes, b: AnyCodes): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return (measure === "levels" ? scalarLevels : scalarHamming)(a as Uint8Array, b as Uint8Array);
  }
  if (measure === "dot") return scalarDot(a, b);
  return measure === "l2Squared" ? scalarL2Squared(a, b) : scalarCosine(a, b);
}
