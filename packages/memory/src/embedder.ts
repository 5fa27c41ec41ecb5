import { type Clock, Histogram, MillraceError, systemClock } from "@millrace/core";
import { createProvider, type ProviderSpec } from "./embedding/create-provider.ts";
import { CACHE_BYTES_MAX, CACHE_ENTRIES_MAX, CACHE_ENTRY_BYTES } from "./embedding/limits.ts";
import type { EmbeddingKind, EmbeddingProvider } from "./embedding/provider.ts";
import { withCache } from "./embedding/with-cache.ts";
import { EMBED_BATCH_CHUNKS } from "./limits.ts";
import { WorkerClient } from "./worker-client.ts";
import { embedWorkerUrl } from "./worker-url.ts";

/** A provider as the engine uses it: computing ones in a thread of their own, remote ones on the main thread, which only waits. */
export class Embedder implements AsyncDisposable {
  readonly provider: string;
  readonly model: string;
  readonly dims: number;
  /** Microseconds per hand-over. */
  readonly micros = new Histogram();
  readonly #embed: EmbeddingProvider["embed"];
  readonly #dispose: () => Promise<void>;
  readonly #clock: Clock;
  #waiting = 0;

  private constructor(provider: EmbeddingProvider, dispose: () => Promise<void>, clock: Clock) {
    this.provider = provider.name;
    this.model = provider.model;
    this.dims = provider.dims;
    this.#embed = provider.embed.bind(provider);
    this.#dispose = dispose;
    this.#clock = clock;
  }

  static async open(spec: ProviderSpec, clock: Clock = systemClock): Promise<Embedder> {
    if (spec.provider === "openai" || spec.provider === "none") {
      const provider = await createProvider(spec);
      return new Embedder(remembering(provider), async () => provider[Symbol.asyncDispose]?.(), clock);
    }
    const worker = new WorkerClient(embedWorkerUrl, "embed", { spec });
    try {
      const about = await worker.call<{ name: string; model: string; dims: number }>("describe", null);
      const embed: EmbeddingProvider["embed"] = (texts, { kind }) => worker.call("embed", { texts, kind });
      return new Embedder(remembering({ ...about, embed }), () => worker[Symbol.asyncDispose](), clock);
    } catch (error) {
      await worker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Batches under way. */
  get depth(): number {
    return this.#waiting;
  }

  /** texts.length × dims unit vectors, in order. Hands over EMBED_BATCH_CHUNKS at a time, so that questions get their turn between. */
  async embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array> {
    const all = new Float32Array(texts.length * this.dims);
    for (let at = 0; at < texts.length; at += EMBED_BATCH_CHUNKS) {
      signal?.throwIfAborted();
      const batch = texts.slice(at, at + EMBED_BATCH_CHUNKS);
      const vectors = await this.#one(batch, kind, signal);
      if (vectors.length !== batch.length * this.dims) throw this.#mismatch(vectors.length / batch.length);
      all.set(vectors, at * this.dims);
    }
    return all;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose();
  }

  async #one(batch: readonly string[], kind: EmbeddingKind, signal: AbortSignal | undefined): Promise<Float32Array> {
    const startedMs = this.#clock.monotonic();
    this.#waiting++;
    try {
      return await this.#embed(batch, signal ? { kind, signal } : { kind });
    } finally {
      this.#waiting--;
      this.micros.record((this.#clock.monotonic() - startedMs) * 1000);
    }
  }

  #mismatch(actual: number): MillraceError {
    const message = `${this.provider}/${this.model} gave vectors of ${actual} numbers where its space holds ${this.dims}; use the model the space was made with`;
    return new MillraceError("dimension_mismatch", message);
  }
}

/**
 * With the last vectors kept by content, on this thread: a text that comes again costs neither a request nor the model. Not the static
 * one's: its thread makes a vector for 0.1 ms of its own time, a look-up takes 5 µs of this one for every text, most of which are new.
 */
function remembering(provider: EmbeddingProvider): EmbeddingProvider {
  if (provider.name === "static" || provider.name === "none") return provider;
  const entries = Math.floor(CACHE_BYTES_MAX / (provider.dims * 4 + CACHE_ENTRY_BYTES));
  return withCache(provider, { entriesMax: Math.min(CACHE_ENTRIES_MAX, entries) });
}
