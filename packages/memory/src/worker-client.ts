import { type TransferListItem, Worker } from "node:worker_threads";
import { type ErrorBody, fromErrorBody, MillraceError } from "@millrace/core";
import { WORKER_REQUESTS_MAX } from "./limits.ts";

export type WorkerRequest = { readonly id: number; readonly op: string; readonly args: unknown };
export type WorkerReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorBody };

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void };

/** Calls into one worker thread, answered in any order. When the thread dies, what waits and what comes is rejected as `unavailable`. */
export class WorkerClient implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #name: string;
  #nextId = 1;
  #dead: MillraceError | undefined;

  constructor(url: URL, name: string, workerData: unknown) {
    this.#name = name;
    this.#worker = new Worker(url, { workerData, name });
    this.#worker.on("message", (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on("error", (error) =>
      this.#die(new MillraceError("unavailable", `the ${name} thread failed: ${error.message}`, { cause: error })),
    );
    this.#worker.on("exit", () => this.#die(new MillraceError("unavailable", `the ${name} thread has ended`)));
  }

  get depth(): number {
    return this.#waiting.size;
  }

  call<Result>(op: string, args: unknown, transfer: readonly TransferListItem[] = []): Promise<Result> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#waiting.size >= WORKER_REQUESTS_MAX) {
      const message = `${WORKER_REQUESTS_MAX} calls wait for the ${this.#name} thread, which is the limit; try again later`;
      return Promise.reject(new MillraceError("overloaded", message, { retryAfterMs: 200 }));
    }
    const id = this.#nextId++;
    this.#worker.postMessage({ id, op, args } satisfies WorkerRequest, transfer);
    return new Promise((resolve, reject) =>
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(fromErrorBody(reply.error));
    else waiting?.resolve(reply.value);
  }

  #die(error: MillraceError): void {
    this.#dead ??= error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
