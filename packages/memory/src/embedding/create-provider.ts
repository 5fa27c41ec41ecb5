import { MillraceError } from "@millrace/core";
import { createNoProvider } from "./no-provider.ts";
import { createOpenAiProvider, type OpenAiOptions } from "./openai-provider.ts";
import type { EmbeddingProvider } from "./provider.ts";
import { createStaticProvider, STATIC_MODEL } from "./static-provider.ts";
import { createTransformersProvider, type TransformersOptions } from "./transformers-provider.ts";

/** Which provider, and how it is reached. Plain data: it crosses into a worker thread. */
export type ProviderSpec =
  | { readonly provider: "static"; readonly model?: string | undefined }
  | ({ readonly provider: "openai" } & Omit<OpenAiOptions, "clock">)
  | ({ readonly provider: "transformers" } & TransformersOptions)
  /** No model: the space is given vectors. */
  | { readonly provider: "none"; readonly dims: number };

/** Opens a provider; rejects with `invalid_argument` for a spec that names none, else as the provider's own factory does. */
export async function createProvider(spec: ProviderSpec): Promise<EmbeddingProvider> {
  switch (spec.provider) {
    case "static":
      if (spec.model !== undefined && spec.model !== STATIC_MODEL)
        throw new MillraceError(
          "invalid_argument",
          `there is no static model ${spec.model}; this build has ${STATIC_MODEL}`,
        );
      return createStaticProvider();
    case "openai":
      return createOpenAiProvider(spec);
    case "transformers":
      return createTransformersProvider(spec);
    case "none":
      return createNoProvider(spec.dims);
    default:
      throw new MillraceError(
        "invalid_argument",
        `there is no embedding provider ${JSON.stringify((spec as { provider?: unknown }).provider)}; use static, openai, transformers or none`,
      );
  }
}
