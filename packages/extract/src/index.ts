/** From a URL or a file to clean, chunked, citable text. */
export { AddressGuard } from "./address-guard.ts";
export { type Chunk, type ChunkOptions, chunk } from "./chunk.ts";
export { detectContentType } from "./content-type.ts";
export {
  CONTENT_TYPES,
  type ContentType,
  type ExtractedDocument,
  type Heading,
  type Link,
  type PageStart,
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
export { type FetchedPage, type FetchPageOptions, fetchPage } from "./fetch-page.ts";
export { type WalkedFile, type WalkOptions, walkFiles } from "./walk-files.ts";
