/** The worker threads that read HTML, Markdown and text. A job past its deadline takes its worker with it; the next job gets a new one. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Clock, Deadline, fromErrorBody, MillraceError, systemClock } from "@millrace/core";
import type { ExtractedDocument } from "./document.ts";
import { PARSE_WAITING_MAX, WORKER_HEAP_MB, WORKER_JOBS_MAX } from "./limits.ts";
import type { ParseJob } from "./parse-source.ts";
import type { ParseReply } from "./parse-worker.ts";
import { parseWorkerUrl } from "./worker-url.ts";

export type ParsePoolOptions = {
  /** Worker threads; default 1, and 2 from four cores up: the index wants the rest. */
  readonly workers?: number;
  readonly waitingMax?: number;
  /** Jobs after which a worker is retired. */
  readonly jobsPerWorkerMax?: number;
  readonly clock?: Clock;
};

type Ticket = {
  readonly job: ParseJob;
  readonly resolve: (document: ExtractedDocument) => void;
  readonly reject: (error: unknown) => void;
  lane?: Lane;
};

type Lane = { readonly worker: Worker; jobs: number; ticket: Ticket | undefined };

export class ParsePool {
  readonly #workersMax: number;
  readonly #waitingMax: number;
  readonly #jobsPerWorkerMax: number;
  readonly #clock: Clock;
  readonly #lanes = new Set<Lane>();
  readonly #ending = new Set<Promise<unknown>>();
  #waiting: Ticket[] = [];
  #isClosed = false;

  constructor(options: ParsePoolOptions = {}) {
    this.#workersMax = options.workers ?? (availableParallelism() >= 4 ? 2 : 1);
    this.#waitingMax = options.waitingMax ?? PARSE_WAITING_MAX;
    this.#jobsPerWorkerMax = options.jobsPerWorkerMax ?? WORKER_JOBS_MAX;
    this.#clock = options.clock ?? systemClock;
  }

  /** Threads alive now. */
  get workers(): number {
    return this.#lanes.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with `overloaded` when the queue is full, `timeout` at the deadline (waiting counts), `cancelled` by the signal. */
  async run(
    job: ParseJob,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ExtractedDocument> {
    if (this.#isClosed) throw new MillraceError("unavailable", "the extractor is closed");
    if (this.#waiting.length >= this.#waitingMax) {
      throw new MillraceError(
        "overloaded",
        `${this.#waitingMax} sources wait to be read, which is the limit; try again later`,
        { retryAfterMs: 1_000 },
      );
    }
    using end = Deadline.after(options.timeoutMs, this.#clock).signal(`reading ${job.source}`, options.signal);
    const { signal } = end;
    return await new Promise<ExtractedDocument>((resolve, reject) => {
      const ticket: Ticket = { job, resolve, reject };
      const stop = () => this.#abandon(ticket, signal.reason);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.#waiting.push(ticket);
      this.#pump();
    });
  }

  /** Ends every worker; what still waits or runs rejects with `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const error = new MillraceError("unavailable", "the extractor was closed");
    for (const ticket of this.#waiting) ticket.reject(error);
    this.#waiting = [];
    for (const lane of this.#lanes) {
      lane.ticket?.reject(error);
      this.#end(lane);
    }
    await Promise.all(this.#ending);
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const lane = this.#idleLane();
      const ticket = lane ? this.#waiting.shift() : undefined;
      if (!lane || !ticket) return;
      lane.ticket = ticket;
      ticket.lane = lane;
      lane.worker.ref();
      lane.worker.postMessage(ticket.job);
    }
  }

  #idleLane(): Lane | undefined {
    for (const lane of this.#lanes) if (!lane.ticket) return lane;
    return this.#lanes.size < this.#workersMax ? this.#start() : undefined;
  }

  #start(): Lane {
    const worker = new Worker(parseWorkerUrl, {
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
      name: "extract",
    });
    const lane: Lane = { worker, jobs: 0, ticket: undefined };
    worker.on("message", (reply: ParseReply) => this.#finish(lane, reply));
    worker.on("error", (error) => this.#fail(lane, error));
    worker.on("exit", () => this.#fail(lane, new Error("the worker thread ended")));
    worker.unref();
    this.#lanes.add(lane);
    return lane;
  }

  #finish(lane: Lane, reply: ParseReply): void {
    const { ticket } = lane;
    lane.ticket = undefined;
    lane.worker.unref();
    if (++lane.jobs >= this.#jobsPerWorkerMax) this.#end(lane);
    if ("document" in reply) ticket?.resolve(reply.document);
    else ticket?.reject(fromErrorBody(reply.error));
    this.#pump();
  }

  #fail(lane: Lane, cause: Error): void {
    if (!this.#lanes.delete(lane)) return;
    const source = lane.ticket?.job.source ?? "a source";
    const isMemory = "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
    const error = isMemory
      ? new MillraceError(
          "too_large",
          `reading ${source} needs more than the ${WORKER_HEAP_MB} MB a reader may use; split it`,
          { cause },
        )
      : new MillraceError("internal", `the reader of ${source} stopped: ${cause.message}`, { cause });
    lane.ticket?.reject(error);
    this.#pump();
  }

  #abandon(ticket: Ticket, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== ticket);
    ticket.reject(
      reason instanceof MillraceError
        ? reason
        : new MillraceError("cancelled", `reading ${ticket.job.source} was cancelled`, { cause: reason }),
    );
    if (ticket.lane?.ticket === ticket) this.#end(ticket.lane);
    this.#pump();
  }

  /** A worker inside a synchronous parse hears nothing, so it is terminated rather than asked. */
  #end(lane: Lane): void {
    this.#lanes.delete(lane);
    const ended = lane.worker.terminate();
    this.#ending.add(ended);
    ended.finally(() => this.#ending.delete(ended)).catch(() => {});
  }
}
