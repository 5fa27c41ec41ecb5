import { Worker } from "node:worker_threads";
import { fromErrorBody, Histogram, MillraceError } from "@millrace/core";
import { STORAGE_BYTES_MAX, STORAGE_CALLS_MAX } from "../limits.ts";
import { logModuleUrl, storageWorkerUrl } from "../worker-url.ts";
import type { CommitFigures } from "./commit-meter.ts";
import type { Call, Operation } from "./storage-module.ts";
import type { Group, StorageReply, StorageRequest, StorageWorkerData } from "./storage-worker.ts";

export type StorageOptions = {
  /** Made when it does not exist; held by one process at a time. */
  readonly directory: string;
  /** Modules beside the log's own, by URL; each exports `storageModule`. */
  readonly modules?: readonly URL[];
  /** Most bytes the database file may grow to; unlimited when absent. Past it writes fail as `storage_full`. */
  readonly bytesMax?: number;
  /** Told of each commit, once its calls are answered. */
  readonly onCommit?: (figures: CommitFigures, calls: number) => void;
};

/**
 * The store: one writing and one reading thread over one SQLite file. Calls made in one turn of the event loop travel together; all
 * that wait are one commit. Rejects with `data_in_use`, `data_too_new` or `storage_failed` when it cannot be opened.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const modules = [logModuleUrl, ...(options.modules ?? [])].map(String);
  const common = { directory: options.directory, modules, bytesMax: options.bytesMax };
  const writer = await StorageThread.start({ role: "writer", ...common }, options.onCommit);
  try {
    return new Storage(writer, await StorageThread.start({ role: "reader", ...common }));
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** Handle on both threads. `write` settles after the commit is on disk (I4); `read` sees every commit acknowledged before it. */
export class Storage implements AsyncDisposable {
  readonly #writer: StorageThread;
  readonly #reader: StorageThread;

  /** Made by openStorage. */
  constructor(writer: StorageThread, reader: StorageThread) {
    this.#writer = writer;
    this.#reader = reader;
  }

  write<Op extends Operation>(op: string, args: Parameters<Op>[0]): Promise<ReturnType<Op>> {
    return this.#writer.run([{ op, args }]).then((values) => values[0] as ReturnType<Op>);
  }

  /** All calls or none, in one transaction, in order. `bytes` is what they hold of frames, counted against STORAGE_BYTES_MAX until they settle. */
  writeAll(calls: readonly Call[], bytes = 0): Promise<readonly unknown[]> {
    return this.#writer.run(calls, bytes);
  }

  read<Op extends Operation>(op: string, args: Parameters<Op>[0]): Promise<ReturnType<Op>> {
    return this.#reader.run([{ op, args }]).then((values) => values[0] as ReturnType<Op>);
  }

  /** Settles when all writes handed in before have been answered. */
  async settled(): Promise<void> {
    await this.#writer.run([]);
  }

  /** Throws what a write handed in now would be refused with at once: `overloaded`, or why the store is closed. */
  checkRoom(): void {
    const refusal = this.#writer.refusal();
    if (refusal) throw refusal;
  }

  /** Why a thread takes no more calls; undefined while both run. */
  get failure(): MillraceError | undefined {
    return this.#writer.failure ?? this.#reader.failure;
  }

  /** Microseconds of each commit, measured in the writing thread. */
  get commitMicros(): Histogram {
    return this.#writer.batchMicros;
  }

  /** Calls that wait for the writing thread. */
  get depth(): number {
    return this.#writer.depth;
  }

  /** Bytes of frames that wait for the writing thread. */
  get waitingBytes(): number {
    return this.#writer.waitingBytes;
  }

  /** Calls of each commit. */
  get callsPerCommit(): Histogram {
    return this.#writer.callsPerBatch;
  }

  /** Rows that each commit wrote or deleted, those of triggers included. */
  get rowsPerCommit(): Histogram {
    return this.#writer.rowsPerBatch;
  }

  /** Microseconds of each commit's last step, in which SQLite puts the transaction on disk. */
  get syncMicros(): Histogram {
    return this.#writer.syncMicros;
  }

  /** Microseconds of each commit that went into applying frames to entities and lifecycles; commits without any are left out. */
  get projectMicros(): Histogram {
    return this.#writer.projectMicros;
  }

