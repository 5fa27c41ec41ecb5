import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import type { GraphImage } from "../files/graph-image.ts";
import type { CheckedOptions } from "../index-options.ts";
import type { SegmentBuild } from "../segment/run-build.ts";
import { builderWorkerUrl } from "../worker-url.ts";

/** What a builder thread is told. */
export type BuilderOrder =
  | { readonly kind: "take"; readonly build: SegmentBuild }
  | { readonly kind: "forget"; readonly place: number }
  | { readonly kind: "settle"; readonly request: number }
  /** To be answered on `port` with the graph as it is between two steps. */
  | { readonly kind: "image"; readonly place: number; readonly port: MessagePort };

/** Changes after which sleeping builders are woken; waking costs a system call. */
const WAKE_EVERY = 64;

/**
 * Threads that link and measure, each its own segments, which it is given in turn: so one large space uses as many cores as it has
 * segments to build. They sleep on `signal` while there is nothing to do.
 */
export class Builders {
  readonly #workers: Worker[];
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  readonly #owners = new Map<number, Worker>();
  #next = 0;
  #changes = 0;
  #request = 0;
  #failed: Error | undefined;

  constructor({ workers }: CheckedOptions) {
    this.#workers = Array.from({ length: workers }, () => {
      const worker = new Worker(builderWorkerUrl, { workerData: { signal: this.#signal } });
      worker.unref();
      worker.on("error", (error) => {
        this.#failed = error as Error;
      });
      return worker;
    });
  }

  take(build: SegmentBuild): void {
    const worker = this.#workers[this.#next++ % this.#workers.length];
    if (!worker) return;
    this.#owners.set(build.place, worker);
    this.#tell(worker, { kind: "take", build });
  }

  /** The segment is built, or its rows are leaving it. */
  forget(place: number): void {
    const worker = this.#owners.get(place);
    if (!worker) return;
    this.#owners.delete(place);
    this.#tell(worker, { kind: "forget", place });
  }

  /** There is something new to look at: rows or orders. */
  ring(): void {
    this.#ring();
  }

  /** There may be rows to link. */
  wake(): void {
    if (++this.#changes % WAKE_EVERY === 0) this.#ring();
  }

  /** Resolves when all builders are done with the rows there were; `unavailable` when one ended, with what ended it as cause. */
  async settle(): Promise<void> {
    const request = ++this.#request;
    await Promise.all(
      this.#workers.map(async (worker) => {
        this.#tell(worker, { kind: "settle", request });
        worker.ref();
        try {
          await this.#answered(worker, request);
        } finally {
          worker.unref();
        }
      }),
    );
  }

  /** A copy of the graph that a builder is at, as it is between two steps; undefined where none is at it or the builder ended. */
  async image(place: number): Promise<GraphImage | undefined> {
    const worker = this.#owners.get(place);
    if (!worker || worker.threadId < 0) return undefined;
    const { port1, port2 } = new MessageChannel();
    const answered = Promise.withResolvers<GraphImage | undefined>();
    const giveUp = (): void => answered.resolve(undefined);
    port1.once("message", answered.resolve);
    port1.once("close", giveUp);
    worker.once("exit", giveUp);
    worker.postMessage({ kind: "image", place, port: port2 } satisfies BuilderOrder, [port2]);
    this.#ring();
    try {
      return await answered.promise;
    } finally {
      worker.off("exit", giveUp);
      port1.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Resolves when the worker has answered, rejects when it has ended or ends. */
  async #answered(worker: Worker, request: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const hear = (answer: number): void => {
      if (answer === request) resolve();
    };
    const end = (): void => {
      const message =
        "a builder thread ended, so its segments stay as they are; make the index anew to build their graphs";
      reject(new MillraceError("unavailable", message, this.#failed ? { cause: this.#failed } : {}));
    };
    worker.on("message", hear);
    worker.once("exit", end);
    if (worker.threadId < 0) end();
    try {
      await promise;
    } finally {
      worker.off("message", hear);
      worker.off("exit", end);
    }
  }

  #tell(worker: Worker, order: BuilderOrder): void {
    worker.postMessage(order);
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#signal, 0, 1);
    Atomics.notify(this.#signal, 0);
  }
}
