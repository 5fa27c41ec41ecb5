/** One worker thread and the job it has. */
import { type TransferListItem, Worker } from "node:worker_threads";
import type { JobReply, WorkerMessage, WorkerSetup } from "./job-port.ts";

export type LaneEvents<Result> = {
  readonly onReady: () => void;
  readonly onReply: (reply: JobReply<Result>) => void;
  /** The thread ended without being asked to. */
  readonly onDeath: (cause: Error) => void;
};

export type LaneOptions = { readonly url: URL; readonly heapMb: number };

/** `Ticket` is what the pool knows of a job. A lane has at most one at a time. */
export class Lane<Ticket, Result> {
  readonly #worker: Worker;
  readonly #begun = new Int32Array(new SharedArrayBuffer(4));
  #posted = 0;
  #isEnded = false;
  ticket: Ticket | undefined;
  isReady = false;
  /** Replies so far, and memory as the last of them reported it. */
  replies = 0;
  memoryBytes = 0;
  /** When its job was posted, on the pool's monotonic clock. */
  postedAtMs = 0;
  /** Ends the thread later, if it has not answered by then. */
  cancelEnd: (() => void) | undefined;

  constructor({ url, heapMb }: LaneOptions, events: LaneEvents<Result>) {
    const setup: WorkerSetup = { begun: this.#begun.buffer as SharedArrayBuffer };
    this.#worker = new Worker(url, {
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
      name: "extract",
      workerData: setup,
    });
    this.#worker.on("message", (message: WorkerMessage<Result>) => {
      if (this.#isEnded) return;
      if (message === "ready") {
        this.isReady = true;
        return events.onReady();
      }
      this.replies++;
      this.memoryBytes = message.memoryBytes;
      events.onReply(message);
    });
    const die = (cause: Error) => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      events.onDeath(cause);
    };
    this.#worker.on("error", die);
    this.#worker.on("exit", (code) => die(new Error(`the worker thread ended with code ${code}`)));
    this.#worker.unref();
  }

  /** Whether its current job was begun: a thread that died before that is not the job's fault. */
  get isBegun(): boolean {
    return Atomics.load(this.#begun, 0) >= this.#posted;
  }

  post(job: unknown, transfer: readonly TransferListItem[]): void {
    this.#posted++;
    // An idle thread keeps no process alive; one with a job does.
    this.#worker.ref();
    this.#worker.postMessage(job, [...transfer]);
  }

  /** Takes the ticket off, so that the lane is free. */
  release(): Ticket | undefined {
    const { ticket } = this;
    this.ticket = undefined;
    this.#worker.unref();
    return ticket;
  }

  /** A thread inside a synchronous job hears nothing, so it is terminated rather than asked. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.cancelEnd?.();
    await this.#worker.terminate();
  }
}
