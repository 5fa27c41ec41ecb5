import { checkInteger, MillraceError } from "@millrace/core";
import { ENGINE_BUILDS, type EngineBuild, isBuildSupported } from "./kernels/engine-module.ts";
import {
  EF_CONSTRUCTION_MAX,
  GRAPH_ROWS_MIN,
  INDEX_BYTES_MAX,
  M_DEFAULT,
  M_MAX,
  SCAN_ROWS_MAX,
  SEGMENT_BYTES_MAX,
  SEGMENT_ROWS,
  SEGMENT_ROWS_MAX,
  WORKERS_MAX,
} from "./limits.ts";
import { checkDims, checkMetric, type Metric } from "./metric.ts";
import type { RecallTarget } from "./search.ts";
import { bytesPerRow } from "./segment/layout.ts";

export type IndexOptions = {
  /** 2–4,096. */
  readonly dims: number;
  readonly metric: Metric;
  /** Recall@10 of searches that name none: 0.5–0.99 or `exact`. Default 0.95. */
  readonly recall?: RecallTarget;
  /** Threads that build graphs. Default 0: graphs are built inside `add`, a few rows at a time. */
  readonly workers?: number;
  /**
   * Who builds: the index itself (`own`: its `workers`, or inside `add`), or whoever runs what `builds()` lists (`offered`). Default
   * `own`.
   */
  readonly builds?: "own" | "offered";
  /**
   * When a segment gets its graph: as its rows come (`eager`), or once searches have spent on scanning it what the graph costs
   * (`demanded`), which saves the linking of rows that are searched less often than written. Default `eager`.
   */
  readonly graphs?: "eager" | "demanded";
  /** With `demanded`: rows without a graph beyond which the oldest full segments get theirs all the same. Default 524,288. */
  readonly scanRowsMax?: number;
  /** Rows from which on a segment gets a graph; below, it is scanned. Default 16,384; 0: from the first row. */
  readonly graphRowsMin?: number;
  /** Links that a row chooses (HNSW's M), 4–20; twice as many are kept on the lowest level. Default 16. */
  readonly m?: number;
  /** Beam width while linking, 8–2,048. Default 24 where graphs are walked by signs, 64 where by bytes. */
  readonly efConstruction?: number;
  /** Rows of a segment. Default 131,072, fewer when rows are wide. */
  readonly segmentRows?: number;
  /** Most bytes that rows and graphs may take. Default 4 GiB; above it `add` fails with `too_large`. */
  readonly capacityBytesMax?: number;
  /** Which build of the engine. Default: the fastest that this runtime has. */
  readonly build?: EngineBuild;
};

export type CheckedOptions = {
  readonly dims: number;
  readonly metric: Metric;
  readonly recall: RecallTarget;
  readonly workers: number;
  readonly builds: "own" | "offered";
  readonly graphs: "eager" | "demanded";
  readonly scanRowsMax: number;
  readonly graphRowsMin: number;
  readonly m: number;
  readonly efConstruction: number | undefined;
  readonly segmentRows: number;
  readonly capacityBytesMax: number;
  readonly build: EngineBuild | undefined;
};

const BUILDS = ["own", "offered"] as const;
const GRAPHS = ["eager", "demanded"] as const;

const KNOWN = [
  "dims",
  "metric",
  "recall",
  "workers",
  "builds",
  "graphs",
  "scanRowsMax",
  "graphRowsMin",
  "m",
  "efConstruction",
  "segmentRows",
  "capacityBytesMax",
  "build",
];

/** Options with their defaults. `invalid_argument` names the option, its value and what it may be. */
export function checkOptions(options: IndexOptions): CheckedOptions {
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown)
    throw new MillraceError("invalid_argument", `unknown option "${unknown}"; known are ${KNOWN.join(", ")}`);
  const dims = checkDims(options.dims);
  const metric = checkMetric(options.metric);
  const wide = bytesPerRow({ dims, metric, capacity: 1, hasLow: true });
  const rowsMax = Math.min(SEGMENT_ROWS_MAX, Math.floor(SEGMENT_BYTES_MAX / wide));
  const workers = checkInteger("workers", options.workers ?? 0, { min: 0, max: WORKERS_MAX });
  const builds = checkChoice("builds", options.builds ?? "own", BUILDS);
  if (builds === "offered" && workers > 0) {
    const message = `workers is ${workers} and builds is "offered"; threads of its own build only with builds: "own"`;
    throw new MillraceError("invalid_argument", message);
  }
  const bytesMax = options.capacityBytesMax ?? INDEX_BYTES_MAX;
  return {
    dims,
    metric,
    recall: checkRecall(options.recall ?? 0.95),
    workers,
    builds,
    graphs: checkChoice("graphs", options.graphs ?? "eager", GRAPHS),
    scanRowsMax: checkInteger("scanRowsMax", options.scanRowsMax ?? SCAN_ROWS_MAX, { min: 0, max: 2 ** 32 }),
    graphRowsMin: checkInteger("graphRowsMin", options.graphRowsMin ?? GRAPH_ROWS_MIN, { min: 0, max: 2 ** 31 }),
    m: checkInteger("m", options.m ?? M_DEFAULT, { min: 4, max: M_MAX }),
    efConstruction: checkEf(options.efConstruction),
    segmentRows: checkInteger("segmentRows", options.segmentRows ?? Math.min(SEGMENT_ROWS, rowsMax), {
      min: 1_024,
      max: rowsMax,
    }),
    capacityBytesMax: checkInteger("capacityBytesMax", bytesMax, { min: dims * 4, max: Number.MAX_SAFE_INTEGER }),
    build: checkBuild(options.build),
  };
}

function checkChoice<Choice extends string>(name: string, value: unknown, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found) return found;
  const message = `${name} is ${JSON.stringify(value)}; use ${choices.map((choice) => `"${choice}"`).join(" or ")}`;
  throw new MillraceError("invalid_argument", message);
}

/** 0.5–0.99 or `exact`. */
export function checkRecall(recall: unknown): RecallTarget {
  if (recall === "exact") return recall;
  if (typeof recall === "number" && recall >= 0.5 && recall <= 0.99) return recall;
  throw new MillraceError("invalid_argument", `recall is ${JSON.stringify(recall)}; use 0.5 to 0.99, or "exact"`);
}

function checkEf(width: number | undefined): number | undefined {
  return width === undefined ? undefined : checkInteger("efConstruction", width, { min: 8, max: EF_CONSTRUCTION_MAX });
}

function checkBuild(build: EngineBuild | undefined): EngineBuild | undefined {
  if (build === undefined || (ENGINE_BUILDS.includes(build) && isBuildSupported(build))) return build;
  throw new MillraceError("invalid_argument", `this runtime cannot run the engine build "${build}"`);
}
