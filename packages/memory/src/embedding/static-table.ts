/**
 * The word table of the static model: for each word a vector of signed bytes and a scale. The file is little-endian:
 *
 *     0   4  magic "MRST"
 *     4   2  version, 1
 *     6   2  dims
 *     8   4  rows
 *     12  4  bytes of the word list
 *     16  32 SHA-256 of everything after the header
 *     48  16 zero
 *     64  4 × rows     f32 scale of each row
 *     …   dims × rows  i8 codes, row after row
 *     …   the words, UTF-8, joined by line feeds, in row order
 *
 * A word's vector is its codes times its scale. Its length is the word's weight in a mean.
 */
import { createHash } from "node:crypto";
import { MillraceError } from "@millrace/core";
import { TABLE_DIMS_MAX, TABLE_ROWS_MAX } from "./limits.ts";

export type StaticTable = {
  readonly dims: number;
  readonly rows: number;
  readonly scales: Float32Array;
  readonly codes: Int8Array;
  readonly words: readonly string[];
};

const MAGIC = "MRST";
const VERSION = 1;
const HEADER_BYTES = 64;

/** The file of a table. */
export function writeStaticTable({ dims, rows, scales, codes, words }: StaticTable): Uint8Array {
  const list = Buffer.from(words.join("\n"), "utf8");
  const bytes = Buffer.alloc(HEADER_BYTES + rows * 4 + rows * dims + list.length);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt16LE(VERSION, 4);
  bytes.writeUInt16LE(dims, 6);
  bytes.writeUInt32LE(rows, 8);
  bytes.writeUInt32LE(list.length, 12);
  for (let row = 0; row < rows; row++) bytes.writeFloatLE(scales[row] as number, HEADER_BYTES + row * 4);
  bytes.set(new Uint8Array(codes.buffer, codes.byteOffset, rows * dims), HEADER_BYTES + rows * 4);
  bytes.set(list, HEADER_BYTES + rows * 4 + rows * dims);
  createHash("sha256").update(bytes.subarray(HEADER_BYTES)).digest().copy(bytes, 16);
  return bytes;
}

/** Reads a table; throws `data_too_new` for a later version and `unreadable_document` for a file that is not a whole table. */
export function readStaticTable(bytes: Uint8Array, name: string): StaticTable {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < HEADER_BYTES || file.toString("latin1", 0, 4) !== MAGIC) throw broken(name, "has no table header");
  const version = file.readUInt16LE(4);
  if (version > VERSION)
    throw new MillraceError(
      "data_too_new",
      `${name} has table version ${version}; this build reads up to ${VERSION}; use a newer Millrace`,
    );
  const [dims, rows, listBytes] = [file.readUInt16LE(6), file.readUInt32LE(8), file.readUInt32LE(12)];
  if (dims < 1 || dims > TABLE_DIMS_MAX || rows < 1 || rows > TABLE_ROWS_MAX)
    throw broken(name, `claims ${rows} rows of ${dims} dims`);
  const codesAt = HEADER_BYTES + rows * 4;
  const listAt = codesAt + rows * dims;
  if (file.length !== listAt + listBytes) throw broken(name, `has ${file.length} bytes, not ${listAt + listBytes}`);
  const hash = createHash("sha256").update(file.subarray(HEADER_BYTES)).digest();
  if (!hash.equals(file.subarray(16, 48))) throw broken(name, "fails its checksum");
  const words = file.toString("utf8", listAt).split("\n");
  if (words.length !== rows) throw broken(name, `lists ${words.length} words for ${rows} rows`);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) scales[row] = file.readFloatLE(HEADER_BYTES + row * 4);
  return {
    dims,
    rows,
    scales,
    codes: Int8Array.from(new Int8Array(file.buffer, file.byteOffset + codesAt, rows * dims)),
    words,
  };
}

function broken(name: string, fault: string): MillraceError {
  return new MillraceError("unreadable_document", `${name} ${fault}; install the package again`);
}
