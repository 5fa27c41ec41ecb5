/** The page cache: memory over disk, one load a key, stale values served while they are refreshed. */
import { checkInteger, MillraceError } from "@millrace/core";
import { CACHE_CLOCK_SKEW_MS } from "../limits.ts";
import { splitKey } from "./cache-key.ts";
import { CACHE_MS_LIMIT, type CacheSettings, checkCacheOptions, type PageCacheOptions } from "./cache-options.ts";
import { type CacheStats, emptyTally, statsOf } from "./cache-stats.ts";
import { DiskLayer, type StoredEntry } from "./disk-layer.ts";
import { type CacheEntry, factsOf, type PurgeSelector } from "./entry.ts";
import { Failures, isLasting } from "./failures.ts";
import { Flights } from "./flights.ts";
import {
  CACHE_MODES,
  type CachedValue,
  type CacheGetOptions,
  type CacheNote,
  type Load,
  type Loaded,
  type Previous,
} from "./load.ts";
import { MemoryLayer } from "./memory-layer.ts";
import { unpackValue } from "./packed-value.ts";
import { canonicalSelector, type Loading, matches, wasPurged } from "./purge.ts";
import { Refresher } from "./refresher.ts";
import { checkTags, joinTags } from "./tags.ts";
import { WriteBehind } from "./write-behind.ts";

export type WarmItem<V> = {
  readonly key: string;
  readonly load: Load<V>;
  readonly tags?: readonly string[] | undefined;
};
export type WarmResult = { readonly loaded: number; readonly present: number; readonly failed: number };

