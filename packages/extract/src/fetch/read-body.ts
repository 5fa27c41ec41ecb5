/** The body of an answer, decompressed while it arrives and cut off at its limits. */
import type { Duplex, Readable } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { CODINGS_MAX, DECOMPRESSION_RATIO_MAX, RATIO_FREE_BYTES, ZSTD_WINDOW_LOG_MAX } from "../limits.ts";
import { Inflate } from "./inflate.ts";

export type BodyRule = {
  readonly url: string;
  /** Most bytes, received and decompressed alike. */
  readonly bytesMax: number;
  /** The Content-Encoding header. */
  readonly encoding: string | undefined;
  /** The Content-Length header: what announces too much is not read at all. */
  readonly announced?: string | undefined;
  /** Give the first `bytesMax` bytes instead of refusing what is longer. */
  readonly isCut?: boolean;
};

/** The codings that are read, for the Accept-Encoding header. */
export const CODINGS = "gzip, deflate, br, zstd";

/**
 * Throws `too_large` once what was received or decompressed passes `bytesMax`, or grows more than `DECOMPRESSION_RATIO_MAX` fold: nothing
 * beyond is held, in any layer. `unreadable_document` for a damaged or unknown coding. An error of the connection is thrown as it is.
 */
export async function readBody(body: Readable, rule: BodyRule): Promise<Uint8Array> {
  const received = { bytes: 0, error: undefined as Error | undefined };
  body.on("error", (error) => {
    received.error = error;
  });
  let plain: Readable = body;
  try {
    if (Number(rule.announced) > rule.bytesMax && !rule.isCut) throw tooMany(rule);
    plain = decompress(body, rule, received);
    return await collect(plain, rule, received);
  } catch (error) {
    if (received.error) throw received.error;
    if (error instanceof MillraceError || plain === body) throw error;
    throw new MillraceError("unreadable_document", `${rule.url} answered with a damaged ${rule.encoding} body`, {
      cause: error,
    });
  } finally {
    body.destroy();
    plain.destroy();
  }
}

async function collect(plain: Readable, rule: BodyRule, received: { readonly bytes: number }): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of plain as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > rule.bytesMax && rule.isCut) {
      chunks.push(chunk.subarray(0, chunk.byteLength - (bytes - rule.bytesMax)));
      break;
    }
    if (bytes > rule.bytesMax) throw tooMany(rule);
    if (bytes > RATIO_FREE_BYTES && received.bytes > 0 && bytes > received.bytes * DECOMPRESSION_RATIO_MAX)
      throw tooDense(rule);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function decompress(body: Readable, rule: BodyRule, received: { bytes: number }): Readable {
  const codings = (rule.encoding ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length === 0) return body;
  if (codings.length > CODINGS_MAX)
    throw new MillraceError(
      "unreadable_document",
      `${rule.url} answered with ${codings.length} content codings; ${CODINGS_MAX} is the limit`,
    );
  const decoders = codings.reverse().map((coding) => decoderOf(rule.url, coding));
  body.on("data", (chunk: Uint8Array) => {
    received.bytes += chunk.byteLength;
    // A coding can hold any number of empty parts: what is received counts, too.
    if (received.bytes > rule.bytesMax) decoders[0]?.destroy(tooMany(rule));
  });
  return decoders.reduce((stream: Readable, next) => {
    stream.on("error", (error) => next.destroy(error));
    return stream.pipe(next);
  }, body);
}

function decoderOf(url: string, coding: string): Duplex {
  // Servers cut gzip trailers off; browsers accept what came before, and so does this.
  if (coding === "gzip" || coding === "x-gzip") return createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  if (coding === "deflate") return new Inflate();
  if (coding === "br") return createBrotliDecompress();
  if (coding === "zstd")
    return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  throw new MillraceError(
    "unreadable_document",
    `${url} answered with the content coding ${coding}; ${CODINGS} are read`,
  );
}

function tooMany({ url, bytesMax }: BodyRule): MillraceError {
  return new MillraceError("too_large", `${url} sends more than ${bytesMax} bytes, the limit for its type`);
}

function tooDense({ url, encoding }: BodyRule): MillraceError {
  return new MillraceError(
    "too_large",
    `${url} sends a ${encoding} body that grows more than ${DECOMPRESSION_RATIO_MAX} fold, the limit`,
  );
}
