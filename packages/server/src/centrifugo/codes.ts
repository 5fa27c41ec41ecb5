/**
 * Numbers of the Centrifugo client protocol (centrifugal.dev, "Client protocol codes") that this server sends. A client decides by them: an
 * error may be tried again when it is `temporary`; after a disconnect below 3500 it reconnects, from 3500 on it does not; after an
 * unsubscribe from 2500 on it subscribes again.
 */
import { type Code, MillraceError } from "@millrace/core";
import { toShownError } from "../http/exchange.ts";

/** An error inside a reply. */
export type ReplyError = { readonly code: number; readonly message: string; readonly temporary?: true };

/** Why a connection ends: the close code and reason of the WebSocket. */
export type Disconnect = { readonly code: number; readonly reason: string };

export const REPLY_ERRORS = {
  internal: { code: 100, message: "internal server error", temporary: true },
  unauthorized: { code: 101, message: "unauthorized" },
  unknownChannel: { code: 102, message: "unknown channel" },
  permissionDenied: { code: 103, message: "permission denied" },
  methodNotFound: { code: 104, message: "method not found" },
  alreadySubscribed: { code: 105, message: "already subscribed" },
  limitExceeded: { code: 106, message: "limit exceeded" },
  badRequest: { code: 107, message: "bad request" },
  notAvailable: { code: 108, message: "not available" },
  tooManyRequests: { code: 111, message: "too many requests", temporary: true },
  unrecoverablePosition: { code: 112, message: "unrecoverable position" },
} as const satisfies Record<string, ReplyError>;

export const DISCONNECTS = {
  shutdown: { code: 3001, reason: "shutdown" },
  slow: { code: 3008, reason: "slow" },
  noPong: { code: 3012, reason: "no pong" },
  badRequest: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  notAvailable: { code: 3508, reason: "not available" },
} as const satisfies Record<string, Disconnect>;

/** Sent when what a client has of a channel no longer fits the log; it subscribes again and learns where the channel is. */
export const INSUFFICIENT_STATE = { code: 2500, reason: "insufficient state" } as const;

type Refusal = keyof typeof REPLY_ERRORS;

/** What a client can do about it decides; codes that are not here are the engine's own trouble. */
const REFUSAL_OF: Partial<Record<Code, Refusal>> = {
  invalid_argument: "badRequest",
  unsupported_type: "badRequest",
  too_large: "badRequest",
  conflict: "badRequest",
  terminal: "badRequest",
  unauthenticated: "unauthorized",
  forbidden: "permissionDenied",
  not_found: "unknownChannel",
  method_not_allowed: "notAvailable",
  gone: "unrecoverablePosition",
  stale_epoch: "unrecoverablePosition",
  overloaded: "tooManyRequests",
  rate_limited: "tooManyRequests",
  storage_full: "tooManyRequests",
};

/** The protocol's error with what is behind it, for people. */
export function replyError(refusal: Refusal, detail: string): ReplyError {
  const error = REPLY_ERRORS[refusal];
  return { ...error, message: `${error.message}: ${detail}` };
}

/** Any error as the protocol says it; what a defect tells of the engine's inside stays inside. */
export function toReplyError(error: unknown): ReplyError {
  const { code } = MillraceError.from(error);
  return replyError(REFUSAL_OF[code] ?? "internal", toShownError(error).message);
}
