/** The body of an answer, decompressed while it arrives and cut off at its limit. */
import type { Readable, Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { MillraceError } from "@millrace/core";

/** More codings than this on one answer are a trick. */
const CODINGS_MAX = 2;

export type BodyRule = { readonly url: string; readonly bytesMax: number; readonly encoding: string | undefined };

/** Throws `too_large` once the decompressed bytes pass `bytesMax`: nothing beyond is held. `unreadable_document` for a damaged coding. */
export async function readBody(body: Readable, rule: BodyRule): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const plain = decompress(body, rule);
  try {
    for await (const chunk of plain as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > rule.bytesMax) {
        throw new MillraceError(
          "too_large",
          `${rule.url} sends more than ${rule.bytesMax} bytes, the limit for its type`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      typeof error.code === "string" &&
      /^(Z_|ERR_.*(BROTLI|ZLIB|ZSTD))/.test(error.code)
    ) {
      throw new MillraceError("unreadable_document", `${rule.url} answered with a damaged ${rule.encoding} body`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    body.destroy();
    plain.destroy();
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function decompress(body: Readable, { url, encoding }: BodyRule): Readable {
  const codings = (encoding ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > CODINGS_MAX)
    throw new MillraceError(
      "unreadable_document",
      `${url} answered with ${codings.length} content codings; ${CODINGS_MAX} is the limit`,
    );
  return codings.reverse().reduce((stream: Readable, coding) => {
    const next = decoderOf(url, coding);
    stream.on("error", (error) => next.destroy(error));
    return stream.pipe(next);
  }, body);
}

function decoderOf(url: string, coding: string): Transform {
  // Servers cut gzip trailers off; browsers accept what came before, and so does this.
  const finishFlush = constants.Z_SYNC_FLUSH;
  if (coding === "gzip" || coding === "x-gzip") return createGunzip({ finishFlush });
  if (coding === "deflate") return createInflate({ finishFlush });
  if (coding === "br") return createBrotliDecompress();
  if (coding === "zstd") return createZstdDecompress();
  throw new MillraceError(
    "unreadable_document",
    `${url} answered with the content coding ${coding}; gzip, deflate, br and zstd are read`,
  );
}
