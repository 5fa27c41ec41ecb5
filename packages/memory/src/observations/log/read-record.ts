/** Reads records of one file back, whole and checked, or not at all. */
import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import type { ReadableLogFile } from "./log-disk.ts";
import type { LogRecord } from "./log-record.ts";
import { bodyStart, decodeHeader, type FramedHeader, RECORD_HEADER_BYTES, recordBytes } from "./record-header.ts";

/** Where a record is in its file. */
export type RecordPlace = { readonly file: number; readonly offset: number; readonly bytes: number };

export type StoredRecord = { readonly header: FramedHeader; readonly meta: Uint8Array; readonly body: Uint8Array };

type OpenFile = { readonly handle: ReadableLogFile; readonly salt: number | undefined };

/** The record at a place. Throws `storage_failed`, naming file and offset, unless it is there and as it was written. */
export function readStored({ handle, salt }: OpenFile, place: RecordPlace): StoredRecord {
  const bytes = new Uint8Array(place.bytes);
  const length = handle.read(bytes, place.offset);
  const header = decodeHeader(bytes.subarray(0, length), place.offset, salt);
  if (!header || length !== recordBytes(header.metaBytes, header.bodyBytes)) throw damaged(place);
  const start = bodyStart(header.metaBytes);
  const meta = bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + header.metaBytes);
  const body = bytes.subarray(start, start + header.bodyBytes);
  if (crc32(meta) !== header.metaCrc || crc32(body) !== header.bodyCrc) throw damaged(place);
  return { header, meta, body };
}

/** Only the JSON of a record, by one read; errors as of `readStored`. */
export function readStoredMeta(
  { handle, salt }: OpenFile,
  place: RecordPlace & { readonly metaBytes: number },
): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + place.metaBytes);
  const length = handle.read(bytes, place.offset);
  const header = decodeHeader(bytes, place.offset, salt);
  const meta = bytes.subarray(RECORD_HEADER_BYTES);
  if (length !== bytes.byteLength || header?.metaBytes !== place.metaBytes) throw damaged(place);
  if (crc32(meta) !== header.metaCrc) throw damaged(place);
  return meta;
}

/** The record as it was appended; undefined for one of the log's own. Vectors and JSON are views of what was read. */
export function toLogRecord({ header, meta, body }: StoredRecord): LogRecord | undefined {
  const { kind, space, firstRow, count, session, firstSeq, lane, acceptedMs, encoding, dims } = header;
  if (kind === "space-removed") return { kind, space };
  if (kind === "removals") return { kind, space, acceptedMs, rows: rowsOf(body) };
  if (kind !== "observations") return undefined;
  return { kind, space, firstRow, count, session, firstSeq, lane, acceptedMs, encoding, dims, vectors: body, meta };
}

/** Rows of a record of removals. */
export function rowsOf(body: Uint8Array): Uint32Array {
  return new Uint32Array(body.slice().buffer);
}

function damaged({ file, offset }: RecordPlace): MillraceError {
  const message = `the record at ${offset} of file ${file} of the observation log is damaged; verify the log and restore the file`;
  return new MillraceError("storage_failed", message, { retryable: false });
}
