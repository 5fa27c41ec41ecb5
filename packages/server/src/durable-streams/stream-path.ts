import { createHash } from "node:crypto";
import { MillraceError } from "@millrace/core";
import { isReservedStream, type StreamId } from "@millrace/protocol";
import { PATH_BYTES_MAX } from "./limits.ts";

/** Where durable streams are. */
export const STREAM_ROOT = "/v1/stream/";
/** The protocol's own routes, below the root: never a stream. */
export const CONTROL_SEGMENT = "__ds";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9:._-]{0,127}$/;
const NAME_CHARS_MAX = 128;
const PREFIX = "ds:";
/** What a path may not hold: control characters, which have no place in a name that people read. */
const CONTROL = /\p{Cc}/u;

/** The path below the root, decoded. `invalid_argument` when it is malformed, too long, or has an empty segment. */
export function toStreamPath(raw: string): string {
  const path = decode(raw);
  const shown = JSON.stringify(path.slice(0, 80));
  if (path === "" || CONTROL.test(path) || path.split("/").some((segment) => segment === ""))
    throw refusal(`the stream path ${shown} has an empty segment or a control character; send it as /v1/stream/name`);
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX)
    throw refusal(`the stream path ${shown} has ${bytes} bytes; at most ${PATH_BYTES_MAX} are taken`);
  return path;
}

/** As `toStreamPath`, without the slashes at its ends that links of subscriptions may have. */
export function toLinkedPath(value: string): string {
  return toStreamPath(value.replace(/^\/+|\/+$/g, ""));
}

/** The path of a stream named by its whole URL path, as in Stream-Forked-From; undefined when that is not below the root. */
export function fromUrlPath(urlPath: string): string | undefined {
  return urlPath.startsWith(STREAM_ROOT) ? toStreamPath(urlPath.slice(STREAM_ROOT.length)) : undefined;
}

/**
 * The stream of the log that holds the path's frames. A path that is a stream name already is that name. Any other, and one that looks like
 * what follows, is `ds:` and the path with `/` as `:` and every byte but letters, digits, `_` and `-` as `.` and two hex digits; when that is
 * too long it is `ds:.sha256.` and the hash of the path. So no two paths share a name but for a collision of SHA-256.
 */
export function toLogName(path: string): StreamId {
  if (NAME.test(path) && !path.startsWith(PREFIX)) return path as StreamId;
  const escaped = Array.from(Buffer.from(path), escapeByte).join("");
  if (PREFIX.length + escaped.length <= NAME_CHARS_MAX) return `${PREFIX}${escaped}` as StreamId;
  return `${PREFIX}.sha256.${createHash("sha256").update(path).digest("base64url")}` as StreamId;
}

/** Whether a path may be written to: those of the engine's own streams may not. */
export function isReservedPath(path: string): boolean {
  return isReservedStream(path as StreamId);
}

function escapeByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (/[a-zA-Z0-9_-]/.test(char)) return char;
  return char === "/" ? ":" : `.${byte.toString(16).padStart(2, "0")}`;
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw refusal(`the path ${JSON.stringify(raw.slice(0, 80))} is not well-formed percent encoding`);
  }
}

function refusal(message: string): MillraceError {
  return new MillraceError("invalid_argument", message);
}
