/** The front door: bytes of a source to a document, in a worker thread or a child process, within a deadline. */
import { checkInteger, MillraceError } from "@millrace/core";
import { detectContentType } from "./content-type.ts";
import type { ExtractedDocument, ReadOptions } from "./document.ts";
import { gunzipBounded, isGzip } from "./gunzip.ts";
import {
  GUNZIP_BYTES_MAX,
  HTML_BYTES_MAX,
  PARSE_TIMEOUT_MS,
  PDF_BYTES_MAX,
  PDF_CHILDREN_MAX,
  PDF_TIMEOUT_MS,
} from "./limits.ts";
import { PdfPool } from "./pdf-pool.ts";
import type { Priority } from "./pool/job-queue.ts";
import { ParsePool } from "./pool/parse-pool.ts";
import type { WorkerPoolStats } from "./pool/pool-counts.ts";
import { inMode } from "./reader/in-mode.ts";
import { qualityOf } from "./reader/quality.ts";
import { checkReadOptions } from "./reader/read-options.ts";
import { shortLabel } from "./short-label.ts";

export type ExtractorOptions = {
  /** Threads for HTML, Markdown and text, 1 … 16; default 1, and 2 from four cores up. */
  readonly workers?: number;
  /** PDF processes at once, 1 … 8; default 2. */
  readonly pdfProcesses?: number;
  /** Jobs after which a thread is replaced by a fresh one; default 1,000. */
  readonly jobsPerWorkerMax?: number;
  /** One thread starts at once rather than with the first source, so that none waits for a start. Default false. */
  readonly isPrestarted?: boolean;
};

export type ExtractInput = {
  /** Path or address: names the source in messages, and its extension helps to tell its type. */
  readonly source: string;
  readonly bytes: Uint8Array;
  /** The Content-Type header, when there was one. */
  readonly contentType?: string | undefined;
  /** The address the bytes came from: base of relative links. Defaults to `source` when that is one. */
  readonly url?: string | undefined;
  /** What of the source is wanted; with it a source without text is a document with a `reason`, without it an error. */
  readonly read?: ReadOptions | undefined;
};

/** `done` of `total` pages of a PDF. */
export type ExtractProgress = { readonly phase: "extract"; readonly done: number; readonly total: number };

export type ExtractOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Time for this source, waiting included; default 20 s, PDF 120 s. */
  readonly timeoutMs?: number | undefined;
  /** `interactive` (default): somebody waits. `bulk`: goes when nobody does, and may fill three quarters of the queue only. */
  readonly priority?: Priority | undefined;
  /** The caller gives `bytes` away: they may be moved to a thread instead of copied, and be empty after. Default false. */
  readonly transfer?: boolean | undefined;
  /** Called with rising `done`; a listener that throws is not this module's concern. */
  readonly onProgress?: ((progress: ExtractProgress) => void) | undefined;
};

export interface Extractor extends AsyncDisposable {
  /**
   * Reads one source. Rejects with `unsupported_type`, `unreadable_document`, `encrypted_document`, `needs_ocr`, `needs_render`,
   * `no_text`, `too_large`, `timeout`, `cancelled`, `overloaded` or `unavailable`.
   */
  extract(input: ExtractInput, options?: ExtractOptions): Promise<ExtractedDocument>;
  /** Readers and queues now, for metrics. */
  stats(): ExtractorStats;
}

export type ExtractorStats = {
  readonly workers: number;
  readonly parseWaiting: number;
  /** The threads' queue, reuse and retirements. */
  readonly parse: WorkerPoolStats;
  readonly pdfProcesses: readonly number[];
  readonly pdfWaiting: number;
};

const TIMEOUT_MS_MAX = 3_600_000;

/** Starts nothing: threads and processes come with the first source that needs them, and keep no process alive when idle. */
export function createExtractor(options: ExtractorOptions = {}): Extractor {
  const workers =
    options.workers === undefined ? {} : { workers: checkInteger("workers", options.workers, { min: 1, max: 16 }) };
  const jobs = options.jobsPerWorkerMax;
  const perWorker =
    jobs === undefined ? {} : { jobsPerWorkerMax: checkInteger("jobsPerWorkerMax", jobs, { min: 1, max: 1_000_000 }) };
  const parse = new ParsePool({ ...workers, ...perWorker, isPrestarted: options.isPrestarted ?? false });
  const pdf = new PdfPool(checkInteger("pdfProcesses", options.pdfProcesses ?? PDF_CHILDREN_MAX, { min: 1, max: 8 }));
  return {
    extract: (input, choice = {}) => extract({ parse, pdf }, input, choice),
    stats: () => ({
      workers: parse.workers,
      parseWaiting: parse.waiting,
      parse: parse.stats(),
      pdfProcesses: pdf.processIds,
      pdfWaiting: pdf.waiting,
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([parse[Symbol.asyncDispose](), pdf[Symbol.asyncDispose]()]);
    },
  };
}

async function extract(
  pools: { readonly parse: ParsePool; readonly pdf: PdfPool },
  input: ExtractInput,
  options: ExtractOptions,
): Promise<ExtractedDocument> {
  const { source } = input;
  const { signal, onProgress, priority, transfer } = options;
  // Bytes that are given away have no length after.
  const { length } = input.bytes;
  const read = input.read && checkReadOptions(input.read);
  if (options.timeoutMs !== undefined) checkInteger("timeoutMs", options.timeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  if (signal?.aborted)
    throw new MillraceError("cancelled", `reading ${source} was cancelled`, { cause: signal.reason });
  checkSize(source, input.bytes.length, PDF_BYTES_MAX);
  const bytes = isGzip(input.bytes) ? await gunzipBounded(source, input.bytes, GUNZIP_BYTES_MAX) : input.bytes;
  const contentType = detectContentType(source, bytes, bytes === input.bytes ? input.contentType : undefined);
  if (contentType === "application/pdf") {
    const onPages = onProgress && ((done: number, total: number) => onProgress({ phase: "extract", done, total }));
    const document = await pools.pdf.run(
      { source, bytes },
      { timeoutMs: options.timeoutMs ?? PDF_TIMEOUT_MS, signal, onPages },
    );
    return finished(read ? inMode(document, read) : document, { source, length });
  }
  checkSize(source, bytes.length, HTML_BYTES_MAX);
  const url = input.url ?? (/^https?:/i.test(source) ? source : undefined);
  const job = { source, bytes, contentType, declared: input.contentType, url, read };
  const document = await pools.parse.run(job, {
    timeoutMs: options.timeoutMs ?? PARSE_TIMEOUT_MS,
    signal,
    priority,
    // What was unpacked here belongs to nobody else.
    transfer: transfer || bytes !== input.bytes,
  });
  return finished(document, { source, length });
}

function checkSize(source: string, bytes: number, bytesMax: number): void {
  if (bytes > bytesMax)
    throw new MillraceError(
      "too_large",
      `${source} has ${bytes} bytes; ${bytesMax} is the limit for its type; split it`,
    );
}

/** A source without a title of its own goes by its file name; its size is the size it came in. */
function finished(
  document: ExtractedDocument,
  { source, length }: { readonly source: string; readonly length: number },
): ExtractedDocument {
  const name =
    source
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .pop() ?? source;
  const title = shortLabel(document.title === "" ? name : document.title);
  return { ...document, title, bytes: length, quality: document.quality ?? qualityOf(document) };
}
