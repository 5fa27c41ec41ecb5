/**
 * What words say about the text they stand with: one weight a hash bucket, learned by logistic regression. Names (class, id, role,
 * tag …) speak for the text inside their element, a block's first words for the block and, in a heading, for what follows it.
 */

export type Lexicon = {
  /** Weights of name words, by `bucketOf`; a power of two long. */
  readonly names: Float32Array;
  /** Weights of words of text. */
  readonly text: Float32Array;
  /** Page types × buckets: weights of what a page says about itself, one row a type. */
  readonly page: readonly Float32Array[];
  /** Intercepts of `page`. */
  readonly pageBias: Float32Array;
};

export const NAME_BUCKETS = 1 << 14;
export const TEXT_BUCKETS = 1 << 15;
export const PAGE_BUCKETS = 1 << 14;

/** Buckets are a power of two. */
export function bucketOf(hash: number, buckets: number): number {
  return ((hash ^ (hash >>> 15)) >>> 0) & (buckets - 1);
}
