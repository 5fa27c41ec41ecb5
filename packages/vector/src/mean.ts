import { crc32 } from "node:zlib";
import { checkInteger, MillraceError } from "@millrace/core";
import { checkDims, checkVector, normOf } from "./metric.ts";

const VERSION = 1;
const KIND_MEAN = 0xff;
const HEADER_BYTES = 8;

/**
 * The vector that rows are coded against. Embeddings share a large common part (and often one dominant dimension), which would
 * eat most of the 8 bits; subtracting it changes no ranking because the difference is added back exactly (see quantise.ts).
 */
export type Mean = {
  /** Names the mean in every row coded against it: the CRC-32 of its numbers, 0 for the mean that is zero. */
  readonly id: number;
  readonly values: Float32Array;
  /** Vectors it was taken from; an index goes on learning while this is below 256. */
  readonly rows: number;
};

/** A mean from numbers, which are copied; `rows` says how many vectors they were taken from. A mean of zeros has id 0. */
export function createMean(values: Float32Array, rows: number): Mean {
  checkDims(values.length);
  checkInteger("rows", rows, { min: 0, max: 2 ** 32 - 1 });
  checkVector("mean", values, values.length);
  normOf("mean", values);
  const copy = Float32Array.from(values);
  if (copy.every((value) => value === 0)) return { id: 0, values: copy.fill(0), rows };
  return { id: crc32(bytesOf(copy)) || 1, values: copy, rows };
}

/**
 * The mean as bytes, to be kept beside the rows: version u8, 0xff u8, dims u16, rows u32, dims × f32, CRC-32 u32;
 * little-endian.
 */
export function encodeMean(mean: Mean): Uint8Array {
  const dims = mean.values.length;
  const bytes = new Uint8Array(HEADER_BYTES + dims * 4 + 4);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, KIND_MEAN);
  view.setUint16(2, dims, true);
  view.setUint32(4, mean.rows, true);
  bytes.set(bytesOf(mean.values), HEADER_BYTES);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** `storage_failed` when the bytes are torn or altered, `data_too_new` for a later version. */
export function decodeMean(bytes: Uint8Array): Mean {
  const view = checkedView("mean", bytes, HEADER_BYTES + 4);
  const dims = view.getUint16(2, true);
  if (view.getUint8(1) !== KIND_MEAN || bytes.length !== HEADER_BYTES + dims * 4 + 4) {
    throw new MillraceError("storage_failed", `${bytes.length} bytes are not a mean of ${dims} dimensions`, {
      retryable: false,
    });
  }
  const values = new Float32Array(dims);
  for (let at = 0; at < dims; at++) values[at] = view.getFloat32(HEADER_BYTES + at * 4, true);
  return createMean(values, view.getUint32(4, true));
}

/** The mean that is zero. */
export function zeroMean(dims: number): Mean {
  return createMean(new Float32Array(dims), 0);
}

/** A view of bytes whose last four are the CRC-32 of the rest and whose first is the version. */
export function checkedView(what: string, bytes: Uint8Array, bytesMin: number): DataView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < bytesMin || view.getUint32(bytes.length - 4, true) !== crc32(bytes.subarray(0, -4))) {
    const message = `a stored ${what} of ${bytes.length} bytes is torn or altered; embed its text again`;
    throw new MillraceError("storage_failed", message, { retryable: false });
  }
  if (view.getUint8(0) === VERSION) return view;
  throw new MillraceError(
    "data_too_new",
    `a stored ${what} has version ${view.getUint8(0)}, this program reads ${VERSION}`,
  );
}

/** Little-endian bytes of the numbers, on any machine. */
function bytesOf(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < values.length; at++) view.setFloat32(at * 4, values[at] ?? 0, true);
  return bytes;
}
