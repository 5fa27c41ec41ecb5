/**
 * Worker threads that take sources one at a time. Invariants: a worker has at most one job; every job settles exactly once, at the
 * latest at its deadline; a job is begun at most once, so a page that kills its reader kills one; a worker is replaced when it is
 * stuck, dead, too large or old, never in the middle of a job that somebody waits for.
 */
import type { TransferListItem } from "node:worker_threads";
import { type Clock, checkInteger, Deadline, fromErrorBody, MillraceError, systemClock } from "@millrace/core";
import {
  PARSE_WAITING_MAX,
  WORKER_GRACE_MS,
  WORKER_HEAP_MB,
  WORKER_JOBS_MAX,
  WORKER_MEMORY_BYTES_MAX,
  WORKERS_MAX,
} from "../limits.ts";
import type { JobReply } from "./job-port.ts";
import { JobQueue, type Priority } from "./job-queue.ts";
import { Lane } from "./lane.ts";
import { PoolCounts, type Retirement, type WorkerPoolStats } from "./pool-counts.ts";

/** Part of the queue that bulk jobs may fill: the rest is kept for those who wait for their answer. */
const BULK_WAITING_SHARE = 0.75;

export type WorkerPoolOptions = {
  /** The module that each thread runs; it calls `serveJobs`. */
  readonly url: URL;
  /** Threads, 1 … 16. They start with the jobs that need them. */
  readonly workers: number;
  /** Jobs that may wait, bulk jobs up to three quarters of it; default 64. */
  readonly waitingMax?: number;
  /** Jobs after which a worker is retired; default 1,000. */
  readonly jobsPerWorkerMax?: number;
  /** Watermark: a worker that holds more after a job is retired; default 192 MB. */
  readonly memoryBytesMax?: number;
  /** JavaScript heap of a thread, in MB; a job that needs more fails with `too_large`. Default 768. */
  readonly heapMb?: number;
  /** One thread starts at once and another whenever the last is retired, so that no job waits for a start. Default false. */
  readonly isPrestarted?: boolean;
  readonly clock?: Clock;
};

export type JobOptions = {
  /** From the call to the result, waiting included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Default `interactive`. */
  readonly priority?: Priority | undefined;
  /** The caller gives the bytes away: they are moved instead of copied when they fill their buffer, and `bytes` is empty after. */
  readonly transfer?: boolean | undefined;
};

/** What every job has: a name for messages, and the bytes to be read. */
export type PoolJob = { readonly source: string; readonly bytes: Uint8Array };

type Ticket<Job, Result> = {
  readonly job: Job;
  readonly priority: Priority;
  readonly isGiven: boolean;
  readonly queuedAtMs: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Those that end it: its own, and the caller's, which is the first to abort of a batch. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Nobody waits for it any more. */
  isAbandoned: boolean;
  isRetried: boolean;
  lane?: Lane<Ticket<Job, Result>, Result>;
};

export class WorkerPool<Job extends PoolJob, Result> implements AsyncDisposable {
  readonly #options: Required<Omit<WorkerPoolOptions, "clock">>;
  readonly #clock: Clock;
  readonly #lanes = new Set<Lane<Ticket<Job, Result>, Result>>();
  readonly #ending = new Set<Promise<unknown>>();
  readonly #queue = new JobQueue<Ticket<Job, Result>>();
  readonly #counts = new PoolCounts();
  #isClosed = false;

