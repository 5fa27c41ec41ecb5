/** Observations as they cross the wire and lie in the log: one binary batch, vectors as they are in memory, the rest as JSON. */
import { MillraceError } from "@millrace/core";

/** How urgent an observation is: under load `low` waits and is refused first. */
export type Lane = "high" | "normal" | "low";
export const LANES = ["high", "normal", "low"] as const satisfies readonly Lane[];

/** How a vector's numbers are written: float32, float16, or int8 after a float32 by which they are multiplied. */
export type VectorEncoding = "f32" | "f16" | "i8";
export const VECTOR_ENCODINGS = ["f32", "f16", "i8"] as const satisfies readonly VectorEncoding[];

/** What an observation says beside its vector; every part may be left out. */
export type ObservationMeta = {
  /** 1 to 128 characters, not beginning with `~`; the same id again replaces the observation. Default: the engine's, `~` and a number. */
  readonly id?: string;
  /** What was observed, in words; found by full text. At most 100,000 characters. */
  readonly text?: string;
  /** Short labels, at most 300 characters each, that a filter can name. */
  readonly what?: string;
  readonly where?: string;
  readonly who?: string;
  readonly why?: string;
  /** When it happened, milliseconds since 1970; default: when it was accepted. */
  readonly whenMs?: number;
  /** How sure it is, 0 to 1; default 1. */
  readonly confidence?: number;
  /** How much it matters, 0 to 1; default 0.5. */
  readonly importance?: number;
  /** It is gone so long after it was accepted. */
  readonly ttlMs?: number;
  /** Ids of observations it is associated with, at most 32. */
  readonly links?: readonly string[];
  /** Any JSON object; its own strings, numbers and booleans can be filtered by. */
  readonly payload?: Readonly<Record<string, unknown>>;
};

/** Observations of one session and lane, in order. */
export type ObservationBatch = {
  /** Number of the first in its session, from 1; the others follow. 0: without a session. */
  readonly firstSeq: number;
  readonly count: number;
  readonly lane: Lane;
  readonly encoding: VectorEncoding;
  readonly dims: number;
  /** count × vectorBytes(encoding, dims), little-endian. */
  readonly vectors: Uint8Array;
  /** UTF-8 JSON: an array of `count` objects or nulls; empty when none has anything to say. */
  readonly meta: Uint8Array;
};

/** "MOB1" */
const MAGIC = 0x31_42_4f_4d;
/** The vectors begin here, so that they lie aligned wherever the batch does. */
export const BATCH_HEADER_BYTES = 64;

/** Bytes of one vector. */
export function vectorBytes(encoding: VectorEncoding, dims: number): number {
  if (encoding === "f32") return dims * 4;
  if (encoding === "f16") return Math.ceil(dims / 2) * 4;
  return 4 + Math.ceil(dims / 4) * 4;
}

/** The batch as one message: a header of 64 bytes, the vectors, the JSON. */
export function encodeBatch(batch: ObservationBatch): Uint8Array {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + batch.vectors.byteLength + batch.meta.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, VECTOR_ENCODINGS.indexOf(batch.encoding));
  view.setUint8(5, LANES.indexOf(batch.lane));
  view.setUint32(8, batch.count, true);
  view.setUint32(12, batch.dims, true);
  view.setFloat64(16, batch.firstSeq, true);
  view.setUint32(24, batch.meta.byteLength, true);
  bytes.set(batch.vectors, BATCH_HEADER_BYTES);
  bytes.set(batch.meta, BATCH_HEADER_BYTES + batch.vectors.byteLength);
  return bytes;
}

/** The batch that a message holds, as views of it. `invalid_argument` when the bytes are not one; what they say is not checked. */
export function decodeBatch(bytes: Uint8Array): ObservationBatch {
  if (bytes.byteLength < BATCH_HEADER_BYTES) throw malformed(`${bytes.byteLength} bytes are fewer than a header has`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw malformed("it does not begin with MOB1");
  const encoding = VECTOR_ENCODINGS[view.getUint8(4)];
  if (!encoding) throw malformed(`encoding ${view.getUint8(4)} is unknown; known are 0 f32, 1 f16, 2 i8`);
  const lane = LANES[view.getUint8(5)];
  if (!lane) throw malformed(`lane ${view.getUint8(5)} is unknown; known are 0 high, 1 normal, 2 low`);
  const count = view.getUint32(8, true);
  const dims = view.getUint32(12, true);
  const firstSeq = view.getFloat64(16, true);
  const metaBytes = view.getUint32(24, true);
  const vectorsEnd = BATCH_HEADER_BYTES + count * vectorBytes(encoding, dims);
  if (vectorsEnd + metaBytes !== bytes.byteLength) {
    const told = `${count} vectors of ${dims} dimensions as ${encoding} and ${metaBytes} bytes of JSON`;
    throw malformed(`it says ${told}, ${vectorsEnd + metaBytes} bytes in all, and has ${bytes.byteLength}`);
  }
  const vectors = bytes.subarray(BATCH_HEADER_BYTES, vectorsEnd);
  return { firstSeq, count, lane, encoding, dims, vectors, meta: bytes.subarray(vectorsEnd) };
}

function malformed(why: string): MillraceError {
  return new MillraceError("invalid_argument", `the message is not a batch of observations: ${why}`);
}
