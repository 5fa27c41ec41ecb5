/** One source to one document: fetched within its limits, cached, extracted, measured. The one way pages are read, whoever asks. */
import { createHash } from "node:crypto";
import { type Clock, checkInteger, Deadline, MillraceError, systemClock } from "@millrace/core";
import type { CacheMode, ExtractPhase, PageDocument } from "@millrace/protocol";
import type { ExtractedDocument, ReadMode, ReadOptions } from "../document.ts";
import type { ExtractInput, Extractor, ExtractProgress } from "../extractor.ts";
import type { Gate } from "../gate/create-gate.ts";
import { reasonOf } from "../gate/gate.ts";
import { POOR_TEXT_CHARS, READ_TIMEOUT_MS } from "../limits.ts";
import type { Priority } from "../pool/job-queue.ts";
import {
  decide,
  NO_CACHE,
  type PageFetchOptions,
  PageSource,
  type PageSourceOptions,
  type RawPage,
  type ReadPage,
} from "./page-source.ts";
import { qualityOf } from "./quality.ts";
import { type PageReaderStats, ReadMeter } from "./read-meter.ts";
import { checkReadOptions } from "./read-options.ts";
import { readingMinutes } from "./reading-time.ts";

/** An address; HTML, with the address its links are relative to; or the bytes of a file, named for its type and for messages. */
export type ReadSource =
  | { readonly url: string }
  | { readonly html: string; readonly url?: string | undefined }
  | { readonly bytes: Uint8Array; readonly source: string; readonly contentType?: string | undefined };

export type PageReadOptions = ReadOptions & {
  /** Gives up fetching and reading, unless others wait for the same page. */
  readonly signal?: AbortSignal | undefined;
  /** From the call to the result, 1 ms … 10 min; default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Default "use". Only addresses are cached. */
  readonly cache?: CacheMode | undefined;
  /** What was fetched longer ago is fetched again. */
  readonly maxAgeMs?: number | undefined;
  /** Whether robots.txt is not asked. */
  readonly ignoreRobots?: boolean | undefined;
  /** The longest wait for the page's origin, in ms; default all its time. Past it the read is refused with `retryAfterMs`. */
  readonly originWaitMsMax?: number | undefined;
  /** Whether a page that needs a browser is given as far as it goes, marked `isDegraded`, instead of `needs_render`. */
  readonly allowDegraded?: boolean | undefined;
  /** Default "interactive": somebody waits for it. "bulk" goes when nobody does. */
  readonly priority?: Priority | undefined;
  /** Called as a phase begins, and with the pages of a PDF. */
  readonly onPhase?: ((phase: ExtractPhase, progress?: Pick<ExtractProgress, "done" | "total">) => void) | undefined;
};

/** The reader owns none of these. */
export type PageReaderOptions = PageSourceOptions;

export interface PageReader {
  /**
   * Reads one source. Rejects with what fetching and extracting reject with; with `needs_render` when the page needs a browser and says
   * little without; with `timeout` at the end of its time. A document without text has a `reason`.
   */
  read(source: ReadSource, options?: PageReadOptions): Promise<PageDocument>;
  /** The page of an address as it came, by the same cache and the same courtesy; for who extracts it elsewhere. */
  fetch(url: string, options?: PageFetchOptions): Promise<RawPage>;
  /** How long an address that is not cached would wait for its origin now, in ms; as the fetcher says. */
  originWaitMs(url: string): number;
  /** What became of the reads; fetches alone are not counted. */
  stats(): PageReaderStats;
}

const TIMEOUT_MS_MAX = 600_000;

/** A reader over a fetcher, an extractor and, where there are some, caches. */
export function createPageReader(options: PageReaderOptions): PageReader {
  const { extractor, clock = systemClock } = options;
  const pages = new PageSource(options);
  const meter = new ReadMeter(clock);
  const readOne = async (source: ReadSource, choice: PageReadOptions): Promise<PageDocument> => {
    const read = checkReadOptions(pick(choice));
    const timeoutMs = checkInteger("timeoutMs", choice.timeoutMs ?? READ_TIMEOUT_MS, { min: 1, max: TIMEOUT_MS_MAX });
    const startedMs = clock.monotonic();
    using end = Deadline.after(timeoutMs, clock).signal(`reading ${nameOf(source)}`, choice.signal);
    const limits = { ...choice, read, timeoutMs, signal: end.signal };
    const page = isAddress(source)
      ? await pages.read(source.url, limits)
      : await readInPlace({ extractor, clock, gate: options.gate }, source, limits);
    checkRendered(page.document, nameOf(source), { mode: read.mode, isAllowed: choice.allowDegraded === true });
    return toPageDocument(page, read.mode, clock.monotonic() - startedMs);
  };
  return {
    read: (source, choice = {}) => meter.measure(() => readOne(source, choice)),
    fetch: (url, choice = {}) => pages.fetch(url, choice),
    originWaitMs: (url) => options.fetcher.originWaitMs(url),
    stats: () => meter.stats(),
  };
}

