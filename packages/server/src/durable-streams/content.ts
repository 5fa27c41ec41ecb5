import { MillraceError } from "@millrace/core";
import type { StreamEvent } from "@millrace/protocol";
import { DATA_DEPTH_MAX, isDeeperThan, type StoredFrame } from "@millrace/stream";
import { MESSAGES_MAX, PIECE_BYTES_MAX, PIECE_JSON_MAX } from "./limits.ts";

/** How a stream's messages are kept and shown: JSON values, text, or bytes. */
export type ContentMode = "json" | "text" | "bytes";

/** The type of the frames that hold messages: an application's own to everyone who follows the log's stream. */
export const MESSAGE_TYPE = "x.durable";

/** Where our frames differ from those of native producers in the same stream. */
const TYPE_FIELD = `"type":"${MESSAGE_TYPE}",`;
const DATA_FIELD = ',"data":';
const CORRELATION_FIELD = ',"correlation":';

/** JSON that is written anew grows at most sixfold (`1e20` becomes 21 digits): a body up to here needs no measuring. */
const SURELY_FITS_BYTES = PIECE_JSON_MAX / 6;

/** The media type alone, in lower case. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

export function modeOf(contentType: string): ContentMode {
  const type = mediaTypeOf(contentType);
  if (type === "application/json") return "json";
  return type.startsWith("text/") ? "text" : "bytes";
}

/**
 * The messages of one append as events, all with the id `id`: in JSON mode one for each element of an array, or one; else one, or more when
 * the body does not fit in a frame. `invalid_argument` for what is not JSON, `too_large` for too many messages.
 */
export function toEvents(mode: ContentMode, body: Uint8Array, id: string): StreamEvent[] {
  const datas = mode === "json" ? toValues(body) : toPieces(mode, body);
  return datas.map((data) => ({ type: MESSAGE_TYPE, id, data }));
}

function toValues(body: Uint8Array): readonly unknown[] {
  const value = parse(body);
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  if (values.length > MESSAGES_MAX)
    throw new MillraceError(
      "too_large",
      `the array has ${values.length} messages; at most ${MESSAGES_MAX} are taken at once: send it in parts`,
    );
  // Here rather than by the sequencer: what it refuses costs all appends that are under way behind this one.
  for (const each of values) checkDepth(each);
  if (body.length > SURELY_FITS_BYTES) for (const each of values) checkSize(each);
  return values;
}

function checkDepth(value: unknown): void {
  if (!isDeeperThan(DATA_DEPTH_MAX, value)) return;
  throw new MillraceError(
    "invalid_argument",
    `a message is nested more than ${DATA_DEPTH_MAX} levels deep; flatten it`,
  );
}

function checkSize(value: unknown): void {
  const chars = JSON.stringify(value).length;
  if (chars <= PIECE_JSON_MAX) return;
  throw new MillraceError(
    "too_large",
    `a message has ${chars} characters as JSON; at most ${PIECE_JSON_MAX} are taken: store the payload elsewhere and name it`,
  );
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("invalid_argument", `the body is not JSON, which this stream is made of: ${reason}`);
  }
}

function toPieces(mode: ContentMode, body: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < body.length; ) {
    const end =
      mode === "text" ? characterEnd(body, at + PIECE_BYTES_MAX) : Math.min(body.length, at + PIECE_BYTES_MAX);
    pieces.push(toPiece(mode, body.subarray(at, end)));
    at = end;
  }
  return pieces;
}

type Piece = { readonly text: string } | { readonly base64: string };

/** Text as text, for those who read the log's stream; what is not UTF-8, or has too many escapes for a frame, as base64: bytes are never changed. */
function toPiece(mode: ContentMode, bytes: Uint8Array): Piece {
  if (mode === "text") {
    const text = decodeText(bytes);
    if (text !== undefined && JSON.stringify(text).length <= PIECE_JSON_MAX) return { text };
  }
  return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64") };
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `end`, moved back to where a UTF-8 character begins. */
function characterEnd(bytes: Uint8Array, end: number): number {
  if (end >= bytes.length) return bytes.length;
  let at = end;
  while (at > end - 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}

/** The id all frames of one append have; undefined for a frame of a native producer. */
export function appendIdOf({ json }: StoredFrame): string | undefined {
  if (!json.includes(TYPE_FIELD)) return undefined;
  return (JSON.parse(json) as { id: string }).id;
}

/** The messages as one JSON array. A frame that a native producer wrote into the stream is shown whole. */
export function toJsonArray(frames: readonly StoredFrame[]): string {
  return `[${frames.map(({ json }) => dataOf(json) ?? json).join(",")}]`;
}

/** The messages' bytes one after the other. A frame that a native producer wrote into the stream has none. */
export function toBytes(frames: readonly StoredFrame[]): Buffer {
  const parts = frames.map(({ json }) => {
    const data = dataOf(json);
    return data === undefined
      ? Buffer.alloc(0)
      : pieceBytes(JSON.parse(data) as Partial<Record<"text" | "base64", string>>);
  });
  return Buffer.concat(parts);
}

function pieceBytes(piece: Partial<Record<"text" | "base64", unknown>> | null): Buffer {
  if (typeof piece?.text === "string") return Buffer.from(piece.text);
  return typeof piece?.base64 === "string" ? Buffer.from(piece.base64, "base64") : Buffer.alloc(0);
}

/**
 * The JSON of a message, cut out of its frame's; undefined for a native frame. Inside a JSON string every quote is escaped, so the first
 * `,"data":` is the frame's own.
 */
function dataOf(json: string): string | undefined {
  const at = json.indexOf(DATA_FIELD);
  if (at < 0 || !json.slice(0, at + 1).includes(TYPE_FIELD)) return undefined;
  // Only a native producer sends a correlation. It may also be a key of the data, so the frame is parsed to tell.
  if (!json.includes(CORRELATION_FIELD, at)) return json.slice(at + DATA_FIELD.length, -1);
  return JSON.stringify((JSON.parse(json) as { data: unknown }).data);
}
