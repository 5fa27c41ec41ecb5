/** Rows, queries and exact answers by name: what the vector benchmarks are measured on. */
import { MillraceError } from "@millrace/core";
import { loadBge, openBgeRows } from "./bge.ts";
import { createRows, type DistributionName, type RowSource } from "./distributions.ts";
import type { ExactMetric } from "./exact.ts";
import { loadFashion } from "./fashion-mnist.ts";
import { findTruth } from "./truth.ts";
import { loadWords } from "./words.ts";

/** Exact neighbours kept per query. */
export const TRUTH_IDS = 100;

export type DataSet = {
  readonly name: string;
  readonly dims: number;
  readonly metric: ExactMetric;
  /** Row after row, rows × dims. The id of a row is its number. */
  readonly base: Float32Array;
  /** Query after query. */
  readonly query: Float32Array;
  /** 100 ids a query, nearest first. */
  readonly truth: Int32Array;
};

export type DataSetOptions = {
  /** Where a data set of files lies, when not in its usual place. */
  readonly directory?: string;
  /** Rows of a data set that can be made in any size. */
  readonly rows?: number;
  /** Queries, at most as many as the data set has (1,000 by default). */
  readonly queries?: number;
  readonly seed?: number;
};

/** Rows and queries, before their answers are known. */
export type Unanswered = Omit<DataSet, "truth"> & { readonly truth?: Int32Array };

/**
 * `bge-768`: real sentence embeddings, 9,843 unit vectors. `bge-100k`: as many as wanted around them. `fashion-mnist`: 60,000 images,
 * 784 numbers of 0–255, l2. `words-100`: 340,479 words, cosine. `mixture-768`: 50,000 rows made to be hard (see distributions.ts).
 */
const LOADERS: Record<string, (options: DataSetOptions) => Promise<Unanswered>> = {
  "bge-768": loadBge,
  "bge-100k": loadManyBge,
  "fashion-mnist": loadFashion,
  "words-100": loadWords,
  "mixture-768": async ({ rows = 50_000, queries = 1_000, seed = 1 }) => ({
    ...makeRows("mixture", { rows, queries, seed, dims: 768 }),
    name: "mixture-768",
    metric: "cosine",
  }),
};

export const DATA_SET_NAMES: readonly string[] = Object.keys(LOADERS);

/** `invalid_argument` for another name; `unavailable` when the files are missing, with how to get them. */
export async function loadDataSet(name: string, options: DataSetOptions = {}): Promise<DataSet> {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  if (!load) {
    throw new MillraceError("invalid_argument", `data set is ${name}; use one of ${DATA_SET_NAMES.join(", ")}`);
  }
  return answer(await load(options));
}

export type MadeOptions = {
  readonly rows: number;
  readonly dims: number;
  readonly queries: number;
  readonly seed: number;
};

/** A data set of any distribution, size and metric. */
export function makeDataSet(name: DistributionName, options: MadeOptions & { metric: ExactMetric }): Promise<DataSet> {
  return answer({ ...makeRows(name, options), name, metric: options.metric });
}

/** Rows without end for tests of growth: `bge`, or a distribution of unit or other vectors at `dims` (768 by default). */
export function openRows(
  name: "bge" | DistributionName,
  options: DataSetOptions & { count: number; dims?: number },
): Promise<RowSource> {
  if (name === "bge") return openBgeRows(options);
  return Promise.resolve(
    createRows(name, { count: options.count, dims: options.dims ?? 768, seed: options.seed ?? 1 }),
  );
}

function makeRows(name: DistributionName, { rows, dims, queries, seed }: MadeOptions) {
  return {
    dims,
    base: createRows(name, { count: rows, dims, seed }).rows(0, rows),
    query: createRows(name, { count: queries, dims, seed, stream: 1 }).rows(0, queries),
  };
}

async function loadManyBge(options: DataSetOptions): Promise<Unanswered> {
  const count = options.rows ?? 100_000;
  const [real, rows] = await Promise.all([loadBge(options), openBgeRows({ ...options, count })]);
  const { dims, metric, query } = real;
  return { name: "bge-100k", dims, metric, query, base: rows.rows(0, count) };
}

async function answer({ truth, ...rest }: Unanswered): Promise<DataSet> {
  return { ...rest, truth: truth ?? (await findTruth(rest.name, { ...rest, k: TRUTH_IDS })) };
}
