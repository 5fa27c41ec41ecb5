/** From a URL or a file to clean, chunked, citable text. */

export { type CacheKeyParts, cacheKey } from "./cache/cache-key.ts";
export type { CacheDiskOptions, PageCacheOptions } from "./cache/cache-options.ts";
export type { CacheStats } from "./cache/cache-stats.ts";
export { canonicalUrl } from "./cache/canonical-url.ts";
export type { EntryFacts, PurgeSelector } from "./cache/entry.ts";
export {
  CACHE_MODES,
  type CachedValue,
  type CacheGetOptions,
  type CacheMode,
  type CacheNote,
  type Load,
  type Loaded,
  type LoadedValue,
  type NotModified,
  type Previous,
} from "./cache/load.ts";
export type { Codec } from "./cache/packed-value.ts";
export { createPageCache, type PageCache, type WarmItem, type WarmResult } from "./cache/page-cache.ts";
export { type Chunk, type ChunkOptions, chunk } from "./chunk.ts";
export { detectContentType } from "./content-type.ts";
export {
  CONTENT_TYPES,
  type ContentType,
  type DocumentTable,
  type ExplainedBlock,
  type ExtractedDocument,
  type GateVerdict,
  type Heading,
  type Link,
  type Media,
  PAGE_TYPES,
  type PageStart,
  type PageType,
  type Quality,
  READ_MODES,
  type ReadMode,
  type ReadOptions,
  type TextRange,
} from "./document.ts";
export {
  createExtractor,
  type ExtractInput,
  type ExtractOptions,
  type Extractor,
  type ExtractorOptions,
  type ExtractorStats,
  type ExtractProgress,
} from "./extractor.ts";
export { AddressGuard, type Resolver } from "./fetch/address-guard.ts";
export { type FetchPageOptions, fetchPage } from "./fetch/fetch-page.ts";
export type { FetchedPage, FetchTimings } from "./fetch/fetched-page.ts";
export {
  createFetcher,
  type Fetcher,
  type FetcherOptions,
  type FetcherStats,
  type FetchOptions,
} from "./fetch/fetcher.ts";
export { createGate, type Gate, type GateOptions, type GateStats } from "./gate/create-gate.ts";
export { DomainOutcomes, type DomainOutcomesOptions } from "./gate/domain-outcomes.ts";
export type { GateEvidence } from "./gate/evidence.ts";
export { type GateDecision, type GateResult, type GateThresholds, judgeStatic } from "./gate/gate.ts";
export { HeadlessBudget, type HeadlessBudgetOptions } from "./gate/headless-budget.ts";
export { READ_TIMEOUT_MS } from "./limits.ts";
export type { Priority } from "./pool/job-queue.ts";
export type { Retirement, WorkerPoolStats } from "./pool/pool-counts.ts";
export {
  createPageReader,
  type PageReader,
  type PageReaderOptions,
  type PageReadOptions,
  type ReadSource,
} from "./reader/page-reader.ts";
export { createPageService, type PageService, type PageServiceOptions } from "./reader/page-service.ts";
export type { KeptDocument, PageFetchOptions, RawPage } from "./reader/page-source.ts";
export type { PageReaderStats } from "./reader/read-meter.ts";
export { type WalkedFile, type WalkOptions, walkFiles } from "./walk-files.ts";
