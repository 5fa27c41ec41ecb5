/** Pages of addresses: fetched, extracted, and both kept in caches of their own, so that a page is read again without being fetched again. */
import { type Clock, type Code, MillraceError, systemClock } from "@millrace/core";
import type { CacheMode, PageCacheState } from "@millrace/protocol";
import { cacheKey } from "../cache/cache-key.ts";
import type { Load, Loaded, Previous } from "../cache/load.ts";
import type { PageCache } from "../cache/page-cache.ts";
import type { ExtractedDocument, ReadOptions } from "../document.ts";
import type { Extractor, ExtractProgress } from "../extractor.ts";
import type { FetchedPage } from "../fetch/fetched-page.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { Gate } from "../gate/create-gate.ts";
import { CACHE_TTL_MS } from "../limits.ts";
import { EXTRACTOR_VERSION } from "./extractor-version.ts";
import type { PageReadOptions } from "./page-reader.ts";

/** A document as it is kept, with what is known of the page it was made of. */
export type KeptDocument = {
  readonly document: ExtractedDocument;
  readonly finalUrl: string;
  readonly status: number;
  readonly fetchedAtMs: number;
};

export type PageSourceOptions = {
  readonly fetcher: Pick<Fetcher, "fetch" | "originWaitMs">;
  readonly extractor: Extractor;
  /** Bytes as they came; without it every document is made of a page fetched for it. */
  readonly pages?: PageCache<FetchedPage> | undefined;
  /** What was made of them, by how it was read. */
  readonly documents?: PageCache<KeptDocument> | undefined;
  /** Knows what earlier pages of a domain needed; without it each page is judged by itself. */
  readonly gate?: Gate | undefined;
  /** False for a fetcher that heeds no robots.txt: its pages are kept for those alone who need not heed it. */
  readonly heedsRobots?: boolean | undefined;
  readonly clock?: Clock;
};

/** Of this call, in ms: 0 for what came from a cache. */
export type PhaseTimings = { readonly queueMs: number; readonly fetchMs: number; readonly parseMs: number };

/** A source as it was read. */
export type ReadPage = {
  readonly document: ExtractedDocument;
  readonly cache: PageCacheState;
  readonly timings: PhaseTimings;
  readonly url?: string;
  readonly finalUrl?: string;
  readonly status?: number;
};

/** A page as it was fetched. */
export type RawPage = {
  readonly page: FetchedPage;
  readonly cache: PageCacheState;
  readonly timings: Pick<PhaseTimings, "queueMs" | "fetchMs">;
};
/** `keep`: whether the page lets itself be kept. */
type Made = ReadPage & { readonly keep: boolean; readonly finalUrl: string; readonly status: number };

export type PageFetchOptions = Pick<
  PageReadOptions,
  "signal" | "timeoutMs" | "cache" | "maxAgeMs" | "ignoreRobots" | "originWaitMsMax" | "onPhase"
>;
export type DocumentOptions = PageFetchOptions & Pick<PageReadOptions, "priority"> & { readonly read: ReadOptions };

export const NO_CACHE: PageCacheState = { hit: false, layer: "none", ageMs: 0, isStale: false };
const NO_TIME: PhaseTimings = { queueMs: 0, fetchMs: 0, parseMs: 0 };
/** A page that asks for it is not kept. */
const UNKEPT = new Set(["noarchive", "nocache"]);

export class PageSource {
  readonly #options: PageSourceOptions;
  readonly #clock: Clock;

