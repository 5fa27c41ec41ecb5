import { type Clock, type Histogram, MillraceError, systemClock } from "@millrace/core";
import { chunk, type Extractor, type FetchPageOptions, fetchPage } from "@millrace/extract";
import { documentId, hashOf, type Memory, type PutOutcome } from "@millrace/memory";
import type { SpaceId } from "@millrace/protocol";
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
  readonly extractor: Extractor;
  readonly store: JobStore;
  /** Hosts and ranges that may be fetched although they are private, and the time for a page. */
  readonly fetching: Pick<FetchPageOptions, "allow" | "timeoutMs">;
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
    const { memory, extractor } = this.#options;
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
    const document = await extractor.extract({ source, bytes, contentType, url }, { signal, onProgress });
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
      const page = await fetchPage(source.source, { ...this.#options.fetching, signal });
      return { bytes: page.bytes, contentType: page.contentType, url: page.finalUrl };
    }
    const bytes = await this.#options.store.body(job, source.index);
    return { bytes, contentType: source.contentType ?? undefined, url: undefined };
  }
}
