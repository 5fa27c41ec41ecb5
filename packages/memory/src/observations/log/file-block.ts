/** The first and the last block of a log file: what file it is. The last is written when the file is closed, and says where its index is. */
import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { BLOCK_BYTES, PLACE_BYTES } from "./limits.ts";

/** "MROL" */
const MAGIC = 0x4c_4f_52_4d;
const VERSION = 1;
const REPLACES_AT = 64;
const CRC_AT = BLOCK_BYTES - 4;

export type FileBlock = {
  /** Number of the file; never given twice. */
  readonly file: number;
  /** Place of its records in the order of the log: the numbers of the files in which they were first written. */
  readonly orderFirst: number;
  readonly orderLast: number;
  /** Drawn when the file is made; in the header of each of its records. */
  readonly salt: number;
  /** Files whose records it took over: they count as gone once it has its name. */
  readonly replaces: readonly number[];
  /** Offset of the index record; 0 in the first block. */
  readonly indexOffset: number;
  readonly indexBytes: number;
};

export function encodeFileBlock(block: FileBlock): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const words = [MAGIC, VERSION, block.file, block.orderFirst, block.orderLast, block.salt, block.replaces.length];
  for (const [at, word] of words.entries()) view.setUint32(at * 4, word, true);
  view.setUint32(28, block.indexOffset / PLACE_BYTES, true);
  view.setUint32(32, block.indexBytes, true);
  for (const [at, file] of block.replaces.entries()) view.setUint32(REPLACES_AT + at * 4, file, true);
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT)), true);
  return bytes;
}

/** The block, or undefined when the bytes are not one; `data_too_new` when it is whole and of a later version. */
export function decodeFileBlock(bytes: Uint8Array): FileBlock | undefined {
  if (bytes.byteLength !== BLOCK_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES);
  const word = (at: number): number => view.getUint32(at, true);
  if (word(0) !== MAGIC || word(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return undefined;
  if (word(4) > VERSION) {
    const told = `version ${word(4)} of the observation log; this version reads up to ${VERSION}`;
    throw new MillraceError("data_too_new", `file ${word(8)} is of ${told}: run the newer Millrace`);
  }
  return {
    file: word(8),
    orderFirst: word(12),
    orderLast: word(16),
    salt: word(20),
    replaces: Array.from({ length: word(24) }, (_, at) => word(REPLACES_AT + at * 4)),
    indexOffset: word(28) * PLACE_BYTES,
    indexBytes: word(32),
  };
}

const FILE_NAME = /^observations-(\d{10})\.log$/;

export function fileName(file: number): string {
  return `observations-${String(file).padStart(10, "0")}.log`;
}

/** The number in a log file's name; undefined for any other name. */
export function fileOfName(name: string): number | undefined {
  const match = FILE_NAME.exec(name);
  return match ? Number(match[1]) : undefined;
}