  constructor(options: PageSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** The page as it came, from the cache or the web. */
  async fetch(url: string, given: PageFetchOptions): Promise<RawPage> {
    const { pages } = this.#options;
    const options = this.#withRobots(given);
    const { cache: mode = "use", maxAgeMs, signal } = options;
    let timings: RawPage["timings"] = NO_TIME;
    const load = async (during: AbortSignal, previous?: Previous<FetchedPage>): Promise<Loaded<FetchedPage>> => {
      const page = await this.#fetchAnew(url, { ...options, signal: during }, previous);
      const { queuedMs, totalMs } = page.timings;
      timings = { queueMs: queuedMs, fetchMs: Math.max(0, totalMs - queuedMs) };
      return toLoaded(page);
    };
    if (!pages) {
      if (mode === "only") throw notKept(url);
      const loaded = await load(signal ?? new AbortController().signal);
      if (!("value" in loaded)) throw new MillraceError("internal", `${url} is unchanged since nothing`);
      return { page: loaded.value, cache: NO_CACHE, timings };
    }
    // What a site forbids is not handed on to callers that ask it.
    const key = cacheKey({ url, options: options.ignoreRobots ? { ignoreRobots: true } : undefined });
    const { value: page, cache } = await asOwn(load, options, (own) => pages.get(key, own, { mode, maxAgeMs, signal }));
    return { page, cache, timings };
  }

  /** What the page holds, from the cache, or made of the page. */
  async read(url: string, given: DocumentOptions): Promise<ReadPage> {
    const { documents } = this.#options;
    const options = this.#withRobots(given);
    const { cache: mode = "use", maxAgeMs = Number.POSITIVE_INFINITY, signal, read } = options;
    if (!documents) return this.#make(url, options);
    const how = options.ignoreRobots ? { ...read, ignoreRobots: true } : read;
    const key = cacheKey({ url, options: how, version: EXTRACTOR_VERSION });
    let timings = NO_TIME;
    const limits = { signal, ...(Number.isFinite(maxAgeMs) ? { maxAgeMs } : {}) };
    const get = (how: CacheMode) => {
      const load = async (during: AbortSignal): Promise<Loaded<KeptDocument>> => {
        const made = await this.#make(url, { ...options, cache: how, signal: during });
        timings = made.timings;
        return this.#toKept(made);
      };
      return asOwn(load, options, (own) => documents.get(key, own, { mode: how, ...limits }));
    };
    // What is kept may have been made lately of a page that was fetched long ago.
    const isOld = ({ value, cache }: Awaited<ReturnType<typeof get>>) =>
      cache.hit && this.#clock.now() - value.fetchedAtMs > maxAgeMs;
    let found = await (mode === "only" ? this.#only(get, url, options) : get(mode));
    if (!("value" in found)) return found;
    if (isOld(found)) {
      if (mode === "only") throw notKept(url);
      found = await get("refresh");
    }
    const { document, finalUrl, status, fetchedAtMs } = found.value;
    const ageMs = found.cache.hit ? Math.max(0, this.#clock.now() - fetchedAtMs) : found.cache.ageMs;
    return { document, cache: { ...found.cache, ageMs }, timings, url, finalUrl, status };
  }

  #withRobots<Options extends PageFetchOptions>(options: Options): Options {
    return this.#options.heedsRobots === false ? { ...options, ignoreRobots: true } : options;
  }

  /** The document that is kept, or one made of the page that is. */
  async #only<Found>(get: (how: "only") => Promise<Found>, url: string, options: DocumentOptions) {
    try {
      return await get("only");
    } catch (error) {
      if (MillraceError.from(error).code !== "not_found") throw error;
      return this.#make(url, options);
    }
  }

  async #make(url: string, options: DocumentOptions): Promise<Made> {
    const { read, signal, timeoutMs, priority, onPhase, maxAgeMs = CACHE_TTL_MS } = options;
    // A stale page makes no document: stale is what was made of it, and that is given while this runs.
    const { page, cache, timings } = await this.fetch(url, { ...options, maxAgeMs: Math.min(maxAgeMs, CACHE_TTL_MS) });
    const startedMs = this.#clock.monotonic();
    onPhase?.("parse");
    const { bytes, contentType, finalUrl, status } = page;
    const onProgress = ({ done, total }: ExtractProgress) => onPhase?.("parse", { done, total });
    const input = { source: url, bytes, contentType, url: finalUrl, read };
    const judged = await this.#options.extractor.extract(input, { signal, timeoutMs, priority, onProgress });
    const document = decide(judged, this.#options.gate, URL.parse(finalUrl)?.hostname);
    const parseMs = this.#clock.monotonic() - startedMs;
    return { document, cache, timings: { ...timings, parseMs }, url, finalUrl, status, keep: isKept(page) };
  }

  #toKept({ document, cache, finalUrl, status, keep }: Made): Loaded<KeptDocument> {
    const value = { document, finalUrl, status, fetchedAtMs: this.#clock.now() - cache.ageMs };
    const quality = document.quality?.score ?? 0;
    return { value, status, quality, ttlMs: Math.max(0, CACHE_TTL_MS - cache.ageMs), keep };
  }

  async #fetchAnew(
    url: string,
    { timeoutMs, signal, ignoreRobots, originWaitMsMax, onPhase }: PageFetchOptions,
    previous: Previous<FetchedPage> | undefined,
  ): Promise<FetchedPage> {
    onPhase?.("fetch");
    const { etag, lastModified } = previous ?? {};
    const conditional = etag || lastModified ? { etag, lastModified } : undefined;
    return this.#options.fetcher.fetch(url, { signal, timeoutMs, ignoreRobots, originWaitMsMax, conditional });
  }
}

/** The document with the gate's last word on it. */
export function decide(document: ExtractedDocument, gate: Gate | undefined, domain?: string): ExtractedDocument {
  return gate && document.gate ? { ...document, gate: gate.decide(document.gate, domain) } : document;
}

function toLoaded(page: FetchedPage): Loaded<FetchedPage> {
  const { etag, lastModified, status, fromStatus304 } = page;
  const validators = { ...(etag && { etag }), ...(lastModified && { lastModified }) };
  if (fromStatus304) return { notModified: true, ...validators };
  return { value: page, status, keep: isKept(page), ...validators };
}

function isKept({ robotsDirectives, forbidsStoring }: FetchedPage): boolean {
  return forbidsStoring !== true && !robotsDirectives.some((directive) => UNKEPT.has(directive));
}

/** Failures that come of what a caller allows, not of the page. */
const OF_CALLER: ReadonlySet<Code> = new Set<Code>(["timeout", "rate_limited", "overloaded"]);

/**
 * A load that others wait for runs by the options of who began it. Who only joined it, and sees it fail by those (less time, robots.txt
 * heeded), begins one by their own.
 */
async function asOwn<V, Found>(
  load: Load<V>,
  { signal, ignoreRobots }: PageFetchOptions,
  get: (load: Load<V>) => Promise<Found>,
): Promise<Found> {
  for (;;) {
    let isOwn = false;
    const own: Load<V> = (...given) => {
      isOwn = true;
      return load(...given);
    };
    try {
      return await get(own);
    } catch (error) {
      const { code } = MillraceError.from(error);
      const isOthers = OF_CALLER.has(code) || (code === "robots_disallowed" && ignoreRobots === true);
      if (isOwn || signal?.aborted || !isOthers) throw error;
    }
  }
}

function notKept(url: string): MillraceError {
  return new MillraceError("not_found", `${url.slice(0, 200)} is not in the cache; leave cache "only" out to fetch it`);
}
