/** `bench index`: builds an index of raw files, searches it, and says how fast and how well. */
import { formatNumber, formatTable } from "../src/format.ts";
import { readVectorFiles } from "./index-files.ts";
import { INDEX_USAGE, type IndexRunOptions, readIndexOptions } from "./index-options.ts";
import { MillraceContender, type MillraceOptions } from "./measure/contender.ts";
import { insertRows } from "./measure/insert-rows.ts";
import { type SearchRate, searchQueries } from "./measure/search-queries.ts";
import { measureSpaces } from "./measure/spaces.ts";
import { rowsIn, type VectorSet } from "./measure/vector-set.ts";
import { warmUp } from "./measure/warm-up.ts";

/** Searches are gone through again and again for at least so long, and stop after so long however many are left. */
const SEARCH_SECONDS_MIN = 1;
const SEARCH_SECONDS_MAX = 60;

/** What `bench index --json` prints. */
export type IndexResult = {
  /** Rows by the time from the first `add` until all are indexed. */
  readonly insertsPerSecond: number;
  /** Share of the 10 nearest found; a row as near as the tenth counts as one of them. */
  readonly recallAt10: number;
  /** Of one thread. */
  readonly queriesPerSecond: number;
  readonly searchMs: { readonly p50: number; readonly p99: number };
  /** Bytes that the index holds, by its rows. */
  readonly bytesPerVector: number;
  readonly buildSeconds: number;
  /** Rows that are indexed, of all spaces. */
  readonly indexed: number;
};

/** Returns the exit code. Throws `invalid_argument`, `not_found`, `too_large` for options and files that cannot be measured. */
export async function runIndexCommand(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(INDEX_USAGE);
    return 0;
  }
  const options = readIndexOptions(args);
  const set = readVectorFiles(options);
  const result = await (options.spaces > 1 ? indexSpaces(set, options) : indexFile(set, options));
  console.log(options.isJson ? JSON.stringify(result) : describe(result));
  return 0;
}

async function indexFile(set: VectorSet, options: IndexRunOptions): Promise<IndexResult> {
  const index = { ...indexOptionsOf(options), workers: options.workers };
  await warmUp(index, set);
  const contender = new MillraceContender(index);
  const { perSecond, seconds } = await insertRows(contender, set);
  const search = await searchQueries(contender, set, {
    secondsMin: SEARCH_SECONDS_MIN,
    secondsMax: SEARCH_SECONDS_MAX,
  });
  const { bytes, indexed } = contender.index;
  await contender.close();
  return resultOf(search, { perSecond, seconds, bytes, indexed, rows: rowsIn(set) });
}

async function indexSpaces(set: VectorSet, options: IndexRunOptions): Promise<IndexResult> {
  const { spaces, workers } = options;
  const measured = await measureSpaces(set, { spaces, workers: Math.max(1, workers), index: indexOptionsOf(options) });
  return resultOf(measured.search, measured);
}

function indexOptionsOf({ dims, metric, recall, isGraphForced }: IndexRunOptions): MillraceOptions {
  return {
    dims,
    metric,
    ...(recall === undefined ? {} : { recall }),
    ...(isGraphForced ? { graphRowsMin: 0 } : {}),
  };
}

type Build = {
  readonly perSecond: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly indexed: number;
  readonly rows: number;
};

function resultOf(search: SearchRate, build: Build): IndexResult {
  return {
    insertsPerSecond: rounded(build.perSecond),
    recallAt10: rounded(search.recall),
    queriesPerSecond: rounded(search.queriesPerSecond),
    searchMs: { p50: rounded(search.p50Ms), p99: rounded(search.p99Ms) },
    bytesPerVector: rounded(build.bytes / build.rows),
    buildSeconds: rounded(build.seconds),
    indexed: build.indexed,
  };
}

/** To five significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

function describe(result: IndexResult): string {
  const { searchMs } = result;
  return formatTable([
    ["inserts", `${formatNumber(result.insertsPerSecond)}/s`],
    ["build", `${formatNumber(result.buildSeconds)} s`],
    ["indexed", `${formatNumber(result.indexed)} rows`],
    ["memory", `${formatNumber(result.bytesPerVector)} bytes a vector`],
    ["recall@10", result.recallAt10.toFixed(4)],
    ["searches", `${formatNumber(result.queriesPerSecond)}/s on one thread`],
    ["search p50", `${formatNumber(searchMs.p50)} ms`],
    ["search p99", `${formatNumber(searchMs.p99)} ms`],
  ]);
}
