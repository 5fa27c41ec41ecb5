/**
 * Shapes of data that an index must survive. Every row is a function of distribution, seed, stream and its number, so that a million
 * rows can be made in pieces, by any thread, in any order.
 */
import { checkInteger, MillraceError } from "@millrace/core";
import { addGaussian, gaussianAt, hash, noiseOf, uniformAt } from "./random-rows.ts";

/** Rows of one distribution: more would not fit a 32-bit row number. */
const ROWS_MAX = 2 ** 31;
const DIMS_MAX = 4_096;
/** Topics of a mixture. The most frequent holds about 13 % of the rows, the rarest 0.01 %. */
const TOPICS = 1_000;
/** One row in ten of a mixture is nearly one that came shortly before. */
const NEAR_DUPLICATE_SHARE = 0.1;
/** How far before. */
const REPEAT_ROWS = 64;
/** Centres of the tight clusters; few enough that each holds many rows. */
const CLUSTERS = 50;
/** Different rows among duplicates. */
const DUPLICATE_VALUES = 20;
/** Directions that data of low intrinsic dimension really has. */
const INTRINSIC_DIMS = 8;

export type RowsOptions = {
  /** Rows in all; drift spreads over them. */
  readonly count: number;
  readonly dims: number;
  /** Another seed is another data set: other topics, centres and directions. */
  readonly seed: number;
  /** Another stream of a seed has other rows around the same centres: queries, say. Default 0. */
  readonly stream?: number;
};

/** Rows that are made when asked for. */
export type RowSource = Required<RowsOptions> & {
  /** Rows `from` … `from + count − 1`, count × dims numbers. Equal arguments give equal rows. O(count × dims). */
  rows(from: number, count: number): Float32Array;
};

/** Writes the row of this number to `out`, which has dims numbers, all 0. */
type RowWriter = (out: Float32Array, row: number) => void;
type Distribution = (options: Required<RowsOptions>) => RowWriter;

/** Each by name; see the functions for what they are. */
export const DISTRIBUTIONS = {
  mixture: topicMixture,
  drift,
  uniform,
  gaussian,
  clusters: tightClusters,
  duplicates,
  dominant: oneDimensionDominant,
  norms: mixedNorms,
  lowdim: lowIntrinsicDimension,
} as const satisfies Record<string, Distribution>;

export type DistributionName = keyof typeof DISTRIBUTIONS;
export const DISTRIBUTION_NAMES = Object.keys(DISTRIBUTIONS) as readonly DistributionName[];

/** Rows of a distribution in pieces. `invalid_argument` for counts and dimensions outside their limits. */
export function createRows(name: DistributionName, options: RowsOptions): RowSource {
  checkInteger("count", options.count, { min: 1, max: ROWS_MAX });
  checkInteger("dims", options.dims, { min: 2, max: DIMS_MAX });
  const complete = { ...options, stream: options.stream ?? 0 };
  if (!Object.hasOwn(DISTRIBUTIONS, name)) {
    throw new MillraceError("invalid_argument", `distribution is ${name}; use one of ${DISTRIBUTION_NAMES.join(", ")}`);
  }
  const write = DISTRIBUTIONS[name](complete);
  return {
    ...complete,
    rows: (from, count) => {
      checkInteger("from", from, { min: 0, max: options.count });
      checkInteger("count of rows", count, { min: 0, max: options.count - from });
      const out = new Float32Array(count * options.dims);
      for (let at = 0; at < count; at++) write(out.subarray(at * options.dims, (at + 1) * options.dims), from + at);
      return out;
    },
  };
}

/** All rows of a distribution at once: count × dims numbers. */
export function generate(name: DistributionName, options: RowsOptions): Float32Array {
  return createRows(name, options).rows(0, options.count);
}

/**
 * Unit vectors around 1,000 topics of Zipf frequency, themselves around 40 subjects and a common mean; noise as long as the way from
 * subject to topic, in all directions: inside a large topic all distances are nearly equal, which is what makes it hard.
 */
function topicMixture(options: Required<RowsOptions>): RowWriter {
  const { dims, seed } = options;
  const centres = topicCentres(dims, seed);
  const topics = zipf(TOPICS);
  const write = (out: Float32Array, row: number) => {
    mixInto(out, centres[pick(topics, uniformAt(options, row, 0))], 1);
    addGaussian(out, 1 / Math.sqrt(dims), noiseOf(options, row));
  };
  return (out, row) => {
    const isRepeat = row > 0 && uniformAt(options, row, 1) < NEAR_DUPLICATE_SHARE;
    const back = isRepeat ? 1 + Math.floor(uniformAt(options, row, 2) * Math.min(row, REPEAT_ROWS)) : 0;
    write(out, row - back);
    if (isRepeat) addGaussian(out, 0.03 / Math.sqrt(dims), noiseOf(options, row));
    normalise(out);
  };
}

