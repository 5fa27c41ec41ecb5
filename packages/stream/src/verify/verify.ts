import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type ErrorBody, fromErrorBody, MillraceError } from "@millrace/core";
import { DATABASE_FILE } from "../storage/migrate.ts";
import { verifyWorkerUrl } from "../worker-url.ts";
import type { VerifyReport } from "./report.ts";

export type VerifyOptions = {
  /** The data directory; an engine may be running on it. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: VerifyProgress) => void;
};

/** How much was looked at so far. */
export type VerifyProgress = { readonly streams: number; readonly frames: number };

export type VerifyReply =
  | { readonly progress: VerifyProgress }
  | { readonly report: VerifyReport }
  | { readonly failed: ErrorBody };

/**
 * Looks for whatever in a store is not as its invariants say, in a thread and over a read-only connection of its own: nothing is changed,
 * and an engine that runs on it is not held up. Each stream is looked at as it was at one moment. Rejects with `not_found` without a store,
 * `data_too_new`, `cancelled`; a damaged file is a finding.
 */
export async function verifyStore({ directory, signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
  signal?.throwIfAborted();
  if (!existsSync(join(directory, DATABASE_FILE))) {
    throw new MillraceError("not_found", `there is no store in ${directory}; name the data directory of an engine`);
  }
  const worker = new Worker(verifyWorkerUrl, { workerData: { directory }, name: "verify" });
  const abort = () => void worker.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await new Promise<VerifyReport>((resolve, reject) => {
      worker.on("message", (reply: VerifyReply) => {
        if ("report" in reply) resolve(reply.report);
        else if ("failed" in reply) reject(fromErrorBody(reply.failed));
        else onProgress?.(reply.progress);
      });
      worker.once("error", (error) => reject(MillraceError.from(error, "storage_failed")));
      worker.once("exit", () =>
        reject(MillraceError.from(signal?.reason ?? "the verification ended early", "cancelled")),
      );
    });
  } finally {
    signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}
