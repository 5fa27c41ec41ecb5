/** Values as bytes on disk: structured clone, compressed where it pays. */
import { promisify } from "node:util";
import { deserialize, serialize } from "node:v8";
import { zstdCompress, zstdDecompress, zstdDecompressSync } from "node:zlib";
import { MillraceError } from "@millrace/core";

/** Turns values into bytes and back; `decode` throws on bytes that it did not make. */
export type Codec<V> = { encode(value: V): Uint8Array; decode(bytes: Uint8Array): V };

/** Whatever structured clone carries: plain objects, arrays, strings, numbers, typed arrays, Map, Set, Date. */
export function structuredCodec<V>(): Codec<V> {
  return { encode: (value) => serialize(value), decode: (bytes) => deserialize(bytes) as V };
}

export type PackedValue = {
  readonly data: Uint8Array;
  readonly isPacked: boolean;
  /** Bytes before compression. */
  readonly rawBytes: number;
};

/** Below this the frame and the call cost more than they save. */
const PACK_BYTES_MIN = 512;
/** A value that shrinks by less is kept as it is: reading it then costs no time. */
const PACK_RATIO_MAX = 0.9;
/** Larger values are unpacked on zlib's threads: 1 MB takes about 1 ms here (measured). */
const UNPACK_SYNC_BYTES_MAX = 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Compresses on zlib's threads. */
export async function packValue(raw: Uint8Array): Promise<PackedValue> {
  const packed = raw.length < PACK_BYTES_MIN ? raw : await compress(raw);
  const isPacked = packed.length < raw.length * PACK_RATIO_MAX;
  const data = isPacked ? packed : raw;
  return { data, isPacked, rawBytes: raw.length };
}

/** The bytes given to packValue; throws `storage_failed` or zlib's error when they are not. */
export async function unpackValue({ data, isPacked, rawBytes }: PackedValue): Promise<Uint8Array> {
  if (!isPacked) return data;
  const limit = { maxOutputLength: Math.max(1, rawBytes) };
  const raw = rawBytes > UNPACK_SYNC_BYTES_MAX ? await decompress(data, limit) : zstdDecompressSync(data, limit);
  if (raw.length === rawBytes) return raw;
  throw new MillraceError(
    "storage_failed",
    `a cached value has ${raw.length} bytes instead of ${rawBytes}; it is loaded again`,
  );
}
