/** Everything that reads pages, put together: one fetcher, two caches, one extractor, and the reader over them. */
import { type Clock, systemClock } from "@millrace/core";
import { createPageCache, type PageCache } from "../cache/page-cache.ts";
import { createExtractor, type Extractor, type ExtractorOptions } from "../extractor.ts";
import type { FetchedPage } from "../fetch/fetched-page.ts";
import { createFetcher, type Fetcher, type FetcherOptions } from "../fetch/fetcher.ts";
import { createGate, type Gate } from "../gate/create-gate.ts";
import { DOCUMENTS_DISK_BYTES, DOCUMENTS_MEMORY_BYTES, PAGES_DISK_BYTES, PAGES_MEMORY_BYTES } from "../limits.ts";
import { createPageReader, type PageReader } from "./page-reader.ts";
import type { KeptDocument } from "./page-source.ts";

export type PageServiceOptions = {
  /** Where the caches lie, made when missing; without it they are in memory only. They may be deleted at any time but while in use. */
  readonly cacheDirectory?: string | undefined;
  readonly fetching?: FetcherOptions | undefined;
  readonly extracting?: ExtractorOptions | undefined;
  readonly clock?: Clock | undefined;
};

/** Owns its parts: disposing it ends the threads and closes the files. */
export type PageService = {
  readonly reader: PageReader;
  readonly fetcher: Fetcher;
  readonly extractor: Extractor;
  readonly gate: Gate;
  readonly pages: PageCache<FetchedPage>;
  readonly documents: PageCache<KeptDocument>;
} & AsyncDisposable;

/** Opens the caches and nothing else: connections, threads and processes come with the first page. */
export function createPageService(options: PageServiceOptions = {}): PageService {
  const { cacheDirectory, clock = systemClock } = options;
  const disk = (name: string, bytesMax: number) =>
    cacheDirectory === undefined ? undefined : { directory: cacheDirectory, name, bytesMax };
  const pages = createPageCache<FetchedPage>({
    memoryBytesMax: PAGES_MEMORY_BYTES,
    disk: disk("pages", PAGES_DISK_BYTES),
    clock,
  });
  const documents = createPageCache<KeptDocument>({
    memoryBytesMax: DOCUMENTS_MEMORY_BYTES,
    disk: disk("documents", DOCUMENTS_DISK_BYTES),
    clock,
  });
  const fetcher = createFetcher({ clock, ...options.fetching });
  const extractor = createExtractor(options.extracting);
  const gate = createGate();
  const { heedsRobots } = options.fetching ?? {};
  const reader = createPageReader({ fetcher, extractor, pages, documents, gate, heedsRobots, clock });
  return {
    ...{ reader, fetcher, extractor, gate, pages, documents },
    [Symbol.asyncDispose]: async () => {
      await fetcher[Symbol.asyncDispose]();
      await Promise.all([extractor, pages, documents].map((part) => part[Symbol.asyncDispose]()));
    },
  };
}
