import { MillraceError } from "@millrace/core";

/**
 * Scales each of the `count` vectors of `dims` in `vectors` to unit length, in place. Throws `provider_failed` for one that
 * holds something else than finite numbers or has no length: a model that answers so would poison the index.
 */
export function toUnitVectors(
  vectors: Float32Array,
  { dims, model }: { readonly dims: number; readonly model: string },
): Float32Array {
  for (let start = 0; start < vectors.length; start += dims) {
    let square = 0;
    for (let dim = 0; dim < dims; dim++) square += (vectors[start + dim] as number) ** 2;
    if (!Number.isFinite(square) || square === 0)
      throw new MillraceError(
        "provider_failed",
        `${model} answered text ${start / dims} with a vector that ${square === 0 ? "is all zero" : "is not of finite numbers"}; check the model`,
        { retryable: false },
      );
    const scale = 1 / Math.sqrt(square);
    for (let dim = 0; dim < dims; dim++) vectors[start + dim] = (vectors[start + dim] as number) * scale;
  }
  return vectors;
}
