import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { LANES, type Lane, VECTOR_ENCODINGS, type VectorEncoding } from "@millrace/protocol";
import { DIMS_MAX, DIMS_MIN } from "@millrace/vector";
import {
  BATCH_MAX,
  BATCHES_PER_SECOND,
  LANE_CAPACITY_MAX,
  RATE_MAX,
  RECALLS_MAX,
  SECONDS_MAX,
  SETTLE_SECONDS_MAX,
  SKEW_MAX,
  SPACES_MAX,
  WORKERS_MAX,
} from "./limits.ts";
import type { IngestRun } from "./run-ingest.ts";

export const INGEST_USAGE = `bench ingest --base F.f32 --query F.f32 --truth F.i32 --dims D --rate R --seconds S --recalls N [--json]
  --base, --query, --truth, --dims   as for bench index; cosine. When the run outlasts the file, its rows come again with noise
  --rate R        observations a second, sent at intended times whatever becomes of them
  --seconds S     for how long
  --recalls N     recalls a second meanwhile; 0: none
  --profile P     the engine's profile; default production
  --spaces K      spaces that batches go to in turn; default 64
  --skew Z        Zipf's exponent over the spaces; default 0: all alike
  --hot SHARE     share of the batches, 0–1, for the first tenth of the spaces (one at least)
  --workers W     index threads; default: the profile's
  --lane L        high, normal or low; default normal
  --lane-capacity C  observations that the lane holds; default: the profile's
  --batch B       observations a batch; default: what comes in 2.5 ms
  --encoding E    f32, f16 or i8; default f32
  --graph         build graphs however few rows there are
  --wire          send by the client over a WebSocket to a server that is a process of its own
  --data DIR      where the engine keeps its data, which must be empty and is left there; default: a directory for temporary files
  --settle S      seconds for which memory is watched after the load; default 2
  --seed N        of noise and choice of spaces; default 1
Exit code 1 when what was sent is not what was indexed and refused.`;

const FLAGS = {
  base: { type: "string" },
  query: { type: "string" },
  truth: { type: "string" },
  dims: { type: "string" },
  rate: { type: "string" },
  seconds: { type: "string" },
  recalls: { type: "string" },
  profile: { type: "string" },
  spaces: { type: "string", default: "64" },
  skew: { type: "string", default: "0" },
  hot: { type: "string" },
  workers: { type: "string" },
  lane: { type: "string", default: "normal" },
  "lane-capacity": { type: "string" },
  batch: { type: "string" },
  encoding: { type: "string", default: "f32" },
  graph: { type: "boolean", default: false },
  wire: { type: "boolean", default: false },
  data: { type: "string" },
  settle: { type: "string", default: "2" },
  seed: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
} as const;

/** How the engine is set; undefined: as it is by default. */
export type EngineSetting = {
  readonly profile: string | undefined;
  readonly workers: number | undefined;
  readonly lane: Lane;
  readonly laneCapacity: number | undefined;
  readonly isGraphForced: boolean;
};

export type IngestCommandOptions = {
  readonly run: IngestRun;
  readonly engine: EngineSetting;
  readonly basePath: string;
  readonly queryPath: string;
  readonly truthPath: string;
  readonly dims: number;
  readonly isWire: boolean;
  /** Undefined: a directory for temporary files, which is removed. */
  readonly directory: string | undefined;
  readonly isJson: boolean;
};

/** The arguments of `bench ingest`, checked. Throws `invalid_argument`. The profile's name is checked by the engine. */
export function readIngestOptions(args: string[]): IngestCommandOptions {
  const values = parse(args);
  const rate = integer("rate", required("rate", values.rate), { min: 1, max: RATE_MAX });
  const lane = oneOf("lane", values.lane, LANES);
  return {
    run: {
      rate,
      lane,
      seconds: integer("seconds", required("seconds", values.seconds), { min: 1, max: SECONDS_MAX }),
      recalls: integer("recalls", required("recalls", values.recalls), { min: 0, max: RECALLS_MAX }),
      spaces: integer("spaces", values.spaces, { min: 1, max: SPACES_MAX }),
      skew: number("skew", values.skew, SKEW_MAX),
      hot: values.hot === undefined ? undefined : hotShare(values.hot, values.spaces),
      batch: values.batch === undefined ? batchFor(rate) : integer("batch", values.batch, { min: 1, max: BATCH_MAX }),
      encoding: oneOf<VectorEncoding>("encoding", values.encoding, VECTOR_ENCODINGS),
      settleSeconds: integer("settle", values.settle, { min: 0, max: SETTLE_SECONDS_MAX }),
      seed: integer("seed", values.seed, { min: 0, max: 2 ** 32 - 1 }),
    },
    engine: {
      lane,
      profile: values.profile,
      workers: optional("workers", values.workers, WORKERS_MAX),
      laneCapacity: optional("lane-capacity", values["lane-capacity"], LANE_CAPACITY_MAX),
      isGraphForced: values.graph,
    },
    basePath: required("base", values.base),
    queryPath: required("query", values.query),
    truthPath: required("truth", values.truth),
    dims: integer("dims", required("dims", values.dims), { min: DIMS_MIN, max: DIMS_MAX }),
    isWire: values.wire,
    directory: values.data,
    isJson: values.json,
  };
}

/** What comes in 2.5 ms, at most as much as one batch can hold. */
export function batchFor(rate: number): number {
  return Math.min(BATCH_MAX, Math.max(1, Math.round(rate / BATCHES_PER_SECOND)));
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("invalid_argument", `${text}\n${INGEST_USAGE}`, { cause });
  }
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new MillraceError("invalid_argument", `--${name} is missing\n${INGEST_USAGE}`);
}

function integer(name: string, text: string, range: { readonly min: number; readonly max: number }): number {
  return checkInteger(`--${name}`, text.trim() === "" ? text : Number(text), range);
}

function optional(name: string, text: string | undefined, max: number): number | undefined {
  return text === undefined ? undefined : integer(name, text, { min: 1, max });
}

function number(name: string, text: string, max: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= max) return value;
  throw new MillraceError(
    "invalid_argument",
    `--${name} is ${JSON.stringify(text)}; it must be a number from 0 to ${max}`,
  );
}

function hotShare(text: string, spaces: string): number {
  const share = number("hot", text, 1);
  if (spaces !== "1") return share;
  throw new MillraceError("invalid_argument", `--hot is ${text} with one space; give --spaces 2 or more`);
}

function oneOf<Known extends string>(name: string, text: string, known: readonly Known[]): Known {
  const found = known.find((one) => one === text);
  if (found !== undefined) return found;
  throw new MillraceError("invalid_argument", `--${name} is ${JSON.stringify(text)}; use one of ${known.join(", ")}`);
}
