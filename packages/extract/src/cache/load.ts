/** What callers give a cache and get from it. */
import type { EntryFacts } from "./entry.ts";

/** What a loader gives: a value, or that `previous` is still right (a 304), which renews its time. */
export type Loaded<V> = LoadedValue<V> | NotModified;

export type LoadedValue<V> = EntryFacts & {
  /** Shared by all who ask for it: neither change it nor transfer its buffers. */
  readonly value: V;
  /** Instead of the cache's own. */
  readonly ttlMs?: number | undefined;
  readonly staleMs?: number | undefined;
  /** Names to purge it by, beside those of the call; at most 16 together, 200 characters each. */
  readonly tags?: readonly string[] | undefined;
  /** false: give it to those who wait and keep nothing. */
  readonly keep?: boolean | undefined;
};

export type NotModified = {
  readonly notModified: true;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly ttlMs?: number | undefined;
  readonly staleMs?: number | undefined;
};

/** What was kept before, too old or not wanted now; its validators allow a conditional GET. */
export type Previous<V> = EntryFacts & { readonly value: V; readonly storedAtMs: number };

/** Must listen to `signal`: it aborts when nobody waits any more. */
export type Load<V> = (signal: AbortSignal, previous?: Previous<V>) => Promise<Loaded<V>>;

/**
 * `use`: what is kept, else load. `refresh`: load and keep. `only`: what is kept, else `not_found`; loads nothing.
 * `none`: load, and neither look nor keep.
 */
export const CACHE_MODES = ["use", "refresh", "only", "none"] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export type CacheGetOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Default `use`. */
  readonly mode?: CacheMode | undefined;
  /** Kept values and failures older than this are not good enough; default any age that their time to live allows. */
  readonly maxAgeMs?: number | undefined;
  /** Names to purge the loaded value by. */
  readonly tags?: readonly string[] | undefined;
};

export type CacheNote = {
  /** Whether it was kept; false for those who waited for a load, be it another caller's. */
  readonly hit: boolean;
  readonly layer: "memory" | "disk" | "none";
  /** Since it was loaded or last confirmed. */
  readonly ageMs: number;
  /** Past its time to live; a refresh is under way or due. */
  readonly isStale: boolean;
};

export type CachedValue<V> = EntryFacts & { readonly value: V; readonly cache: CacheNote };
