/** What a client sends: one WebSocket text message holds one or more commands, each a JSON object on a line of its own. */
import { checkInteger, MillraceError } from "@millrace/core";
import { type StreamId, toStreamId } from "@millrace/protocol";
import { CENTRIFUGO_COMMANDS_MAX } from "../limits.ts";

/** The commands of the protocol; the last two ask for nothing that would be answered under a number. */
const METHODS = [
  "connect",
  "subscribe",
  "unsubscribe",
  "publish",
  "history",
  "presence",
  "presence_stats",
  "rpc",
  "refresh",
  "sub_refresh",
  "ping",
  "send",
] as const;

export type Method = (typeof METHODS)[number];

/** One command. Without method and number it is the answer to a ping; `unknown` stands for a method this server has not heard of. */
export type Command =
  | { readonly method: "pong" }
  | { readonly method: Method | "unknown"; readonly id: number; readonly params: Params };

export type Params = Readonly<Record<string, unknown>>;

/** A place in a channel as a client gives it; an empty epoch stands for whichever there is. */
export type Position = { readonly epoch: string; readonly offset: number };

export type SubscribeRequest = {
  readonly channel: StreamId;
  /** Where the client is, when it wants what it missed. */
  readonly recover: Position | undefined;
  /** Refuse, with "unrecoverable position", instead of beginning at the top. */
  readonly rejectUnrecovered: boolean;
};

export type HistoryRequest = {
  readonly channel: StreamId;
  /** Publications wanted; 0 asks for the position alone, -1 for as many as are given. */
  readonly limit: number;
  readonly since: Position | undefined;
  readonly reverse: boolean;
};

const COMMAND_ID_MAX = 2 ** 32 - 1;
/** Bit of a subscribe's `flag`: the client reloads by itself and wants to be told. */
const REJECT_UNRECOVERED = 2;
const OFFSET = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** The commands of one message. `invalid_argument` when it is not what the protocol has; then nothing of it is carried out. */
export function decodeCommands(text: string): Command[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) throw malformed("a message holds a command", text);
  if (lines.length > CENTRIFUGO_COMMANDS_MAX) {
    const message = `${lines.length} commands in one message; at most ${CENTRIFUGO_COMMANDS_MAX} are taken: send them in several`;
    throw new MillraceError("invalid_argument", message);
  }
  return lines.map(decodeCommand);
}

function decodeCommand(line: string): Command {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw malformed("a command is a JSON object", line);
  }
  if (!isRecord(value)) throw malformed("a command is a JSON object", line);
  const { id = 0, ...rest } = value;
  if (id === 0 && Object.keys(rest).length === 0) return { method: "pong" };
  const method = METHODS.find((name) => Object.hasOwn(rest, name)) ?? "unknown";
  const params = method === "unknown" ? {} : (rest[method] ?? {});
  if (!isRecord(params)) throw malformed(`the parameters of ${method} are an object`, line);
  checkInteger("id", id, { min: method === "send" ? 0 : 1, max: COMMAND_ID_MAX });
  return { method, id: id as number, params };
}

/** The channel a command names: a stream of the log by its name. */
export function channelOf({ channel }: Params): StreamId {
  return toStreamId(channel);
}

/** `method_not_allowed` for what would have to be done to be right: other kinds of subscription, and filtering by tags. */
export function toSubscribeRequest(params: Params): SubscribeRequest {
  const { recover, flag, type = 0, tf } = params;
  if (type !== 0)
    throw new MillraceError("method_not_allowed", "this server has streams only, no maps and no shared poll");
  if (tf !== undefined)
    throw new MillraceError("method_not_allowed", "this server does not filter by tags; filter in the client");
  return {
    channel: channelOf(params),
    recover: recover === true ? toPosition(params) : undefined,
    rejectUnrecovered: typeof flag === "number" && (flag & REJECT_UNRECOVERED) !== 0,
  };
}

export function toHistoryRequest(params: Params): HistoryRequest {
  const { limit = 0, since, reverse } = params;
  if (since !== undefined && since !== null && !isRecord(since)) throw malformed("since is an object", since);
  return {
    channel: channelOf(params),
    limit: checkInteger("limit", limit, { min: -1, max: OFFSET.max }),
    since: isRecord(since) ? toPosition(since) : undefined,
    reverse: reverse === true,
  };
}

function toPosition({ offset = 0, epoch = "" }: Params): Position {
  if (typeof epoch !== "string") throw malformed("epoch is a string", epoch);
  return { epoch, offset: checkInteger("offset", offset, OFFSET) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(rule: string, value: unknown): MillraceError {
  const shown = (JSON.stringify(value) ?? "nothing").slice(0, 80);
  return new MillraceError("invalid_argument", `${rule}; got ${shown}`);
}