  /** Throws `invalid_argument` naming the option that is out of range. */
  constructor(options: WorkerPoolOptions) {
    this.#options = {
      url: options.url,
      workers: checkInteger("workers", options.workers, { min: 1, max: WORKERS_MAX }),
      waitingMax: options.waitingMax ?? PARSE_WAITING_MAX,
      jobsPerWorkerMax: options.jobsPerWorkerMax ?? WORKER_JOBS_MAX,
      memoryBytesMax: options.memoryBytesMax ?? WORKER_MEMORY_BYTES_MAX,
      heapMb: options.heapMb ?? WORKER_HEAP_MB,
      isPrestarted: options.isPrestarted ?? false,
    };
    this.#clock = options.clock ?? systemClock;
    this.#keepWarm();
  }

  /** Threads alive now. */
  get workers(): number {
    return this.#lanes.size;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  stats(): WorkerPoolStats {
    const lanes = [...this.#lanes];
    return this.#counts.show({
      workers: lanes.length,
      busy: lanes.filter((lane) => lane.ticket).length,
      waiting: { interactive: this.#queue.sizeOf("interactive"), bulk: this.#queue.sizeOf("bulk") },
      memoryBytesMax: lanes.reduce((most, lane) => Math.max(most, lane.memoryBytes), 0),
    });
  }

  /**
   * Rejects with what the worker threw, `overloaded` when the queue is full, `timeout` at the deadline, `cancelled` by the signal,
   * `too_large` when the job needs more heap than a worker has, `internal` when it kills its worker, `unavailable` when closed.
   */
  async run(job: Job, options: JobOptions): Promise<Result> {
    this.#admit(options.priority ?? "interactive");
    using end = Deadline.after(options.timeoutMs, this.#clock).signal(`reading ${job.source}`, options.signal);
    const { signal } = end;
    return await new Promise<Result>((resolve, reject) => {
      const ticket: Ticket<Job, Result> = {
        job,
        priority: options.priority ?? "interactive",
        isGiven: options.transfer === true,
        queuedAtMs: this.#clock.monotonic(),
        resolve,
        reject,
        signals: [signal, options.signal],
        isAbandoned: false,
        isRetried: false,
      };
      const stop = () => this.#abandon(ticket, signal.reason);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.#queue.push(ticket, ticket.priority);
      this.#pump();
    });
  }

  /** Ends every worker; what still waits or runs rejects with `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const error = new MillraceError("unavailable", "the extractor was closed");
    for (const ticket of this.#queue.drain()) ticket.reject(error);
    for (const lane of this.#lanes) {
      lane.ticket?.reject(error);
      this.#end(lane);
    }
    await Promise.all(this.#ending);
  }

  #admit(priority: Priority): void {
    if (this.#isClosed) throw new MillraceError("unavailable", "the extractor is closed");
    const share = priority === "bulk" ? BULK_WAITING_SHARE : 1;
    const waitingMax = Math.max(1, Math.floor(this.#options.waitingMax * share));
    if (this.#queue.size >= waitingMax)
      throw new MillraceError(
        "overloaded",
        `${this.#queue.size} sources wait to be read; ${waitingMax} is the limit; try again later`,
        { retryAfterMs: 1_000 },
      );
  }

  #pump(): void {
    while (this.#hasPlace()) {
      const ticket = this.#queue.take();
      if (!ticket) return;
      // A batch that is cancelled ends one job after the other: no thread is started for those whose turn to hear of it is still to come.
      const over = ticket.signals.find((signal) => signal?.aborted);
      if (over) this.#abandon(ticket, over.reason);
      else this.#post(ticket, this.#idleLane() ?? this.#start());
    }
  }

  #post(ticket: Ticket<Job, Result>, lane: Lane<Ticket<Job, Result>, Result>): void {
    lane.ticket = ticket;
    lane.postedAtMs = this.#clock.monotonic();
    ticket.lane = lane;
    const { job, transfer } = packed(ticket.job, ticket.isGiven);
    lane.post(job, transfer);
    if (lane.isReady) this.#countWait(ticket);
  }

  /** Counts the wait of a job as it is begun: a thread that is up begins at once, another when it says that it is. */
  #countWait({ queuedAtMs }: Ticket<Job, Result>): void {
    this.#counts.queueWait.record((this.#clock.monotonic() - queuedAtMs) * 1_000);
  }

  #hasPlace(): boolean {
    return this.#lanes.size < this.#options.workers || this.#idleLane() !== undefined;
  }

  /** A thread that is up before one that still starts. */
  #idleLane(): Lane<Ticket<Job, Result>, Result> | undefined {
    let starting: Lane<Ticket<Job, Result>, Result> | undefined;
    for (const lane of this.#lanes) {
      if (lane.ticket) continue;
      if (lane.isReady) return lane;
      starting ??= lane;
    }
    return starting;
  }

  #start(): Lane<Ticket<Job, Result>, Result> {
    this.#counts.started++;
    const lane: Lane<Ticket<Job, Result>, Result> = new Lane(this.#options, {
      onReady: () => {
        const { ticket } = lane;
        if (ticket && !ticket.isAbandoned) this.#countWait(ticket);
        this.#pump();
      },
      onReply: (reply) => this.#finish(lane, reply),
      onDeath: (cause) => this.#bury(lane, cause),
    });
    this.#lanes.add(lane);
    return lane;
  }

  #keepWarm(): void {
    if (this.#options.isPrestarted && !this.#isClosed && this.#lanes.size === 0) this.#start();
  }

  #finish(lane: Lane<Ticket<Job, Result>, Result>, reply: JobReply<Result>): void {
    lane.cancelEnd?.();
    lane.cancelEnd = undefined;
    const ticket = this.#release(lane);
    this.#counts.jobs++;
    if (lane.replies > 1) this.#counts.reused++;
    if (lane.memoryBytes > this.#options.memoryBytesMax) this.#retire(lane, "memory");
    else if (lane.replies >= this.#options.jobsPerWorkerMax) this.#retire(lane, "jobs");
    if ("result" in reply) ticket?.resolve(reply.result);
    else ticket?.reject(fromErrorBody(reply.error));
    this.#pump();
  }

  /** A worker died by itself: by its job, or before it began it. Then the job goes to another worker, once. */
  #bury(lane: Lane<Ticket<Job, Result>, Result>, cause: Error): void {
    if (!this.#lanes.delete(lane)) return;
    lane.cancelEnd?.();
    const { isBegun } = lane;
    const ticket = this.#release(lane);
    const isMemory = "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY";
    const isWorking = ticket ? isBegun : lane.isReady;
    this.#counts.retired[isMemory ? "outOfMemory" : isWorking ? "crash" : "failedStart"]++;
    if (ticket && !isBegun && !ticket.isRetried && !ticket.isAbandoned && !isMovedAway(ticket.job.bytes)) {
      this.#counts.retried++;
      ticket.isRetried = true;
      this.#queue.pushFront(ticket, ticket.priority);
    } else ticket?.reject(this.#deathOf(ticket, { cause, isMemory, isBegun }));
    // A thread that cannot start would be started for ever.
    if (isWorking) this.#keepWarm();
    this.#pump();
  }

  #deathOf(
    { job }: Ticket<Job, Result>,
    { cause, isMemory, isBegun }: { readonly cause: Error; readonly isMemory: boolean; readonly isBegun: boolean },
  ): MillraceError {
    const { source } = job;
    if (isMemory)
      return new MillraceError(
        "too_large",
        `reading ${source} needs more than the ${this.#options.heapMb} MB a reader may use; split it`,
        { cause },
      );
    if (isBegun) return new MillraceError("internal", `the reader of ${source} stopped: ${cause.message}`, { cause });
    return new MillraceError("unavailable", `the reader ended before it began ${source}: ${cause.message}; try again`, {
      cause,
      retryable: true,
    });
  }

  #abandon(ticket: Ticket<Job, Result>, reason: unknown): void {
    ticket.isAbandoned = true;
    this.#queue.delete(ticket);
    const error =
      reason instanceof MillraceError
        ? reason
        : new MillraceError("cancelled", `reading ${ticket.job.source} was cancelled`, { cause: reason });
    ticket.reject(error);
    const { lane } = ticket;
    if (lane?.ticket !== ticket) return;
    const end = () => {
      this.#retire(lane, error.code === "timeout" ? "timeout" : "cancelled");
      this.#pump();
    };
    // Ending a worker costs more than the grace. Without it, jobs that waited almost to their deadline would each take a worker along.
    const graceMs = WORKER_GRACE_MS - (this.#clock.monotonic() - lane.postedAtMs);
    if (graceMs <= 0) end();
    else lane.cancelEnd = this.#clock.after(graceMs, end);
  }

  #release(lane: Lane<Ticket<Job, Result>, Result>): Ticket<Job, Result> | undefined {
    if (lane.ticket) this.#counts.busyMs += this.#clock.monotonic() - lane.postedAtMs;
    return lane.release();
  }

  #retire(lane: Lane<Ticket<Job, Result>, Result>, retirement: Retirement): void {
    this.#counts.retired[retirement]++;
    this.#end(lane);
    this.#keepWarm();
  }

  #end(lane: Lane<Ticket<Job, Result>, Result>): void {
    this.#lanes.delete(lane);
    this.#release(lane);
    const ended = lane.end();
    this.#ending.add(ended);
    ended.finally(() => this.#ending.delete(ended)).catch(() => {});
  }
}

function isMovedAway({ buffer }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && buffer.detached;
}

/**
 * The job as it is posted. Bytes are copied at most once: posting a view would copy its whole buffer, and twice (into the message and
 * out of it), so a copy of just the view is made and moved.
 */
function packed<Job extends PoolJob>(job: Job, isGiven: boolean): { job: Job; transfer: TransferListItem[] } {
  const { bytes } = job;
  const isWhole = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  const own = isGiven && isWhole ? bytes : new Uint8Array(bytes);
  return { job: { ...job, bytes: own }, transfer: [own.buffer as ArrayBuffer] };
}
