import { type VectorEncoding, vectorBytes } from "@millrace/protocol";

/** Reads encoded vectors as f32, into one array that the next call writes over; f32 is read where it lies. */
export class VectorDecoder {
  #scratch = new Float32Array(0);

  /** count × dims numbers. `bytes` begins at a multiple of 4 of its buffer. */
  decode(
    bytes: Uint8Array,
    { encoding, dims, count }: { encoding: VectorEncoding; dims: number; count: number },
  ): Float32Array {
    const { buffer, byteOffset } = bytes;
    if (encoding === "f32") return new Float32Array(buffer, byteOffset, count * dims);
    if (this.#scratch.length < count * dims) this.#scratch = new Float32Array(count * dims);
    const numbers = this.#scratch.subarray(0, count * dims);
    const stride = vectorBytes(encoding, dims);
    for (let row = 0; row < count; row++) {
      const at = byteOffset + row * stride;
      const target = numbers.subarray(row * dims, (row + 1) * dims);
      if (encoding === "f16") target.set(new Float16Array(buffer, at, dims));
      else scale(new Int8Array(buffer, at + 4, dims), new Float32Array(buffer, at, 1)[0] ?? 0, target);
    }
    return numbers;
  }
}

function scale(codes: Int8Array, by: number, target: Float32Array): void {
  for (let at = 0; at < codes.length; at++) target[at] = (codes[at] ?? 0) * by;
}
