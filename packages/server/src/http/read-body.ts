import type { IncomingMessage } from "node:http";
import { MillraceError } from "@millrace/core";
import { JSON_BYTES_MAX, RECEIVING_BYTES_MAX } from "../limits.ts";

/** A body in memory. Its bytes count against RECEIVING_BYTES_MAX until it is disposed. */
export type Body = { readonly bytes: Uint8Array } & Disposable;

/** Bytes of bodies held now, over all requests of this process. */
let heldBytes = 0;

/**
 * The body, at most `bytesMax` long. `too_large` as soon as that is known, `overloaded` when too much is held at once. A length that was
 * declared is reserved before the first byte is read. Dispose it once its bytes are elsewhere.
 */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Body> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > bytesMax) throw tooLarge(declared, bytesMax);
  const held = new Reservation();
  try {
    held.growTo(declared);
    const bytes = declared > 0 ? await readDeclared(request, declared) : await readChunked(request, bytesMax, held);
    return { bytes, [Symbol.dispose]: () => held.release() };
  } catch (error) {
    held.release();
    if (error instanceof MillraceError) throw error;
    throw new MillraceError("cancelled", "the request ended before its body was complete", { cause: error });
  }
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  checkJsonType(request);
  using body = await readBody(request, JSON_BYTES_MAX);
  return parseJson(request, body.bytes);
}

/** `unsupported_type` unless the request says that its body is JSON, `invalid_argument` when it is not. */
export function parseJson(request: IncomingMessage, body: Uint8Array): unknown {
  checkJsonType(request);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw new MillraceError(
      "invalid_argument",
      `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checkJsonType(request: IncomingMessage): void {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json") return;
  throw new MillraceError(
    "unsupported_type",
    `the body is ${JSON.stringify(type ?? "of no type")}; send it as content-type: application/json`,
  );
}

/** Node ends the request at its declared length, so the parts never exceed it. Read in place: a body is in memory once. */
async function readDeclared(request: IncomingMessage, length: number): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for await (const part of partsOf(request)) at += part.copy(whole, at);
  return whole;
}

async function readChunked(request: IncomingMessage, bytesMax: number, held: Reservation): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of partsOf(request)) {
    bytes += part.length;
    if (bytes > bytesMax) throw tooLarge(bytes, bytesMax);
    // Twice: joining the parts holds them and the whole.
    held.growTo(2 * bytes);
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}

function partsOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

class Reservation {
  #bytes = 0;

  growTo(bytes: number): void {
    const more = bytes - this.#bytes;
    if (heldBytes + more > RECEIVING_BYTES_MAX) throw tooMany();
    heldBytes += more;
    this.#bytes = bytes;
  }

  release(): void {
    heldBytes -= this.#bytes;
    this.#bytes = 0;
  }
}

function tooLarge(bytes: number, bytesMax: number): MillraceError {
  return new MillraceError("too_large", `the body has ${bytes} bytes or more; at most ${bytesMax} are taken`);
}

function tooMany(): MillraceError {
  const message = `more than ${RECEIVING_BYTES_MAX} bytes are being received at once; send fewer files side by side`;
  return new MillraceError("overloaded", message, { retryAfterMs: 1_000 });
}
