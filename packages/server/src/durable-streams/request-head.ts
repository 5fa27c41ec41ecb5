import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { MillraceError } from "@millrace/core";
import { mediaTypeOf } from "./content.ts";
import type { CreateRequest, ForkRequest } from "./create-request.ts";
import { HEADER_CHARS_MAX, TTL_SECONDS_MAX } from "./limits.ts";
import { parseOffset } from "./offset.ts";
import type { ProducerTriple } from "./record.ts";
import { fromUrlPath } from "./stream-path.ts";

const WHOLE = /^(0|[1-9]\d{0,15})$/;
/** A number as producers may write it: the protocol allows leading zeros here. */
const DIGITS = /^\d{1,32}$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/** What the head of a PUT asks for. `invalid_argument` for headers that are malformed or exclude one another. */
export function readCreateHead({ headers }: IncomingMessage): Omit<CreateRequest, "path" | "events"> {
  const fork = readFork(headers);
  const ttl = one(headers, "stream-ttl");
  const expiresAt = one(headers, "stream-expires-at");
  if (ttl !== undefined && expiresAt !== undefined)
    throw refusal("Stream-TTL and Stream-Expires-At exclude one another; send one of them");
  const asked = readContentType(headers);
  return {
    contentType: asked ?? (fork ? undefined : "application/octet-stream"),
    ttlSeconds: ttl === undefined ? undefined : readTtl(ttl),
    expires: expiresAt === undefined ? undefined : readExpiry(expiresAt),
    closes: readCloses(headers),
    fork,
  };
}

/** Whether the request closes the stream: only `true` does. */
export function readCloses(headers: IncomingHttpHeaders): boolean {
  return one(headers, "stream-closed")?.toLowerCase() === "true";
}

/** The content type as it was sent; undefined when there is none, or none that is a media type. */
export function readContentType(headers: IncomingHttpHeaders): string | undefined {
  const value = one(headers, "content-type")?.trim();
  return value !== undefined && MEDIA_TYPE.test(mediaTypeOf(value)) ? value : undefined;
}

/** The producer's triple. Its three headers come together or not at all. */
export function readProducer(headers: IncomingHttpHeaders): ProducerTriple | undefined {
  const [id, epoch, seq] = ["producer-id", "producer-epoch", "producer-seq"].map((name) => one(headers, name));
  if (id === undefined && epoch === undefined && seq === undefined) return undefined;
  if (id === undefined || epoch === undefined || seq === undefined)
    throw refusal("Producer-Id, Producer-Epoch and Producer-Seq come together; send all three or none");
  if (id.trim() === "") throw refusal("Producer-Id is empty; send the producer's own name");
  return { id, epoch: readNumber("Producer-Epoch", epoch, DIGITS), seq: readNumber("Producer-Seq", seq, DIGITS) };
}

export function readSeq(headers: IncomingHttpHeaders): string | undefined {
  return one(headers, "stream-seq");
}

function readFork(headers: IncomingHttpHeaders): ForkRequest | undefined {
  const from = one(headers, "stream-forked-from");
  const sub = one(headers, "stream-fork-sub-offset");
  const offset = one(headers, "stream-fork-offset");
  if (from === undefined) {
    if (sub === undefined && offset === undefined) return undefined;
    throw refusal("Stream-Fork-Offset and Stream-Fork-Sub-Offset belong to Stream-Forked-From, which is missing");
  }
  const at = offset === undefined ? undefined : parseOffset(offset);
  if (offset !== undefined && !at)
    throw refusal(`Stream-Fork-Offset is ${show(offset)}; send an offset that the source gave`);
  const path = fromUrlPath(from);
  if (path === undefined)
    throw new MillraceError(
      "not_found",
      `Stream-Forked-From is ${show(from)}; send the path of a stream, /v1/stream/…`,
    );
  return { from: path, at, subOffset: sub === undefined ? 0 : readNumber("Stream-Fork-Sub-Offset", sub, WHOLE) };
}

function readTtl(text: string): number {
  const seconds = readNumber("Stream-TTL", text, WHOLE);
  if (seconds <= TTL_SECONDS_MAX) return seconds;
  throw refusal(`Stream-TTL is ${seconds}; at most ${TTL_SECONDS_MAX} seconds are taken`);
}

/** RFC 3339, and what else Date reads: the protocol's clients send both. */
function readExpiry(text: string): { at: string; ms: number } {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return { at: text, ms };
  throw refusal(`Stream-Expires-At is ${show(text)}; send a time such as 2030-01-31T12:00:00Z`);
}

function readNumber(name: string, text: string, pattern: RegExp): number {
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refusal(`${name} is ${show(text)}; send a whole number from 0 to 2^53 - 1`);
}

/** The header's value; `invalid_argument` when it is too long to keep. */
function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(", ") : value;
  if (text !== undefined && text.length > HEADER_CHARS_MAX && name !== "stream-forked-from")
    throw refusal(`${name} has ${text.length} characters; at most ${HEADER_CHARS_MAX} are taken`);
  return text;
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function refusal(message: string): MillraceError {
  return new MillraceError("invalid_argument", message);
}
