/** What turns text into vectors. */

/** A passage is stored and found; a query finds. Some models tell them apart. */
export type EmbeddingKind = "passage" | "query";

export type EmbedOptions = { readonly kind: EmbeddingKind; readonly signal?: AbortSignal };

export interface EmbeddingProvider extends Partial<AsyncDisposable> {
  /** The kind of provider: `static`, `openai`, `transformers`. */
  readonly name: string;
  readonly model: string;
  readonly dims: number;
  /**
   * One unit vector a text, in order, as one array of texts.length × dims. Throws `invalid_argument` for too many or too long
   * texts, `provider_failed` or `dimension_mismatch` for a model that fails or answers with something else.
   */
  embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array>;
}
