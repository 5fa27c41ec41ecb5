/** What the observation log holds, and where. */
import { checkInteger, checkText, MillraceError, unreachable } from "@millrace/core";
import { LANES, type Lane, VECTOR_ENCODINGS, type VectorEncoding, vectorBytes } from "@millrace/protocol";
import { APPEND_RECORDS_MAX, RECORD_BYTES_MAX, RECORD_ROWS_MAX } from "./limits.ts";

/** Observations of one space with consecutive row numbers. */
export type ObservationsRecord = {
  readonly kind: "observations";
  /** Number of the space, 32 bits. */
  readonly space: number;
  /** Row number of the first; the others follow. Rows of a space are never numbered twice. */
  readonly firstRow: number;
  readonly count: number;
  /** At most 32 printable ASCII characters; empty without a session. */
  readonly session: string;
  /** Number of the first in its session, from 1; 0 without a session. */
  readonly firstSeq: number;
  readonly lane: Lane;
  /** Milliseconds since 1970. */
  readonly acceptedMs: number;
  readonly encoding: VectorEncoding;
  readonly dims: number;
  /** count × vectorBytes(encoding, dims). */
  readonly vectors: Uint8Array;
  /** UTF-8 JSON, an array of `count`; may be empty. The log does not look inside. */
  readonly meta: Uint8Array;
};

/** Rows of one space that were removed or replaced. */
export type RemovalsRecord = {
  readonly kind: "removals";
  readonly space: number;
  readonly rows: Uint32Array;
  readonly acceptedMs: number;
};

/** Everything before it of this space is gone. */
export type SpaceRemovedRecord = { readonly kind: "space-removed"; readonly space: number };

export type LogRecord = ObservationsRecord | RemovalsRecord | SpaceRemovedRecord;

/** Where a record lies. `offset` and `bytes` are those of the whole record in its file. */
export type RecordPosition = {
  readonly space: number;
  /** 0 for removals and removed spaces. */
  readonly firstRow: number;
  readonly count: number;
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
  readonly metaBytes: number;
};

const UINT32_MAX = 0xffff_ffff;
const SPACE = { min: 0, max: UINT32_MAX };
const ROWS = { min: 1, max: RECORD_ROWS_MAX };
const DIMS = { min: 1, max: 4_096 };
const NUMBER = { min: 0, max: Number.MAX_SAFE_INTEGER };
const SESSION = { pattern: /^[\x20-\x7e]{0,32}$/, rule: "it must have at most 32 printable ASCII characters" };

/** Throws `invalid_argument` or `too_large`, naming value and limit, when the log could not give the records back as they are. */
export function checkRecords(records: readonly LogRecord[]): void {
  checkInteger("records.length", records.length, { min: 1, max: APPEND_RECORDS_MAX });
  for (const record of records) {
    checkInteger("record.space", record.space, SPACE);
    if (record.kind === "observations") checkObservations(record);
    else if (record.kind === "removals") checkRemovals(record);
    else if (record.kind !== "space-removed") unreachable(record);
  }
}

function checkObservations(record: ObservationsRecord): void {
  checkInteger("record.count", record.count, ROWS);
  checkInteger("record.firstRow", record.firstRow, { min: 0, max: UINT32_MAX - record.count + 1 });
  checkText("record.session", record.session, SESSION);
  checkInteger("record.firstSeq", record.firstSeq, NUMBER);
  checkInteger("record.acceptedMs", record.acceptedMs, NUMBER);
  checkInteger("record.dims", record.dims, DIMS);
  if (!LANES.includes(record.lane)) throw unknown("record.lane", record.lane, LANES);
  if (!VECTOR_ENCODINGS.includes(record.encoding)) throw unknown("record.encoding", record.encoding, VECTOR_ENCODINGS);
  const expected = record.count * vectorBytes(record.encoding, record.dims);
  const { byteLength } = record.vectors;
  if (byteLength !== expected) {
    const told = `${record.count} vectors of ${record.dims} dimensions as ${record.encoding} have ${expected}`;
    throw new MillraceError("invalid_argument", `record.vectors has ${byteLength} bytes; ${told}`);
  }
  const bytes = byteLength + record.meta.byteLength;
  if (bytes <= RECORD_BYTES_MAX) return;
  const limit = `at most ${RECORD_BYTES_MAX} fit in one record; split it by rows`;
  throw new MillraceError("too_large", `vectors and meta have ${bytes} bytes; ${limit}`);
}

function checkRemovals(record: RemovalsRecord): void {
  checkInteger("record.rows.length", record.rows.length, ROWS);
  checkInteger("record.acceptedMs", record.acceptedMs, NUMBER);
}

function unknown(name: string, value: unknown, known: readonly string[]): MillraceError {
  return new MillraceError("invalid_argument", `${name} is ${JSON.stringify(value)}; known are ${known.join(", ")}`);
}
