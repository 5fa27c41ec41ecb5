import { createHash } from "node:crypto";
import { checkInteger } from "@millrace/core";
import { CACHE_ENTRIES_MAX } from "./limits.ts";
import type { EmbeddingProvider } from "./provider.ts";

export type CachedProvider = EmbeddingProvider & {
  /** Since it was made: texts answered from the cache, texts handed on, and vectors held now. */
  readonly stats: () => { readonly hits: number; readonly misses: number; readonly entries: number };
};

/**
 * `provider` with the last `entriesMax` vectors kept, by the hash of kind and text. The same text twice in a call is handed on
 * once. A call that fails keeps nothing.
 */
export function withCache(
  provider: EmbeddingProvider,
  { entriesMax }: { readonly entriesMax: number },
): CachedProvider {
  checkInteger("entriesMax", entriesMax, { min: 1, max: CACHE_ENTRIES_MAX });
  // A Map iterates in order of insertion: the first key is the one unused for longest.
  const kept = new Map<string, Float32Array>();
  const { dims } = provider;
  let hits = 0;
  let misses = 0;

  return {
    name: provider.name,
    model: provider.model,
    dims,
    stats: () => ({ hits, misses, entries: kept.size }),
    async embed(texts, options) {
      const keys = texts.map((text) => createHash("sha256").update(`${options.kind}\n${text}`).digest("base64"));
      const found = new Map<string, Float32Array>();
      const wanted = new Map<string, string>();
      keys.forEach((key, at) => {
        const vector = kept.get(key);
        if (vector === undefined) wanted.set(key, texts[at] as string);
        else {
          kept.delete(key);
          kept.set(key, vector);
          found.set(key, vector);
        }
      });
      if (wanted.size > 0) {
        const vectors = await provider.embed([...wanted.values()], options);
        [...wanted.keys()].forEach((key, at) => {
          const vector = vectors.slice(at * dims, (at + 1) * dims);
          found.set(key, vector);
          kept.set(key, vector);
        });
        for (const key of kept.keys()) {
          if (kept.size <= entriesMax) break;
          kept.delete(key);
        }
      }
      misses += wanted.size;
      hits += texts.length - wanted.size;
      const all = new Float32Array(texts.length * dims);
      keys.forEach((key, at) => {
        all.set(found.get(key) as Float32Array, at * dims);
      });
      return all;
    },
    ...(provider[Symbol.asyncDispose] ? { [Symbol.asyncDispose]: async () => provider[Symbol.asyncDispose]?.() } : {}),
  };
}
