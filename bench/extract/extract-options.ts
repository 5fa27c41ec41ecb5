import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { PAGES_MAX } from "./limits.ts";
import { checkPeerName, PEER_NAMES, type PeerName } from "./peers/peer.ts";

export const EXTRACT_USAGE = `bench extract --pages DIR --truth DIR [--peers A,B] [--folds DIR] [--metadata FILE] [--limit N] [--json]
  --pages DIR     ID.html.gz or ID.html
  --truth DIR     ID.json of each: url, ground_truth {main_content, with, without, title, author, publish_date}
  --metadata FILE page types and domains, where the truth does not say them; default: metadata.json beside or above the pages
  --peers A,B     of ${PEER_NAMES.join(", ")}; or "all"
  --folds DIR     judge each page by the model of its fold (folds.json, fold-K.bin); default: the shipped model
  --limit N       at most so many pages, spread evenly over the set
  --worst N       with it, the N pages of each type that score least, on stderr
  --scores FILE   write the score of every page and extractor to a file, as JSON
  --seed N        of the intervals; default 1`;

const FLAGS = {
  pages: { type: "string" },
  truth: { type: "string" },
  metadata: { type: "string" },
  peers: { type: "string" },
  folds: { type: "string" },
  limit: { type: "string" },
  worst: { type: "string", default: "0" },
  scores: { type: "string" },
  seed: { type: "string", default: "1" },
  json: { type: "boolean", default: false },
} as const;

export type ExtractCommandOptions = {
  readonly pages: string;
  readonly truth: string;
  readonly metadata: string | undefined;
  readonly peers: readonly PeerName[];
  readonly folds: string | undefined;
  readonly limit: number | undefined;
  readonly worst: number;
  readonly scores: string | undefined;
  readonly seed: number;
  readonly isJson: boolean;
};

/** The arguments of `bench extract`, checked. Throws `invalid_argument`. */
export function readExtractOptions(args: string[]): ExtractCommandOptions {
  const values = parse(args);
  const { metadata, folds, scores } = values;
  return {
    pages: required("pages", values.pages),
    truth: required("truth", values.truth),
    metadata,
    folds,
    scores,
    peers: peersIn(values.peers),
    limit: values.limit === undefined ? undefined : integer("limit", values.limit, { min: 1, max: PAGES_MAX }),
    worst: integer("worst", values.worst, { min: 0, max: PAGES_MAX }),
    seed: integer("seed", values.seed, { min: 0, max: 2 ** 32 - 1 }),
    isJson: values.json,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("invalid_argument", `${text}\n${EXTRACT_USAGE}`, { cause });
  }
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new MillraceError("invalid_argument", `--${name} is missing\n${EXTRACT_USAGE}`);
}

function integer(name: string, text: string, range: { readonly min: number; readonly max: number }): number {
  return checkInteger(`--${name}`, text.trim() === "" ? text : Number(text), range);
}

function peersIn(list: string | undefined): readonly PeerName[] {
  if (list === undefined) return [];
  if (list === "all") return PEER_NAMES;
  return [...new Set(list.split(",").map((name) => checkPeerName(name.trim())))];
}
