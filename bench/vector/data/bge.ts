/** Real sentence embeddings (bge-base-en-v1.5), and rows in any number that lie as they do. */
import { join } from "node:path";
import { checkInteger, MillraceError } from "@millrace/core";
import { readBytes } from "./cache.ts";
import type { DataSetOptions, Unanswered } from "./data-set.ts";
import type { RowSource } from "./distributions.ts";
import { hash } from "./random-rows.ts";
import { findTruth } from "./truth.ts";

const DIMS = 768;
const QUERIES = 1_000;
const TRUTH_IDS = 100;
/** Beside the checkout; the files are for measuring only and never committed. */
const DIRECTORY = join(import.meta.dirname, "../../../../shared/data/bge-768");
/** Differences of real rows that one step away from a row is made of: enough that no two steps are alike. */
const DIFFERENCES = 4;
/** Copies of a row that has no neighbour at all still point its way. */
const COPY_COSINE_MIN = 0.2;
const ROWS_MAX = 2 ** 24;

/** `base.f32`, `query.f32` and `gt100.i32` of the directory. `unavailable` when they are not there. */
export async function loadBge({ directory = DIRECTORY, queries = QUERIES }: DataSetOptions): Promise<Unanswered> {
  checkInteger("queries", queries, { min: 1, max: QUERIES });
  try {
    const [base, query, truth] = await Promise.all([
      readBytes(join(directory, "base.f32")),
      readBytes(join(directory, "query.f32")),
      readBytes(join(directory, "gt100.i32")),
    ]);
    return {
      name: "bge-768",
      dims: DIMS,
      metric: "cosine",
      base: new Float32Array(base),
      query: new Float32Array(query, 0, queries * DIMS),
      truth: new Int32Array(truth, 0, queries * TRUTH_IDS),
    };
  } catch (cause) {
    throw new MillraceError(
      "unavailable",
      `bge-768 cannot be read from ${directory}; put base.f32, query.f32 and gt100.i32 there or give another directory`,
      { cause },
    );
  }
}

/**
 * Row r is real row r mod 9,843 at first, then a step away from it in a direction in which real rows differ. Steps are as long as brings
 * two copies as far apart as the real row is from its own nearest neighbour. Unit length.
 */
export async function openBgeRows(options: DataSetOptions & { readonly count: number }): Promise<RowSource> {
  const { count, seed = 1 } = options;
  checkInteger("count", count, { min: 1, max: ROWS_MAX });
  const { base } = await loadBge(options);
  const steps = await stepsOf(base);
  return {
    count,
    dims: DIMS,
    seed,
    stream: 0,
    rows: (from, wanted) => {
      checkInteger("from", from, { min: 0, max: count });
      checkInteger("count of rows", wanted, { min: 0, max: count - from });
      const out = new Float32Array(wanted * DIMS);
      for (let at = 0; at < wanted; at++) {
        writeRow({ base, steps, seed }, from + at, out.subarray(at * DIMS, (at + 1) * DIMS));
      }
      return out;
    },
  };
}

type Real = { readonly base: Float32Array; readonly steps: Float64Array; readonly seed: number };

function writeRow({ base, steps, seed }: Real, row: number, out: Float32Array): void {
  const rows = steps.length;
  const centre = row % rows;
  out.set(base.subarray(centre * DIMS, (centre + 1) * DIMS));
  if (row < rows) return;
  const away = new Float64Array(DIMS);
  for (let which = 0; which < DIFFERENCES; which++) {
    const plus = (hash(hash(seed, 2 * which), row) % rows) * DIMS;
    const minus = (hash(hash(seed, 2 * which + 1), row) % rows) * DIMS;
    for (let at = 0; at < DIMS; at++) away[at] = (away[at] ?? 0) + (base[plus + at] ?? 0) - (base[minus + at] ?? 0);
  }
  const share = (steps[centre] ?? 0) / lengthOf(away);
  for (let at = 0; at < DIMS; at++) out[at] = (out[at] ?? 0) + share * (away[at] ?? 0);
  const length = lengthOf(out);
  for (let at = 0; at < DIMS; at++) out[at] = (out[at] ?? 0) / length;
}

/** Per real row; where a real neighbour is nearer than to 90 % of all rows, as far as theirs, so that no copies fall together. */
async function stepsOf(base: Float32Array): Promise<Float64Array> {
  const nearest = await findTruth("bge-768-itself", { metric: "cosine", dims: DIMS, base, query: base, k: 2 });
  const distances = Float64Array.from({ length: nearest.length / 2 }, (_, row) => {
    const other = nearest[2 * row] === row ? nearest[2 * row + 1] : nearest[2 * row];
    return distanceOf(base, row, other ?? row);
  });
  const least = distances.toSorted()[Math.floor(distances.length / 10)] ?? 0;
  return distances.map((distance) => stepFor(Math.max(distance, least)));
}

/** Two steps of length s at right angles from a unit vector end, at unit length again, with the cosine 1 / (1 + s²) between them. */
function stepFor(distance: number): number {
  const cosine = Math.max(COPY_COSINE_MIN, 1 - distance ** 2 / 2);
  return Math.sqrt(1 / cosine - 1);
}

function distanceOf(base: Float32Array, a: number, b: number): number {
  let squares = 0;
  for (let at = 0; at < DIMS; at++) squares += ((base[a * DIMS + at] ?? 0) - (base[b * DIMS + at] ?? 0)) ** 2;
  return Math.sqrt(squares);
}

function lengthOf(vector: Float32Array | Float64Array): number {
  let squares = 0;
  for (let at = 0; at < vector.length; at++) squares += (vector[at] ?? 0) ** 2;
  return Math.sqrt(squares);
}
