/** The thread of one verification: looks, reports and ends. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, toErrorBody } from "@millrace/core";
import { toStorageError } from "../storage/storage-error.ts";
import { checkStore } from "./check-store.ts";
import type { VerifyReply } from "./verify.ts";

assert(parentPort, "verify-worker runs as a worker thread");
const port: MessagePort = parentPort;
const { directory } = workerData as { directory: string };

try {
  const report = checkStore(directory, (progress) => port.postMessage({ progress } satisfies VerifyReply));
  port.postMessage({ report } satisfies VerifyReply);
} catch (error) {
  port.postMessage({ failed: toErrorBody(toStorageError(error)) } satisfies VerifyReply);
}
