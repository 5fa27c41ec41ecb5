/**
 * The 128 bytes before each record. A header says where it lies and carries the salt of its file, so that no bytes that a client
 * sends, and none left from another place, can pass for a record.
 */
import { crc32 } from "node:zlib";
import { LANES, type Lane, VECTOR_ENCODINGS, type VectorEncoding } from "@millrace/protocol";
import { PLACE_BYTES } from "./limits.ts";

export const RECORD_HEADER_BYTES = 128;
/** "MROR" */
const MAGIC = 0x52_4f_52_4d;

/** `marks` and `index` are the log's own: where sessions and row numbers stood in records that are gone; the index of a file. */
export const RECORD_KINDS = ["observations", "removals", "space-removed", "marks", "index"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export type RecordHeader = {
  readonly kind: RecordKind;
  readonly space: number;
  readonly firstRow: number;
  readonly count: number;
  readonly session: string;
  readonly firstSeq: number;
  readonly lane: Lane;
  readonly acceptedMs: number;
  readonly encoding: VectorEncoding;
  readonly dims: number;
  /** Vectors, or removed rows, or the columns of an index. */
  readonly bodyBytes: number;
  readonly metaBytes: number;
  readonly bodyCrc: number;
  readonly metaCrc: number;
};

/** Where a record is written: its file's salt, its offset, and the commit that it belongs to. All in bytes. */
export type RecordFrame = {
  readonly salt: number;
  readonly offset: number;
  readonly commitStart: number;
  readonly commitBytes: number;
  /** Records of the commit that follow this one. */
  readonly commitLeft: number;
};

export type FramedHeader = RecordHeader & RecordFrame;

/** What a kind without vectors has in their fields. */
export const NO_VECTORS = { session: "", firstSeq: 0, lane: "high", encoding: "f32", dims: 0, firstRow: 0 } as const;

/** `bytes` rounded up so that the next thing begins on a place. */
export function alignPlace(bytes: number): number {
  return Math.ceil(bytes / PLACE_BYTES) * PLACE_BYTES;
}

/** Bytes of a whole record: header, JSON, body, each up to a place. */
export function recordBytes(metaBytes: number, bodyBytes: number): number {
  return RECORD_HEADER_BYTES + alignPlace(metaBytes) + alignPlace(bodyBytes);
}

/** Offset of the body from the beginning of its record. */
export function bodyStart(metaBytes: number): number {
  return RECORD_HEADER_BYTES + alignPlace(metaBytes);
}

export function encodeHeader(header: FramedHeader, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, RECORD_HEADER_BYTES);
  into.fill(0, 0, RECORD_HEADER_BYTES);
  view.setUint32(0, MAGIC, true);
  view.setUint8(8, RECORD_KINDS.indexOf(header.kind));
  view.setUint8(9, VECTOR_ENCODINGS.indexOf(header.encoding));
  view.setUint8(10, LANES.indexOf(header.lane));
  view.setUint8(11, header.session.length);
  view.setUint32(12, header.dims, true);
  view.setUint32(16, header.space, true);
  view.setUint32(20, header.firstRow, true);
  view.setUint32(24, header.count, true);
  view.setUint32(28, header.bodyBytes, true);
  view.setUint32(32, header.metaBytes, true);
  view.setUint32(36, header.bodyCrc, true);
  view.setUint32(40, header.metaCrc, true);
  view.setUint32(44, header.offset / PLACE_BYTES, true);
  view.setUint32(48, header.commitStart / PLACE_BYTES, true);
  view.setUint32(52, header.commitBytes, true);
  view.setUint32(56, header.commitLeft, true);
  view.setUint32(60, header.salt, true);
  view.setFloat64(64, header.firstSeq, true);
  view.setFloat64(72, header.acceptedMs, true);
  for (let at = 0; at < header.session.length; at++) into[80 + at] = header.session.charCodeAt(at);
  view.setUint32(4, crc32(into.subarray(8, RECORD_HEADER_BYTES)), true);
}

/** The header at `offset` of the file with this salt (any, when undefined); undefined when the bytes are not one. */
export function decodeHeader(bytes: Uint8Array, offset: number, salt: number | undefined): FramedHeader | undefined {
  if (bytes.byteLength < RECORD_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(44, true) * PLACE_BYTES !== offset) return undefined;
  if (view.getUint32(4, true) !== crc32(bytes.subarray(8, RECORD_HEADER_BYTES))) return undefined;
  const kind = RECORD_KINDS[view.getUint8(8)];
  const encoding = VECTOR_ENCODINGS[view.getUint8(9)];
  const lane = LANES[view.getUint8(10)];
  const found = view.getUint32(60, true);
  if (!kind || !encoding || !lane || (salt !== undefined && found !== salt)) return undefined;
  return {
    kind,
    encoding,
    lane,
    session: String.fromCharCode(...bytes.subarray(80, 80 + Math.min(view.getUint8(11), 32))),
    dims: view.getUint32(12, true),
    space: view.getUint32(16, true),
    firstRow: view.getUint32(20, true),
    count: view.getUint32(24, true),
    bodyBytes: view.getUint32(28, true),
    metaBytes: view.getUint32(32, true),
    bodyCrc: view.getUint32(36, true),
    metaCrc: view.getUint32(40, true),
    offset,
    commitStart: view.getUint32(48, true) * PLACE_BYTES,
    commitBytes: view.getUint32(52, true),
    commitLeft: view.getUint32(56, true),
    salt: found,
    firstSeq: view.getFloat64(64, true),
    acceptedMs: view.getFloat64(72, true),
  };
}