function isAddress(source: ReadSource): source is { readonly url: string } {
  return !("html" in source) && !("bytes" in source);
}

function nameOf(source: ReadSource): string {
  if ("bytes" in source) return source.source;
  return source.url?.slice(0, 200) ?? "the page";
}

function pick({ mode, selectors, html, explain }: PageReadOptions): ReadOptions {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(selectors === undefined ? {} : { selectors }),
    ...(html === undefined ? {} : { html }),
    ...(explain === undefined ? {} : { explain }),
  };
}

type InPlace = Exclude<ReadSource, { readonly url: string }>;
type Limits = PageReadOptions & {
  readonly read: ReadOptions;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

async function readInPlace(
  { extractor, clock, gate }: { readonly extractor: Extractor; readonly clock: Clock; readonly gate: Gate | undefined },
  source: InPlace,
  { read, timeoutMs, signal, priority, onPhase }: Limits,
): Promise<ReadPage> {
  onPhase?.("parse");
  const startedMs = clock.monotonic();
  const input = inputOf(source);
  const onProgress = ({ done, total }: ExtractProgress) => onPhase?.("parse", { done, total });
  const judged = await extractor.extract({ ...input, read }, { signal, timeoutMs, priority, onProgress });
  const document = decide(judged, gate);
  const timings = { queueMs: 0, fetchMs: 0, parseMs: clock.monotonic() - startedMs };
  return { document, cache: NO_CACHE, timings, ...("url" in source && source.url ? { url: source.url } : {}) };
}

function inputOf(source: InPlace): ExtractInput {
  if ("bytes" in source) {
    const { bytes, contentType } = source;
    return { source: source.source, bytes, contentType };
  }
  const { html, url } = source;
  const name = url ?? "page.html";
  // Declared, because the text may begin like anything; its charset is ours, whatever the page says of itself.
  const contentType = "text/html; charset=utf-8";
  return { source: name, bytes: new TextEncoder().encode(html), contentType, url };
}

function checkRendered(
  document: ExtractedDocument,
  name: string,
  { mode, isAllowed }: { readonly mode: ReadMode; readonly isAllowed: boolean },
): void {
  if (isAllowed || !needsBrowser(document, mode)) return;
  throw new MillraceError(
    "needs_render",
    `${name} needs a browser: ${whyOf(document)}, and ${document.text.length} characters of text came without one; take those with allowDegraded, or give a page that holds its text`,
  );
}

/** A page that says enough without a browser is given, whatever the gate expected of it; one without bytes leaves a browser nothing to do. */
function needsBrowser({ bytes, gate, text }: ExtractedDocument, mode: ReadMode): boolean {
  const wantsText = mode === "article" || mode === "full";
  return bytes > 0 && wantsText && gate?.decision === "dynamic" && text.length < POOR_TEXT_CHARS;
}

function whyOf({ gate }: ExtractedDocument): string {
  return (gate && reasonOf(gate)) ?? "the page holds almost no text";
}

function toPageDocument(page: ReadPage, mode: ReadMode, totalMs: number): PageDocument {
  const { document, cache, timings, url, finalUrl, status } = page;
  const { text, wordCount } = document;
  return {
    ...(url === undefined ? {} : { url }),
    ...(finalUrl === undefined ? {} : { finalUrl }),
    ...(status === undefined ? {} : { status }),
    mode,
    ...document,
    ...(needsBrowser(document, mode)
      ? { isDegraded: true, reason: `${whyOf(document)}: a browser is needed for it` }
      : {}),
    quality: document.quality ?? qualityOf(document),
    readingMinutes: readingMinutes(text, wordCount),
    timings: { ...timings, totalMs },
    cache,
    hash: createHash("sha256").update(text).digest("hex"),
  };
}
