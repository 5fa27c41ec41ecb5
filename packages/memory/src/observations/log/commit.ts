/** One commit: records framed, one after the other, padded to a block. */
import { crc32 } from "node:zlib";
import { BLOCK_BYTES, PLACE_BYTES } from "./limits.ts";
import type { WritableLogFile } from "./log-disk.ts";
import type { LogRecord } from "./log-record.ts";
import {
  encodeHeader,
  type FramedHeader,
  NO_VECTORS,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  recordBytes,
} from "./record-header.ts";
import type { Staging } from "./staging.ts";

/** A record as it is written: what its header says, JSON, body. */
export type RecordParts = {
  readonly header: Omit<RecordHeader, "bodyBytes" | "metaBytes" | "bodyCrc" | "metaCrc">;
  readonly meta: Uint8Array;
  readonly body: Uint8Array;
};

export type CommitTarget = {
  readonly file: WritableLogFile;
  readonly salt: number;
  /** A multiple of a block. */
  readonly start: number;
};

const EMPTY = new Uint8Array(0);

export function toParts(record: LogRecord): RecordParts {
  if (record.kind === "observations") return { header: record, meta: record.meta, body: record.vectors };
  const { kind, space } = record;
  if (kind === "space-removed") {
    return { header: { ...NO_VECTORS, kind, space, count: 0, acceptedMs: 0 }, meta: EMPTY, body: EMPTY };
  }
  const { rows, acceptedMs } = record;
  const body = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  return { header: { ...NO_VECTORS, kind, space, count: rows.length, acceptedMs }, meta: EMPTY, body };
}

export function partsBytes({ meta, body }: RecordParts): number {
  return recordBytes(meta.byteLength, body.byteLength);
}

/** Bytes of a commit of so many bytes of records. */
export function commitBytes(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

const headerBytes = new Uint8Array(RECORD_HEADER_BYTES);

/** Writes records as one commit. Returns their headers as written; the commit is in the file, but not yet synced when the file is buffered. */
export function writeCommit(staging: Staging, target: CommitTarget, records: readonly RecordParts[]): FramedHeader[] {
  const { salt, start } = target;
  const length = commitBytes(records.reduce((sum, record) => sum + partsBytes(record), 0));
  staging.begin(target.file, start);
  let offset = start;
  const headers = records.map((record, at) => {
    const commitLeft = records.length - 1 - at;
    const header = framed(record, { salt, offset, commitStart: start, commitBytes: length, commitLeft });
    encodeHeader(header, headerBytes);
    staging.put(headerBytes);
    staging.put(record.meta);
    staging.pad(PLACE_BYTES);
    staging.put(record.body);
    staging.pad(PLACE_BYTES);
    offset += partsBytes(record);
    return header;
  });
  staging.end();
  return headers;
}

function framed(
  { header, meta, body }: RecordParts,
  frame: Pick<FramedHeader, "salt" | "offset" | "commitStart" | "commitBytes" | "commitLeft">,
): FramedHeader {
  const { kind, space, firstRow, count, session, firstSeq, lane, acceptedMs, encoding, dims } = header;
  return {
    kind,
    space,
    firstRow,
    count,
    session,
    firstSeq,
    lane,
    acceptedMs,
    encoding,
    dims,
    bodyBytes: body.byteLength,
    metaBytes: meta.byteLength,
    bodyCrc: crc32(body),
    metaCrc: crc32(meta),
    ...frame,
  };
}
