/** f32 vectors as they are written for the wire, into memory that is used again. */
import { unreachable } from "@millrace/core";
import { type VectorEncoding, vectorBytes } from "@millrace/protocol";

/** Greatest number of a byte. */
const BYTE_MAX = 127;

export class VectorEncoder {
  /** Where vectors are to be written before `encode`: batch × dims. */
  readonly floats: Float32Array;
  readonly #encoding: VectorEncoding;
  readonly #dims: number;
  readonly #bytes: Uint8Array;

  constructor(encoding: VectorEncoding, dims: number, batch: number) {
    this.#encoding = encoding;
    this.#dims = dims;
    this.floats = new Float32Array(batch * dims);
    this.#bytes = encoding === "f32" ? asBytes(this.floats) : new Uint8Array(batch * vectorBytes(encoding, dims));
  }

  /** The first `count` vectors of `floats`; a view, good until the next call. */
  encode(count: number): Uint8Array {
    const bytes = vectorBytes(this.#encoding, this.#dims);
    for (let at = 0; at < count; at++) this.#encodeOne(at, at * bytes);
    return this.#bytes.subarray(0, count * bytes);
  }

  #encodeOne(at: number, offset: number): void {
    const vector = this.floats.subarray(at * this.#dims, (at + 1) * this.#dims);
    switch (this.#encoding) {
      case "f32":
        return;
      case "f16":
        new Float16Array(this.#bytes.buffer, offset, this.#dims).set(vector);
        return;
      case "i8":
        encodeBytes(vector, this.#bytes, offset);
        return;
      default:
        unreachable(this.#encoding);
    }
  }
}

function encodeBytes(vector: Float32Array, bytes: Uint8Array, offset: number): void {
  let greatest = 0;
  for (let at = 0; at < vector.length; at++) greatest = Math.max(greatest, Math.abs(vector[at] ?? 0));
  const scale = greatest / BYTE_MAX || 1;
  new DataView(bytes.buffer).setFloat32(offset, scale, true);
  const whole = new Int8Array(bytes.buffer, offset + 4, vector.length);
  for (let at = 0; at < vector.length; at++) whole[at] = Math.round((vector[at] ?? 0) / scale);
}

function asBytes(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}
