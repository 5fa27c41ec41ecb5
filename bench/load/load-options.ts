import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import {
  BATCH_MAX,
  GENERATORS_MAX,
  IN_FLIGHT_MAX,
  PAYLOAD_BYTES_MAX,
  PAYLOAD_BYTES_MIN,
  RATE_MAX,
  SECONDS_MAX,
  STREAMS_MAX,
  SUBSCRIBERS_MAX,
  WINDOW_MAX,
} from "./limits.ts";
import type { LoadOptions } from "./run-load.ts";
import { TARGET_NAMES } from "./targets/choose-target.ts";

export const STREAMS_USAGE = `bench streams [--subscribers N=100] [--rate R=50] [--seconds S=5] [--json]
  --rate R          frames a second and stream; 0: as many as the subscribers take
  --transport ws|sse   how subscribers follow; default ws
  --streams K       streams, the subscribers shared out among them; default 1
  --bytes B         of a frame's data; default 200
  --batch B         events an append; default 1, saturated 16
  --mode strict|relaxed   when readers see a frame; default: the server's own
  --warmup S        unmeasured seconds before; default 1
  --writer ws|http  how appends are sent; default ws
  --ack durable|accepted   when an append is answered; default durable
  --format frames|compact  of frames on a WebSocket; default frames
  --in-flight N     appends without an answer, saturated; default 64
  --window N        frames ahead of the subscribers, saturated; default 512
  --generators N    processes that share the subscribers; default 1
  --target ${TARGET_NAMES.join("|")}   default millrace
  --url U [--pid P] a server that runs already; its process id, for its CPU and memory`;

const FLAGS = {
  subscribers: { type: "string", default: "100" },
  rate: { type: "string", default: "50" },
  seconds: { type: "string", default: "5" },
  warmup: { type: "string", default: "1" },
  transport: { type: "string", default: "ws" },
  streams: { type: "string", default: "1" },
  bytes: { type: "string", default: "200" },
  batch: { type: "string" },
  mode: { type: "string" },
  writer: { type: "string", default: "ws" },
  ack: { type: "string", default: "durable" },
  format: { type: "string", default: "frames" },
  "in-flight": { type: "string", default: "64" },
  window: { type: "string", default: "512" },
  generators: { type: "string", default: "1" },
  target: { type: "string", default: "millrace" },
  url: { type: "string" },
  pid: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** The arguments of `bench streams`, checked. Throws `invalid_argument`. */
export function readLoadOptions(args: string[]): { load: LoadOptions; isJson: boolean } {
  const { values } = parse(args);
  const rate = number("rate", values.rate, { min: 0, max: RATE_MAX });
  const { url, pid, mode } = values;
  if (url !== undefined && !URL.canParse(url)) {
    throw new MillraceError(
      "invalid_argument",
      `--url is ${JSON.stringify(url)}; give an address like http://127.0.0.1:4100`,
    );
  }
  const load: LoadOptions = {
    rate,
    subscribers: integer("subscribers", values.subscribers, 0, SUBSCRIBERS_MAX),
    seconds: number("seconds", values.seconds, { min: 0.1, max: SECONDS_MAX }),
    warmupSeconds: number("warmup", values.warmup, { min: 0, max: SECONDS_MAX }),
    transport: choice("transport", values.transport, ["ws", "sse"]),
    streams: integer("streams", values.streams, 1, STREAMS_MAX),
    bytes: integer("bytes", values.bytes, PAYLOAD_BYTES_MIN, PAYLOAD_BYTES_MAX),
    batch: integer("batch", values.batch ?? (rate === 0 ? "16" : "1"), 1, BATCH_MAX),
    writer: choice("writer", values.writer, ["ws", "http"]),
    ack: choice("ack", values.ack, ["durable", "accepted"]),
    format: choice("format", values.format, ["frames", "compact"]),
    inFlight: integer("in-flight", values["in-flight"], 1, IN_FLIGHT_MAX),
    window: integer("window", values.window, 1, WINDOW_MAX),
    generators: integer("generators", values.generators, 1, GENERATORS_MAX),
    target: choice("target", values.target, TARGET_NAMES),
    ...(mode === undefined ? {} : { mode: choice("mode", mode, ["strict", "relaxed"]) }),
    ...(url === undefined ? {} : { url }),
    ...(pid === undefined ? {} : { pid: integer("pid", pid, 1, 2 ** 31) }),
  };
  return { load, isJson: values.json };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("invalid_argument", `${text}\n${STREAMS_USAGE}`, { cause });
  }
}

function integer(name: string, text: string, min: number, max: number): number {
  return checkInteger(`--${name}`, text.trim() === "" ? text : Number(text), { min, max });
}

function number(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new MillraceError(
    "invalid_argument",
    `--${name} is ${JSON.stringify(text)}; it must be a number from ${min} to ${max}`,
  );
}

function choice<const Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((one) => one === text);
  if (found !== undefined) return found;
  throw new MillraceError(
    "invalid_argument",
    `--${name} is ${JSON.stringify(text)}; it must be one of ${choices.join(", ")}`,
  );
}
