import { MillraceError } from "@millrace/core";
import type { EmbeddingChoice, ProviderSettings, ProviderSpec } from "@millrace/memory";

/** How the engine makes embeddings, as given on the command line or by environment variables. */
export type ProviderOptions = {
  /** Default of new spaces; `static` when absent. */
  readonly provider?: ProviderSpec["provider"];
  readonly model?: string;
  /** Base address of an OpenAI-compatible service, for example http://127.0.0.1:11434/v1. */
  readonly url?: string;
  readonly apiKey?: string;
  /** Directory of local models of `transformers`. */
  readonly modelDirectory?: string;
};

/** Joins what a space pins (provider, model) with what the engine knows (address, key, directory). */
export function toProviderSettings(options: ProviderOptions): ProviderSettings {
  const provider = options.provider ?? "static";
  return {
    default: options.model === undefined || provider === "static" ? { provider } : { provider, model: options.model },
    resolve: (choice) => resolve(choice, options),
  };
}

function resolve({ provider, model }: EmbeddingChoice, options: ProviderOptions): ProviderSpec {
  const named = model ?? (options.provider === provider ? options.model : undefined);
  switch (provider) {
    case "static":
      return { provider };
    case "none":
      // What a space without a model pins in place of one is its dimensions.
      return { provider, dims: Number(model) };
    case "openai":
      if (!options.url || !named) throw missing("openai", "--embedding-url and --embedding-model");
      return {
        provider,
        url: options.url,
        model: named,
        ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
      };
    case "transformers":
      if (!options.modelDirectory) throw missing("transformers", "--embedding-model-directory");
      return { provider, modelDirectory: options.modelDirectory, ...(named === undefined ? {} : { model: named }) };
  }
}

function missing(provider: string, flags: string): MillraceError {
  return new MillraceError(
    "invalid_argument",
    `the embedding provider ${provider} needs ${flags}; start the engine with them`,
  );
}
