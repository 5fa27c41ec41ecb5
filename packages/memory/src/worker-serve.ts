import { parentPort, type TransferListItem } from "node:worker_threads";
import { assert, toErrorBody } from "@millrace/core";
import type { WorkerReply, WorkerRequest } from "./worker-client.ts";

// biome-ignore lint/suspicious/noExplicitAny: each operation names its own argument; the table holds all of them
export type WorkerOperations = Readonly<Record<string, (args: any) => unknown>>;

/** A value with the buffers to move instead of copy. */
export class Moved {
  readonly value: unknown;
  readonly transfer: readonly TransferListItem[];

  constructor(value: unknown, transfer: readonly TransferListItem[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** Answers a WorkerClient from inside the thread: each call by its operation, a thrown error by its code. */
export function serveWorker(operations: WorkerOperations): void {
  const port = parentPort;
  assert(port, "serveWorker runs inside a worker thread");
  port.on("message", async ({ id, op, args }: WorkerRequest) => {
    try {
      const operation = operations[op];
      assert(operation, `no operation is named ${op}`);
      const value = await operation(args);
      if (value instanceof Moved) port.postMessage({ id, value: value.value } satisfies WorkerReply, value.transfer);
      else port.postMessage({ id, value } satisfies WorkerReply);
    } catch (error) {
      port.postMessage({ id, error: toErrorBody(error) } satisfies WorkerReply);
    }
  });
}