/** A mixture of ten topics that turn towards another ten while rows come: early rows are nothing like the last ones. */
function drift(options: Required<RowsOptions>): RowWriter {
  const { count, dims, seed } = options;
  const from = centresOf(10, dims, hash(seed, 1));
  const to = centresOf(10, dims, hash(seed, 2));
  return (out, row) => {
    const topic = Math.floor(uniformAt(options, row, 0) * 10);
    const angle = (row / count) * (Math.PI / 2);
    mixInto(out, from[topic], Math.cos(angle));
    mixInto(out, to[topic], Math.sin(angle));
    addGaussian(out, 0.7 / Math.sqrt(dims), noiseOf(options, row));
    normalise(out);
  };
}

/** Every number even in −1…1. */
function uniform(options: Required<RowsOptions>): RowWriter {
  return (out, row) => {
    const { seed, start } = noiseOf(options, row);
    for (let at = 0; at < out.length; at++) out[at] = (hash(seed, start + at) / 2 ** 32) * 2 - 1;
  };
}

/** Every number normal with variance 1. */
function gaussian(options: Required<RowsOptions>): RowWriter {
  return (out, row) => addGaussian(out, 1, noiseOf(options, row));
}

/** Fifty unit centres; rows lie 1 % to 5 % of their length around one, each centre with a radius of its own. */
function tightClusters(options: Required<RowsOptions>): RowWriter {
  const { dims, seed } = options;
  const centres = centresOf(CLUSTERS, dims, seed);
  return (out, row) => {
    const which = Math.floor(uniformAt(options, row, 0) * CLUSTERS);
    mixInto(out, centres[which], 1);
    const radius = 0.01 + 0.04 * (which / (CLUSTERS - 1));
    addGaussian(out, radius / Math.sqrt(dims), noiseOf(options, row));
  };
}

/** Twenty different rows, over and over. Every stream has the same twenty. */
function duplicates(options: Required<RowsOptions>): RowWriter {
  return (out, row) => {
    const which = Math.floor(uniformAt(options, row, 0) * DUPLICATE_VALUES);
    addGaussian(out, 1, { seed: hash(options.seed, which), start: 0 });
  };
}

/** Normal numbers, the first of them a hundred times larger. */
function oneDimensionDominant(options: Required<RowsOptions>): RowWriter {
  const write = gaussian(options);
  return (out, row) => {
    write(out, row);
    out[0] = (out[0] ?? 0) * 100;
  };
}

/** Normal directions with lengths from 10^−6 to 10^6, even in the logarithm. */
function mixedNorms(options: Required<RowsOptions>): RowWriter {
  const write = gaussian(options);
  return (out, row) => {
    write(out, row);
    normalise(out);
    scale(out, 10 ** (uniformAt(options, row, 0) * 12 - 6));
  };
}

/** Rows of a space of 8 directions (or dims, if fewer), and noise of 1 % beside them. */
function lowIntrinsicDimension(options: Required<RowsOptions>): RowWriter {
  const { dims, seed, stream } = options;
  const directions = centresOf(Math.min(INTRINSIC_DIMS, dims), dims, seed);
  return (out, row) => {
    for (const [at, direction] of directions.entries()) {
      mixInto(out, direction, gaussianAt(hash(hash(seed, stream), at), row));
    }
    addGaussian(out, 0.01 / Math.sqrt(dims), noiseOf(options, row));
  };
}

/** A common mean, then 40 subjects, then the topics around them. */
function topicCentres(dims: number, seed: number): readonly Float32Array[] {
  const [mean] = centresOf(1, dims, hash(seed, 3));
  const subjects = centresOf(40, dims, hash(seed, 4));
  return centresOf(TOPICS, dims, hash(seed, 5)).map((topic, at) => {
    mixInto(topic, subjects[hash(seed, at) % subjects.length], 1);
    mixInto(topic, mean, 1);
    return topic;
  });
}

/** Random unit vectors. */
function centresOf(count: number, dims: number, seed: number): Float32Array[] {
  return Array.from({ length: count }, (_, at) => {
    const centre = new Float32Array(dims);
    addGaussian(centre, 1, { seed: hash(seed, at), start: 0 });
    normalise(centre);
    return centre;
  });
}

/** Running sums of 1/1, 1/2, 1/3 …, brought to 1 at the end. */
function zipf(count: number): Float64Array {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let at = 0; at < count; at++) {
    sum += 1 / (at + 1);
    sums[at] = sum;
  }
  return sums.map((value) => value / sum);
}

/** The first place whose running sum is above `share`. */
function pick(sums: Float64Array, share: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 1) > share) high = middle;
    else low = middle + 1;
  }
  return low;
}

function mixInto(out: Float32Array, other: Float32Array | undefined, share: number): void {
  for (let at = 0; at < out.length; at++) out[at] = (out[at] ?? 0) + share * (other?.[at] ?? 0);
}

function scale(out: Float32Array, factor: number): void {
  for (let at = 0; at < out.length; at++) out[at] = (out[at] ?? 0) * factor;
}

/** To length 1. */
function normalise(out: Float32Array): void {
  let squares = 0;
  for (let at = 0; at < out.length; at++) squares += (out[at] ?? 0) ** 2;
  scale(out, 1 / Math.sqrt(squares));
}
