/** What the layers hold of one cached value. */

/** What a loader may tell about a value; kept with it and given back with it. */
export type EntryFacts = {
  /** HTTP status it came with. */
  readonly status?: number;
  /** Quality score of the extraction, 0–100. */
  readonly quality?: number;
  /** Validators for a conditional GET. */
  readonly etag?: string;
  readonly lastModified?: string;
};

export type EntryTimes = {
  /** Milliseconds since the epoch: last loaded or confirmed. */
  readonly storedAtMs: number;
  /** Served without a question until then, … */
  readonly freshUntilMs: number;
  /** … and at once, with a refresh in the background, until then. Later it only serves as `previous`. */
  readonly staleUntilMs: number;
};

export type CacheEntry<V> = EntryFacts &
  EntryTimes & {
    readonly value: V;
    /** Size of the encoded value, before compression. */
    readonly bytes: number;
    readonly tags: readonly string[];
  };

/** Which entries to remove. `url` and `prefix` are compared in their canonical spelling. */
export type PurgeSelector =
  | { readonly tag: string }
  | { readonly url: string }
  | { readonly prefix: string }
  | { readonly all: true };

/** The facts alone, those that are known. */
export function factsOf({ status, quality, etag, lastModified }: Undefinable<EntryFacts>): EntryFacts {
  return {
    ...(status === undefined ? {} : { status }),
    ...(quality === undefined ? {} : { quality }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
  };
}

type Undefinable<T> = { readonly [Name in keyof T]?: T[Name] | undefined };