  /** Commits what was handed in, then ends both threads. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

type Pending = {
  readonly bytes: number;
  readonly resolve: (values: readonly unknown[]) => void;
  readonly reject: (error: unknown) => void;
};

class StorageThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly batchMicros = new Histogram();
  readonly callsPerBatch = new Histogram();
  readonly rowsPerBatch = new Histogram();
  readonly syncMicros = new Histogram();
  readonly projectMicros = new Histogram();
  readonly #onBatch: StorageOptions["onCommit"];
  waitingBytes = 0;
  #outbox: Group[] = [];
  #nextId = 1;
  #closed: MillraceError | undefined;
  readonly #ended: Promise<void>;

  private constructor(worker: Worker, onBatch: StorageOptions["onCommit"]) {
    this.#worker = worker;
    this.#onBatch = onBatch;
    this.#ended = new Promise((resolve) => worker.once("exit", () => resolve()));
    worker.on("message", (reply: StorageReply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(MillraceError.from(error, "storage_failed")));
    worker.on("exit", () => this.#fail(new MillraceError("unavailable", "the store is closed")));
  }

  static start(workerData: StorageWorkerData, onBatch?: StorageOptions["onCommit"]): Promise<StorageThread> {
    const worker = new Worker(storageWorkerUrl, { workerData, name: `storage-${workerData.role}` });
    return new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (reply: StorageReply) => {
        worker.off("error", reject);
        if ("failed" in reply) reject(fromErrorBody(reply.failed));
        else resolve(new StorageThread(worker, onBatch));
      });
    });
  }

  get depth(): number {
    return this.#pending.size;
  }

  get failure(): MillraceError | undefined {
    return this.#closed;
  }

  /** Why a call would not be taken now. */
  refusal(): MillraceError | undefined {
    const isFull = this.#pending.size >= STORAGE_CALLS_MAX || this.waitingBytes >= STORAGE_BYTES_MAX;
    if (this.#closed || !isFull) return this.#closed;
    const message = `${this.#pending.size} calls with ${this.waitingBytes} bytes wait for the disk, at most ${STORAGE_CALLS_MAX} calls or ${STORAGE_BYTES_MAX} bytes may; try again later`;
    return new MillraceError("overloaded", message, { retryAfterMs: 500 });
  }

  run(calls: readonly Call[], bytes = 0): Promise<readonly unknown[]> {
    const refusal = this.refusal();
    if (refusal) return Promise.reject(refusal);
    const id = this.#nextId++;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push({ id, calls });
    this.waitingBytes += bytes;
    return new Promise((resolve, reject) => this.#pending.set(id, { bytes, resolve, reject }));
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#flush();
      this.#closed = new MillraceError("unavailable", "the store is closing");
      this.#worker.postMessage({ close: true } satisfies StorageRequest);
    }
    await this.#ended;
  }

  #flush(): void {
    const groups = this.#outbox;
    this.#outbox = [];
    if (groups.length === 0) return;
    try {
      this.#worker.postMessage({ groups } satisfies StorageRequest);
    } catch (error) {
      // Arguments that cannot be cloned: nothing of this message was sent, so these calls fail and those after them go on.
      for (const { id } of groups) this.#take(id)?.reject(MillraceError.from(error));
    }
  }

  #settle(reply: StorageReply): void {
    if (!("results" in reply)) return;
    this.#measure(reply, reply.results.length);
    for (const result of reply.results) {
      const pending = this.#take(result.id);
      if ("error" in result) pending?.reject(fromErrorBody(result.error));
      else pending?.resolve(result.values);
    }
  }

  #measure(figures: CommitFigures, calls: number): void {
    this.batchMicros.record(figures.commitMs * 1000);
    this.callsPerBatch.record(calls);
    this.rowsPerBatch.record(figures.rows);
    this.syncMicros.record(figures.syncMs * 1000);
    if (figures.projectMs > 0) this.projectMicros.record(figures.projectMs * 1000);
    this.#onBatch?.(figures, calls);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.waitingBytes -= pending?.bytes ?? 0;
    return pending;
  }

  #fail(error: MillraceError): void {
    this.#closed ??= error;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    this.waitingBytes = 0;
    for (const { reject } of waiting) reject(error);
  }
}
