/** Every option of every command, once: its flag, environment variable, kind, default and help. */
import { CACHE_MODES, READ_MODES, type RecallMode } from "@millrace/client";
import type { ServerOptions } from "@millrace/server";

type Base = {
  /** What stands for the value in help; absent for flags. */
  readonly value?: string;
  readonly help: string;
  readonly env?: string;
  readonly short?: string;
  /** What is typed where two commands have options of one flag that mean different things; default the option's own name. */
  readonly flag?: string;
};
export type OptionSpec = Base &
  (
    | { readonly kind: "flag" }
    | { readonly kind: "text"; readonly default?: string }
    /** `separator: "none"`: a comma is part of the value. */
    | { readonly kind: "list"; readonly separator?: "none" }
    | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly default?: number }
    | { readonly kind: "bytes" }
    | { readonly kind: "duration" }
    | { readonly kind: "choice"; readonly choices: readonly string[]; readonly default?: string }
  );

const MODES = ["hybrid", "text", "vector"] as const satisfies readonly RecallMode[];
const STREAM_MODES = ["relaxed", "strict"] as const;
/** A record, so that none can be left out. */
const PROFILES: Readonly<Record<NonNullable<ServerOptions["profile"]>, true>> = {
  production: true,
  "low-latency": true,
  "high-throughput": true,
  "resource-constrained": true,
  "multi-tenant": true,
  edge: true,
};
const PROVIDERS = ["static", "openai", "transformers"] as const;

