import { encodeBatch, type Lane, type ObservationMeta, type VectorEncoding, vectorBytes } from "@millrace/protocol";

export type BatchOptions = {
  readonly firstSeq?: number;
  readonly lane?: Lane;
  readonly encoding?: VectorEncoding;
  readonly meta?: readonly (ObservationMeta | null)[] | string;
};

/** Vectors as one message. */
export function batchOf(vectors: readonly (readonly number[])[], options: BatchOptions = {}): Uint8Array {
  const { firstSeq = 1, lane = "normal", encoding = "f32", meta = "" } = options;
  const dims = vectors[0]?.length ?? 0;
  const size = vectorBytes(encoding, dims);
  const bytes = new Uint8Array(vectors.length * size);
  vectors.forEach((vector, at) => {
    if (encoding === "f32") new Float32Array(bytes.buffer, at * size, dims).set(vector);
    else if (encoding === "f16") new Float16Array(bytes.buffer, at * size, dims).set(vector);
    else {
      const scale = Math.max(...vector.map(Math.abs)) / 127 || 1;
      new Float32Array(bytes.buffer, at * size, 1)[0] = scale;
      new Int8Array(bytes.buffer, at * size + 4, dims).set(vector.map((value) => Math.round(value / scale)));
    }
  });
  const json = typeof meta === "string" ? meta : JSON.stringify(meta);
  const count = vectors.length;
  return encodeBatch({ firstSeq, count, lane, encoding, dims, vectors: bytes, meta: new TextEncoder().encode(json) });
}

/** A batch of texts without vectors. */
export function textsOf(texts: readonly string[], firstSeq = 1): Uint8Array {
  const meta = new TextEncoder().encode(JSON.stringify(texts.map((text) => ({ text }))));
  const shape = { count: texts.length, lane: "normal", encoding: "f32", dims: 0 } as const;
  return encodeBatch({ firstSeq, ...shape, vectors: new Uint8Array(), meta });
}

/** `count` vectors, the nth beginning with `from + n`. */
export function numbered(count: number, from = 1, dims = 4): number[][] {
  return Array.from({ length: count }, (_, at) => [from + at, ...Array.from({ length: dims - 1 }, () => 0.5)]);
}
