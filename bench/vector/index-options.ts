import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { DIMS_MAX, DIMS_MIN, METRICS, type Metric, type RecallTarget, WORKERS_MAX } from "@millrace/vector";

/** Spaces of one run: each is a whole index of the file. */
const SPACES_MAX = 1_024;
/** Targets of recall that can be asked for; above the last, `exact` is what is meant. */
const RECALL_MIN = 0.5;
const RECALL_MAX = 0.99;

export const INDEX_USAGE = `bench index --base F.f32 --query F.f32 --truth F.i32 --dims D --metric cosine|l2|dot [--json]
  --base F      vectors to index: raw little-endian f32, row after row; a row's number is its id
  --query F     vectors to search for, in the same form
  --truth F     raw little-endian i32, for each query the ids of its 100 nearest rows, the nearest first
  --recall R    share of the 10 nearest that a search is to find, ${RECALL_MIN}–${RECALL_MAX} or exact; default: the index's own, 0.95
  --workers N   threads that build; default 0: rows are linked as they are added. With --spaces: threads that own spaces
  --spaces K    index the file K times, as K spaces dealt out to the workers; default 1
  --graph       build graphs however few rows there are`;

const FLAGS = {
  base: { type: "string" },
  query: { type: "string" },
  truth: { type: "string" },
  dims: { type: "string" },
  metric: { type: "string" },
  recall: { type: "string" },
  workers: { type: "string", default: "0" },
  spaces: { type: "string", default: "1" },
  graph: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

export type IndexRunOptions = {
  readonly basePath: string;
  readonly queryPath: string;
  readonly truthPath: string;
  readonly dims: number;
  readonly metric: Metric;
  /** Undefined: the index's own default. */
  readonly recall: RecallTarget | undefined;
  readonly workers: number;
  readonly spaces: number;
  readonly isGraphForced: boolean;
  readonly isJson: boolean;
};

/** The arguments of `bench index`, checked. Throws `invalid_argument`. */
export function readIndexOptions(args: string[]): IndexRunOptions {
  const { values } = parse(args);
  return {
    basePath: required("base", values.base),
    queryPath: required("query", values.query),
    truthPath: required("truth", values.truth),
    dims: integer("dims", required("dims", values.dims), { min: DIMS_MIN, max: DIMS_MAX }),
    metric: metricOf(required("metric", values.metric)),
    recall: values.recall === undefined ? undefined : recallOf(values.recall),
    workers: integer("workers", values.workers, { min: 0, max: WORKERS_MAX }),
    spaces: integer("spaces", values.spaces, { min: 1, max: SPACES_MAX }),
    isGraphForced: values.graph,
    isJson: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("invalid_argument", `${text}\n${INDEX_USAGE}`, { cause });
  }
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new MillraceError("invalid_argument", `--${name} is missing\n${INDEX_USAGE}`);
}

function integer(name: string, text: string, range: { readonly min: number; readonly max: number }): number {
  return checkInteger(`--${name}`, text.trim() === "" ? text : Number(text), range);
}

function metricOf(text: string): Metric {
  const metric = METRICS.find((known) => known === text);
  if (metric) return metric;
  const message = `--metric is ${JSON.stringify(text)}; it must be one of ${METRICS.join(", ")}`;
  throw new MillraceError("invalid_argument", message);
}

function recallOf(text: string): RecallTarget {
  if (text === "exact") return text;
  const recall = text.trim() === "" ? Number.NaN : Number(text);
  if (recall >= RECALL_MIN && recall <= RECALL_MAX) return recall;
  const message = `--recall is ${JSON.stringify(text)}; it must be exact or a number from ${RECALL_MIN} to ${RECALL_MAX}`;
  throw new MillraceError("invalid_argument", message);
}