export const OPTIONS = {
  port: {
    kind: "integer",
    min: 0,
    max: 65_535,
    default: 4_100,
    value: "PORT",
    env: "MILLRACE_PORT",
    help: "where to listen on 127.0.0.1; 0 takes a free one",
  },
  data: {
    kind: "text",
    default: "./.millrace",
    value: "DIR",
    env: "MILLRACE_DATA",
    help: "the data directory; one process at a time",
  },
  "data-bytes-max": {
    kind: "bytes",
    value: "SIZE",
    env: "MILLRACE_DATA_BYTES_MAX",
    help: "most bytes the store may take, for example 20GB; default unlimited",
  },
  embedding: {
    kind: "choice",
    choices: PROVIDERS,
    default: "static",
    value: "PROVIDER",
    env: "MILLRACE_EMBEDDING",
    help: "how new spaces embed text: static (built in, offline), openai (an OpenAI-compatible service), transformers (a local model)",
  },
  "embedding-url": {
    kind: "text",
    value: "URL",
    env: "MILLRACE_EMBEDDING_URL",
    help: "base address of the service, for example http://127.0.0.1:11434/v1; its key, if any, in MILLRACE_EMBEDDING_KEY",
  },
  "embedding-model": {
    kind: "text",
    value: "NAME",
    env: "MILLRACE_EMBEDDING_MODEL",
    help: "the model of openai or transformers",
  },
  "embedding-model-directory": {
    kind: "text",
    value: "DIR",
    env: "MILLRACE_EMBEDDING_MODEL_DIRECTORY",
    help: "where the models of transformers are",
  },
  "allow-address": {
    kind: "list",
    value: "HOST|CIDR",
    env: "MILLRACE_ALLOW_ADDRESS",
    help: "a private host or range that may be fetched; may be repeated (in the variable: separated by commas)",
  },
  url: {
    kind: "text",
    value: "URL",
    env: "MILLRACE_URL",
    help: "a running engine; without it the command opens the data directory itself",
  },
  space: {
    kind: "text",
    default: "default",
    value: "NAME",
    env: "MILLRACE_SPACE",
    help: 'the space; default "default"',
  },
  source: { kind: "text", value: "NAME", help: "what to call the text read from stdin; its ending tells its type" },
  resume: { kind: "text", value: "JOB", help: "go on with an interrupted add" },
  "stream-mode": {
    kind: "choice",
    choices: STREAM_MODES,
    default: "relaxed",
    value: "MODE",
    env: "MILLRACE_STREAM_MODE",
    help: "when readers see a frame: relaxed (at once, durable a moment later) or strict (once it is durable)",
  },
  profile: {
    kind: "choice",
    choices: Object.keys(PROFILES) as (keyof typeof PROFILES)[],
    default: "production",
    value: "NAME",
    env: "MILLRACE_PROFILE",
    help: `how observations are taken in: ${Object.keys(PROFILES).join(", ")}`,
  },
  "throughput-target": {
    kind: "integer",
    min: 1,
    max: 100_000_000,
    value: "RATE",
    env: "MILLRACE_THROUGHPUT_TARGET",
    help: "observations a second that are expected; below 80 % of it there is an alert (millrace tail _system); default none",
  },
  k: { kind: "integer", min: 1, max: 100, default: 8, short: "k", value: "N", help: "how many results" },
  mode: { kind: "choice", choices: MODES, default: "hybrid", value: "MODE", help: "hybrid, text or vector" },
  "read-mode": {
    kind: "choice",
    flag: "mode",
    choices: READ_MODES,
    value: "MODE",
    help: "what is read: article (the main text, default), full, metadata, links, or selectors (with --select)",
  },
  select: {
    kind: "list",
    value: "CSS",
    separator: "none",
    help: "read the elements that this selector matches; may be repeated",
  },
  md: { kind: "flag", help: "print Markdown, the default" },
  explain: { kind: "flag", help: "show every block of the page with its score, the dropped ones too" },
  "allow-private": { kind: "flag", help: "read pages of private and local addresses too" },
  "ignore-robots": { kind: "flag", help: "read the page although the site's robots.txt asks programs not to" },
  "allow-degraded": { kind: "flag", help: "take what a page shows without a browser, however little" },
  timeout: {
    kind: "integer",
    min: 1,
    max: 600_000,
    value: "MS",
    help: "from the call to the result, in milliseconds; default 30,000",
  },
  cache: {
    kind: "choice",
    choices: CACHE_MODES,
    default: "use",
    value: "MODE",
    help: "with --url: use what the engine read before, refresh it, take only that, or none",
  },
  after: { kind: "text", value: "CURSOR", help: "begin after this cursor; default from the first frame kept" },
  limit: { kind: "integer", min: 1, max: 1_000_000, value: "N", help: "stop after this many" },
  until: { kind: "text", value: "CURSOR", help: "end with this frame; default the newest" },
  out: { kind: "text", value: "FILE", help: "write to this file, which appears when it is complete; default stdout" },
  "max-age": {
    kind: "duration",
    value: "AGE",
    help: "keep frames of clients' streams so long, for example 7d, 12h or 90m; default for ever",
  },
  "max-bytes": {
    kind: "bytes",
    value: "SIZE",
    help: "keep so much of each stream, for example 100MB; default everything",
  },
  "max-frames": {
    kind: "integer",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    value: "N",
    help: "keep the newest N frames of each stream; default all",
  },
  "jobs-max-age": {
    kind: "duration",
    value: "AGE",
    help: "delete the stream of a job so long after its end, for example 30d; default never",
  },
  "keep-all": { kind: "flag", help: "keep everything of the stream, whatever the engine does by default" },
  default: { kind: "flag", help: "keep of the stream what the engine keeps by default" },
  "consolidate-every": {
    kind: "duration",
    value: "PAUSE",
    env: "MILLRACE_CONSOLIDATE_EVERY",
    help: "look for duplicates and patterns among observations so often, for example 1h; default only when asked",
  },
  duplicate: { kind: "text", value: "SHARE", help: "similarity from which observations say the same; default 0.95" },
  pattern: { kind: "text", value: "SHARE", help: "similarity from which they are of one kind; default 0.8" },
  "remove-duplicates": { kind: "flag", help: "remove observations that say the same as another" },
  json: { kind: "flag", help: "print JSON on stdout, for programs" },
  help: { kind: "flag", short: "h", help: "show this" },
} as const satisfies Record<string, OptionSpec>;

/** Variables that are read but are no option. */
export const OTHER_VARIABLES = ["MILLRACE_EMBEDDING_KEY", "MILLRACE_DEBUG", "MILLRACE_CHROMIUM"] as const;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<Spec> = Spec extends { kind: "flag" }
  ? boolean
  : Spec extends { kind: "list" }
    ? readonly string[]
    : Spec extends { kind: "choice"; choices: readonly (infer Choice)[] }
      ? Choice
      : Spec extends { kind: "integer" | "bytes" | "duration" }
        ? number
        : string;
type IsAlwaysSet<Spec> = Spec extends { default: unknown } | { kind: "flag" | "list" } ? true : false;

/** The options of a command as read: defaults filled in, values checked. */
export type OptionValues = {
  readonly [Name in OptionName]: IsAlwaysSet<(typeof OPTIONS)[Name]> extends true
    ? ValueOf<(typeof OPTIONS)[Name]>
    : ValueOf<(typeof OPTIONS)[Name]> | undefined;
};
