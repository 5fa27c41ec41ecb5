import { createRng, type Rng, randomBelow } from "@millrace/core";
import { DISTRIBUTIONS } from "./vectors.ts";

/** A normal deviate (Box and Muller, 1958). */
export function gaussian(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
}

function gaussians(rng: Rng, dims: number, size = 1): Float32Array {
  return Float32Array.from({ length: dims }, () => gaussian(rng) * size);
}

/** Makes vectors of one data set, in the order of their coming. */
type Source = (at: number) => Float32Array;

/** Some hundred topics of unequal size; a tenth of the rows are near-duplicates of one before. */
function topics(rng: Rng, dims: number): Source {
  const centres = Array.from({ length: 60 }, () => gaussians(rng, dims));
  const made: Float32Array[] = [];
  return () => {
    const copied = made[randomBelow(rng, made.length + 1)];
    const isCopy = rng() < 0.1 && copied;
    const centre = centres[Math.floor(rng() ** 2 * centres.length)] ?? gaussians(rng, dims);
    const vector = isCopy
      ? copied.map((value) => value + gaussian(rng) * 0.002)
      : centre.map((value) => value + gaussian(rng) * 0.7);
    made.push(vector);
    return vector;
  };
}

/** The centre wanders by three deviations in a thousand rows. */
function drift(rng: Rng, dims: number): Source {
  const way = gaussians(rng, dims);
  return (at) => gaussians(rng, dims).map((value, i) => value + (way[i] ?? 0) * at * 0.003);
}

/** Few dimensions seen in many, by a linear map. */
function lowDimensional(rng: Rng, dims: number): Source {
  const axes = Array.from({ length: 4 }, () => gaussians(rng, dims));
  return () => {
    const at = axes.map(() => gaussian(rng));
    return Float32Array.from({ length: dims }, (_, i) =>
      axes.reduce((sum, axis, which) => sum + (axis[i] ?? 0) * (at[which] ?? 0), 0),
    );
  };
}

/** Clusters whose width is a thousandth of their distance. */
function tightClusters(rng: Rng, dims: number): Source {
  const centres = Array.from({ length: 12 }, () => gaussians(rng, dims));
  return () => {
    const centre = centres[randomBelow(rng, centres.length)] ?? gaussians(rng, dims);
    return centre.map((value) => value + gaussian(rng) * 0.001);
  };
}

/** Kinds of data an index must be right on. A source makes rows and queries alike. */
export const DATA_SETS = {
  topics,
  drift,
  lowDimensional,
  tightClusters,
  uniform: (rng: Rng, dims: number): Source => {
    return () => DISTRIBUTIONS.uniform(rng, dims);
  },
  gaussian: (rng: Rng, dims: number): Source => {
    return () => gaussians(rng, dims);
  },
  tiny: (rng: Rng, dims: number): Source => {
    return () => DISTRIBUTIONS.tiny(rng, dims);
  },
  huge: (rng: Rng, dims: number): Source => {
    return () => gaussians(rng, dims, 1e15);
  },
  duplicates: (rng: Rng, dims: number): Source => {
    return () => DISTRIBUTIONS.duplicates(rng, dims);
  },
  dominant: (rng: Rng, dims: number): Source => {
    return () => DISTRIBUTIONS.dominant(rng, dims);
  },
  sparse: (rng: Rng, dims: number): Source => {
    return () => DISTRIBUTIONS.sparse(rng, dims);
  },
  zeros: (rng: Rng, dims: number): Source => {
    return () => (rng() < 0.3 ? new Float32Array(dims) : gaussians(rng, dims));
  },
} as const;

export type DataSet = keyof typeof DATA_SETS;
export const DATA_SET_NAMES = Object.keys(DATA_SETS) as DataSet[];

/** Rows of a data set, and queries like them. */
export function makeData(
  name: DataSet,
  { dims, rows, queries, seed }: { dims: number; rows: number; queries: number; seed: number },
): { readonly rows: Float32Array[]; readonly queries: Float32Array[] } {
  const source = DATA_SETS[name](createRng(seed), dims);
  const made = Array.from({ length: rows + queries }, (_, at) => source(at));
  return { rows: made.slice(0, rows), queries: made.slice(rows) };
}
