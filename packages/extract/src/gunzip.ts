/** Sources that are stored compressed, as Debian's documentation is. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { MillraceError } from "@millrace/core";

const inflate = promisify(gunzip);

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The decompressed bytes, worked out off the main thread. Throws `too_large` as soon as the output passes `bytesMax` (nothing
 * beyond it is ever held) and `unreadable_document` when the data is damaged.
 */
export async function gunzipBounded(source: string, bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  try {
    const plain = await inflate(bytes, { maxOutputLength: bytesMax });
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw new MillraceError(
        "too_large",
        `${source} decompresses to more than ${bytesMax} bytes, the limit; split it`,
        { cause: error },
      );
    }
    throw new MillraceError("unreadable_document", `${source} is a damaged gzip file; fetch or pack it again`, {
      cause: error,
    });
  }
}