export interface PageCache<V> extends AsyncDisposable {
  /**
   * The value of `key` (of cacheKey), from memory, disk or `load`. Rejects as `load` does, with the kept failure of an earlier load,
   * `not_found` (mode `only`), `cancelled` or `unavailable` (closed).
   */
  get(key: string, load: Load<V>, options?: CacheGetOptions): Promise<CachedValue<V>>;
  /** Loads what is not kept; failures are counted, not thrown. */
  warm(
    items: Iterable<WarmItem<V>>,
    options?: { readonly concurrency?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<WarmResult>;
  /**
   * Removes entries and failures, on disk too, and sees to it that loads under way do not bring them back; the number of keys removed.
   * Another process's memory is not reached. Throws `storage_failed` when the file cannot be written.
   */
  purge(selector: PurgeSelector): number;
  stats(): CacheStats;
  /** Settles when all values kept so far are on disk. */
  flush(): Promise<void>;
}

/** Opens the disk layer at once; a file that cannot be used leaves a cache in memory, and `onWarning` is told. Throws `invalid_argument`. */
export function createPageCache<V>(options: PageCacheOptions<V> = {}): PageCache<V> {
  return new LayeredCache(checkCacheOptions(options));
}

type Layer = "memory" | "disk";
type Found<V> = { readonly entry: CacheEntry<V>; readonly layer: Layer };
type Request<V> = {
  readonly key: string;
  readonly load: Load<V>;
  readonly tags: readonly string[];
  readonly previous: CacheEntry<V> | undefined;
};

class LayeredCache<V> implements PageCache<V> {
  readonly #settings: CacheSettings<V>;
  readonly #memory: MemoryLayer<CacheEntry<V>>;
  readonly #disk: DiskLayer | undefined;
  readonly #writing: WriteBehind<V> | undefined;
  readonly #failures: Failures;
  readonly #flights = new Flights<CacheEntry<V>>();
  readonly #loading = new Set<Loading>();
  readonly #refresher: Refresher;
  readonly #tally = emptyTally();
  #purges = 0;
  #isClosed = false;

  constructor(settings: CacheSettings<V>) {
    const { disk, clock, warn } = settings;
    this.#settings = settings;
    this.#memory = new MemoryLayer(settings.memoryBytesMax);
    this.#failures = new Failures(clock, settings.negativeTtlMs);
    this.#refresher = new Refresher(clock, settings.refreshesMax);
    this.#disk = disk && new DiskLayer({ ...disk, clock, warn });
    this.#writing = this.#disk && new WriteBehind(this.#disk, (error) => this.#warn(error));
  }

  async get(key: string, load: Load<V>, options: CacheGetOptions = {}): Promise<CachedValue<V>> {
    const { mode, maxAgeMs, tags, signal } = this.#check(key, options);
    if (mode === "none") return this.#pass(load, signal);
    const failure = mode === "refresh" ? undefined : this.#failures.get(key, maxAgeMs);
    if (failure) {
      this.#tally.negative++;
      throw failure;
    }
    const look = this.#find(key);
    const found = look instanceof Promise ? await look : look;
    if (found && mode !== "refresh" && this.#serves(found.entry, maxAgeMs)) {
      const note = this.#noteOf(found);
      if (note.isStale && mode === "use") this.#refresh({ key, load, tags, previous: found.entry });
      return { ...factsOf(found.entry), value: found.entry.value, cache: note };
    }
    this.#tally.misses++;
    if (mode === "only") {
      throw new MillraceError("not_found", `${splitKey(key).url} is not in the cache; load it with mode "use"`);
    }
    if (this.#flights.has(key)) this.#tally.joined++;
    const request = { key, load, tags, previous: found?.entry };
    const entry = await this.#flights.join(key, (during) => this.#load(request, during), signal);
    return { ...factsOf(entry), value: entry.value, cache: NOT_KEPT };
  }

  async warm(
    items: Iterable<WarmItem<V>>,
    {
      concurrency = WARM_CONCURRENCY,
      signal,
    }: { concurrency?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<WarmResult> {
    checkInteger("concurrency", concurrency, { min: 1, max: WARM_CONCURRENCY_MAX });
    const result = { loaded: 0, present: 0, failed: 0 };
    const queue = items[Symbol.iterator]();
    const work = async () => {
      for (let next = queue.next(); !next.done && !signal?.aborted; next = queue.next()) {
        const { key, load, tags } = next.value;
        const got = await this.get(key, load, { tags, signal }).catch(() => undefined);
        if (got) result[got.cache.hit ? "present" : "loaded"]++;
        else result.failed++;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return result;
  }

  purge(given: PurgeSelector): number {
    this.#checkOpen();
    const selector = canonicalSelector(given);
    this.#purges++;
    const removed = new Set<string>();
    for (const layer of [this.#memory, this.#writing, this.#failures]) {
      for (const [key, { tags }] of [...(layer?.entries() ?? [])]) {
        if (matches(selector, key, tags)) removed.add(key);
      }
    }
    for (const key of removed) this.#forget(key);
    for (const loading of this.#loading) {
      if ("tag" in selector) loading.purgedTags.add(selector.tag);
      if (matches(selector, loading.key, loading.tags)) loading.isPurged = true;
    }
    const purged = new Set([...this.#loading].filter(({ isPurged }) => isPurged).map(({ key }) => key));
    this.#flights.detach((key) => purged.has(key));
    for (const key of this.#disk?.purge(selector) ?? []) removed.add(key);
    return removed.size;
  }

  stats(): CacheStats {
    return statsOf(this.#tally, {
      refresher: this.#refresher,
      memory: this.#memory,
      disk: this.#disk,
      failures: this.#failures.size,
      dropped: this.#writing?.dropped ?? 0,
    });
  }

  async flush(): Promise<void> {
    await this.#writing?.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#flights.abortAll(closed());
    await this.flush();
    this.#disk?.close();
  }

  #check(key: string, { mode = "use", maxAgeMs, tags = [], signal }: CacheGetOptions) {
    this.#checkOpen();
    splitKey(key);
    if (!CACHE_MODES.includes(mode)) {
      throw new MillraceError(
        "invalid_argument",
        `cache mode is ${JSON.stringify(mode)}; use ${CACHE_MODES.join(", ")}`,
      );
    }
    if (maxAgeMs !== undefined) checkInteger("maxAgeMs", maxAgeMs, { min: 0, max: CACHE_MS_LIMIT });
    if (signal?.aborted) throw MillraceError.from(signal.reason, "cancelled");
    return { mode, maxAgeMs: maxAgeMs ?? Number.POSITIVE_INFINITY, tags: checkTags(tags), signal };
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed();
  }

  async #pass(load: Load<V>, signal: AbortSignal | undefined): Promise<CachedValue<V>> {
    this.#tally.bypassed++;
    const loaded = await load(signal ?? new AbortController().signal);
    if ("notModified" in loaded) throw notModifiedOfNothing();
    return { ...factsOf(loaded), value: loaded.value, cache: NOT_KEPT };
  }

  /** Synchronous unless a value is read from disk, so that no load can land between a look in vain and the joining of a flight. */
  #find(key: string): Found<V> | undefined | Promise<Found<V> | undefined> {
    const entry = this.#memory.get(key) ?? this.#writing?.get(key);
    if (entry) {
      this.#disk?.touch(key);
      return { entry, layer: "memory" };
    }
    const stored = this.#disk?.get(key);
    return stored && this.#read(key, stored);
  }

  async #read(key: string, { packed, times, facts }: StoredEntry): Promise<Found<V> | undefined> {
    const purges = this.#purges;
    try {
      const value = this.#settings.codec.decode(await unpackValue(packed));
      // Meanwhile a load may have brought a newer value, or a purge may have meant this one.
      const newer = this.#memory.get(key) ?? this.#writing?.get(key);
      if (newer) return { entry: newer, layer: "memory" };
      if (purges !== this.#purges) return undefined;
      const entry = { ...facts, ...times, value, bytes: packed.rawBytes };
      this.#memory.set(key, entry);
      return { entry, layer: "disk" };
    } catch (error) {
      this.#warn(error);
      this.#disk?.delete(key);
      return undefined;
    }
  }

  #serves({ storedAtMs, staleUntilMs }: CacheEntry<V>, maxAgeMs: number): boolean {
    const now = this.#settings.clock.now();
    return now < staleUntilMs && now - storedAtMs <= maxAgeMs && storedAtMs - now <= CACHE_CLOCK_SKEW_MS;
  }

  #noteOf({ entry, layer }: Found<V>): CacheNote {
    const now = this.#settings.clock.now();
    const isStale = now >= entry.freshUntilMs;
    this.#tally[layer]++;
    if (isStale) this.#tally.stale++;
    return { hit: true, layer, ageMs: Math.max(0, now - entry.storedAtMs), isStale };
  }

  #refresh(request: Request<V>): void {
    const { key } = request;
    if (this.#flights.has(key)) return;
    this.#refresher.start(key, (limit) => this.#flights.join(key, (signal) => this.#load(request, signal), limit));
  }

  async #load({ key, load, tags, previous }: Request<V>, signal: AbortSignal): Promise<CacheEntry<V>> {
    const loading: Loading = { key, tags, isPurged: false, purgedTags: new Set() };
    this.#loading.add(loading);
    this.#tally.loads++;
    try {
      const loaded = await load(signal, previous && previousOf(previous));
      const entry = this.#entryOf(loaded, tags, previous);
      const isWanted = !signal.aborted && !wasPurged(loading, entry.tags);
      if (!isWanted) return entry;
      if ("keep" in loaded && loaded.keep === false) {
        this.#drop(key);
        return entry;
      }
      return this.#keep(key, entry, "notModified" in loaded ? previous : undefined);
    } catch (error) {
      if (isLasting(error) && !signal.aborted && !wasPurged(loading, tags)) {
        this.#drop(key);
        this.#failures.set(key, error, tags);
      }
      throw error;
    } finally {
      this.#loading.delete(loading);
    }
  }

  #entryOf(loaded: Loaded<V>, tags: readonly string[], previous: CacheEntry<V> | undefined): CacheEntry<V> {
    const now = this.#settings.clock.now();
    const freshUntilMs = now + (loaded.ttlMs ?? this.#settings.ttlMs);
    const times = {
      storedAtMs: now,
      freshUntilMs,
      staleUntilMs: freshUntilMs + (loaded.staleMs ?? this.#settings.staleMs),
    };
    const { etag, lastModified } = loaded;
    const validators = {
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
    if ("notModified" in loaded) {
      if (!previous) throw notModifiedOfNothing();
      return { ...previous, ...times, ...validators, tags: joinTags(tags, previous.tags) };
    }
    const all = checkTags([...tags, ...(loaded.tags ?? [])]);
    return { ...factsOf(loaded), ...times, value: loaded.value, bytes: 0, tags: all };
  }

  /** Keeps the entry in both layers; a value that cannot be encoded or is too large is passed on without. */
  #keep(key: string, entry: CacheEntry<V>, renewed: CacheEntry<V> | undefined): CacheEntry<V> {
    const isWriting = this.#writing?.get(key) !== undefined;
    this.#forget(key);
    this.#refresher.wake(key);
    // While a value is on its way to the disk, what lies there is an older one.
    if (renewed && !isWriting && this.#renew(key, entry, renewed)) return entry;
    try {
      const raw = this.#settings.codec.encode(entry.value);
      const sized = { ...entry, bytes: raw.length };
      if (raw.length > this.#settings.entryBytesMax) {
        this.#tally.bypassed++;
        this.#disk?.delete(key);
        return sized;
      }
      this.#memory.set(key, sized);
      this.#writing?.add(key, sized, raw);
      return sized;
    } catch (error) {
      this.#warn(error);
      this.#disk?.delete(key);
      return entry;
    }
  }

  #renew(key: string, entry: CacheEntry<V>, { storedAtMs }: CacheEntry<V>): boolean {
    const facts = { ...factsOf(entry), tags: entry.tags };
    const isRenewed = this.#disk?.renew(key, storedAtMs, { times: entry, facts }) ?? false;
    if (isRenewed) this.#memory.set(key, entry);
    return isRenewed;
  }

  #drop(key: string): void {
    this.#forget(key);
    this.#disk?.delete(key);
  }

  /** Everywhere but on disk. */
  #forget(key: string): void {
    this.#memory.delete(key);
    this.#writing?.forget(key);
    this.#failures.delete(key);
  }

  #warn(error: unknown): void {
    this.#tally.faults++;
    this.#settings.warn(MillraceError.from(error, "storage_failed"));
  }
}

const NOT_KEPT: CacheNote = { hit: false, layer: "none", ageMs: 0, isStale: false };
/** Warming is background work: fewer loads at once than a server's own. */
const WARM_CONCURRENCY = 4;
const WARM_CONCURRENCY_MAX = 256;

function previousOf<V>(entry: CacheEntry<V>): Previous<V> {
  return { ...factsOf(entry), value: entry.value, storedAtMs: entry.storedAtMs };
}

function closed(): MillraceError {
  return new MillraceError("unavailable", "the cache is closed");
}

function notModifiedOfNothing(): MillraceError {
  return new MillraceError("internal", "a loader answered notModified without a previous value");
}
