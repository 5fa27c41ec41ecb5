import { type Clock, Deadline, type Histogram, MillraceError, systemClock } from "@millrace/core";
import { chunk, type FetchedPage, type PageService } from "@millrace/extract";
import { documentId, hashOf, type Memory, type PutOutcome } from "@millrace/memory";
import type { SpaceId } from "@millrace/protocol";
import { TURN_WAIT_MS } from "../limits.ts";
import type { JobStore } from "./job-store.ts";
import type { SourceRow } from "./jobs-module.ts";

export type IngestProgress = {
  readonly phase: "fetch" | "extract" | "embed";
  readonly done?: number;
  readonly total?: number;
};
export type Ingested = PutOutcome;

export type SourceTask = {
  readonly job: string;
  readonly space: SpaceId;
  readonly source: SourceRow;
  readonly signal: AbortSignal;
};

export type SourceIngestOptions = {
  readonly memory: Memory;
  /** Pages come by the same fetcher and cache as those of extraction. */
  readonly pageService: Pick<PageService, "reader" | "extractor">;
  readonly store: JobStore;
  readonly extractMicros: Histogram;
  readonly onRead?: (bytes: number) => void;
  readonly clock?: Clock;
};

type Read = { readonly bytes: Uint8Array; readonly contentType: string | undefined; readonly url: string | undefined };

/** The way of one source from bytes to memory: read, extract, chunk, embed, store. */
export class SourceIngest {
  readonly #options: SourceIngestOptions;
  readonly #clock: Clock;

  constructor(options: SourceIngestOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  documentId(space: SpaceId, { source }: SourceRow): string {
    return documentId(space, source);
  }

  /** Settles when the document is durable and searchable; rejects with the code of what went wrong, nothing half-stored. */
  async run(task: SourceTask, onProgress: (progress: IngestProgress) => void): Promise<Ingested> {
    const { memory, pageService } = this.#options;
    const { space, signal } = task;
    const { source } = task.source;
    onProgress({ phase: task.source.kind === "url" ? "fetch" : "extract" });
    const { bytes, contentType, url } = await this.#read(task);
    this.#options.onRead?.(bytes.byteLength);
    const sourceHash = hashOf(bytes);
    const size = bytes.byteLength;
    const unchanged = await memory.isUnchanged(space, source, sourceHash);
    if (unchanged) return unchanged;
    const startedMs = this.#clock.monotonic();
    const document = await pageService.extractor.extract(
      { source, bytes, contentType, url },
      {
        signal,
        onProgress,
        priority: "bulk",
      },
    );
    const chunks = chunk(document);
    this.#options.extractMicros.record((this.#clock.monotonic() - startedMs) * 1000);
    if (chunks.length === 0) throw new MillraceError("no_text", `${source} holds no text to remember`);
    onProgress({ phase: "embed", done: 0, total: chunks.length });
    const { title, text, links, language } = document;
    const about = { source, title, contentType: document.contentType, text, links, chunks, bytes: size, sourceHash };
    return memory.putDocument(space, language === undefined ? about : { ...about, language }, signal);
  }

  async #read({ job, source, signal }: SourceTask): Promise<Read> {
    if (source.kind === "url") {
      const page = await this.#fetch(source.source, signal);
      return { bytes: page.bytes, contentType: page.contentType, url: page.finalUrl };
    }
    const bytes = await this.#options.store.body(job, source.index);
    return { bytes, contentType: source.contentType ?? undefined, url: undefined };
  }

  /** A page whose turn at its site is later than one fetch may take waits for it here: many pages of a slow site are no failure. */
  async #fetch(url: string, signal: AbortSignal): Promise<FetchedPage> {
    const { reader } = this.#options.pageService;
    const patience = Deadline.after(TURN_WAIT_MS, this.#clock);
    for (;;) {
      try {
        // Who adds a page again wants what it says now; one that is unchanged costs a question and no bytes.
        return (await reader.fetch(url, { cache: "refresh", signal })).page;
      } catch (error) {
        const { code, retryAfterMs = 0 } = MillraceError.from(error);
        if (code !== "rate_limited" || retryAfterMs >= patience.leftMs) throw error;
        await this.#pause(retryAfterMs, signal);
      }
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const cancel = this.#clock.after(ms, end);
    signal.addEventListener("abort", end, { once: true });
    await over;
    cancel();
    signal.removeEventListener("abort", end);
    signal.throwIfAborted();
  }
}
