import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { checkedView, type Mean, zeroMean } from "./mean.ts";
import { checkMetric, checkVector, METRICS, type Metric } from "./metric.ts";
import { quantiseRow } from "./quantise.ts";

const VERSION = 1;
const HEADER_BYTES = 16;

/** A row in the form that is kept: reloading it costs a copy and a checksum, no arithmetic. */
export type EncodedRow = {
  readonly metric: Metric;
  /** Id of the mean the codes are relative to. */
  readonly meanId: number;
  readonly scale: number;
  readonly bias: number;
  /** One signed byte a dimension. */
  readonly codes: Int8Array;
};

export type EncodeVectorOptions = {
  readonly metric: Metric;
  /** The mean to code against: the index's current one, for the precision of the index. Default: none. */
  readonly mean?: Mean;
};

/** Quantises a vector outside an index (on an embedding thread, say) into the bytes `FlatIndex.addEncoded` takes. O(dims). */
export function encodeVector(vector: Float32Array, options: EncodeVectorOptions): Uint8Array {
  checkVector("vector", vector, vector.length);
  const metric = checkMetric(options.metric);
  const mean = meanFor(vector, options.mean ?? zeroMean(vector.length));
  checkVector("vector", vector, mean.values.length);
  const codes = new Int8Array(vector.length);
  const { scale, bias } = quantiseRow(metric, vector, mean, codes);
  return encodeRow({ metric, meanId: mean.id, scale, bias, codes });
}

/**
 * Little-endian: version u8, metric u8 (0 cosine, 1 dot, 2 l2), dims u16, meanId u32, scale f32, bias f32, dims × code i8,
 * CRC-32 u32 of all before it. 20 + dims bytes.
 */
export function encodeRow(row: EncodedRow): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + row.codes.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, METRICS.indexOf(row.metric));
  view.setUint16(2, row.codes.length, true);
  view.setUint32(4, row.meanId, true);
  view.setFloat32(8, row.scale, true);
  view.setFloat32(12, row.bias, true);
  bytes.set(new Uint8Array(row.codes.buffer, row.codes.byteOffset, row.codes.length), HEADER_BYTES);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** `storage_failed` when the bytes are torn or altered, `data_too_new` for a later version. The codes are a view, not a copy. */
export function decodeRow(bytes: Uint8Array): EncodedRow {
  const view = checkedView("vector", bytes, HEADER_BYTES + 4);
  const dims = view.getUint16(2, true);
  const metric = METRICS[view.getUint8(1)];
  const scale = view.getFloat32(8, true);
  const bias = view.getFloat32(12, true);
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, bytes.length - HEADER_BYTES - 4);
  if (!metric || codes.length !== dims || !Number.isFinite(scale) || !Number.isFinite(bias) || codes.includes(-128)) {
    const message = `${bytes.length} bytes are not a stored vector of ${dims} dimensions; embed its text again`;
    throw new MillraceError("storage_failed", message, { retryable: false });
  }
  return { metric, meanId: view.getUint32(4, true), scale, bias, codes };
}

/** A zero vector is coded without a mean, so that its score is exact. */
export function meanFor(vector: Float32Array, mean: Mean): Mean {
  if (mean.id === 0 || vector.some((value) => value !== 0)) return mean;
  return zeroMean(vector.length);
}
