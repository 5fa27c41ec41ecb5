/** The worker threads that read HTML, Markdown and text. */
import { availableParallelism } from "node:os";
import type { ExtractedDocument } from "../document.ts";
import type { ParseJob } from "../parse-source.ts";
import { parseWorkerUrl } from "../worker-url.ts";
import { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";

export type ParsePoolOptions = Partial<Omit<WorkerPoolOptions, "url">>;

/** A `WorkerPool` of parse workers: 1 thread by default, and 2 from four cores up, since the index wants the rest. */
export class ParsePool extends WorkerPool<ParseJob, ExtractedDocument> {
  constructor(options: ParsePoolOptions = {}) {
    super({ ...options, url: parseWorkerUrl, workers: options.workers ?? (availableParallelism() >= 4 ? 2 : 1) });
  }
}
