/** PDF jobs, each in a child process of its own: what PDFium leaks or breaks ends with the child. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Deadline, fromErrorBody, KeyedExecutor, MillraceError } from "@millrace/core";
import type { ExtractedDocument } from "./document.ts";
import { PDF_CHILDREN_MAX, PDF_HEAP_MB, PDF_WAITING_MAX } from "./limits.ts";
import type { PdfJob, PdfReply } from "./pdf-child.ts";
import { pdfChildUrl } from "./worker-url.ts";

export type PdfRunOptions = {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onPages?: ((done: number, total: number) => void) | undefined;
};

export class PdfPool {
  readonly #queue: KeyedExecutor;
  readonly #children = new Set<ChildProcess>();
  #jobs = 0;
  #isClosed = false;

  constructor(childrenMax: number = PDF_CHILDREN_MAX) {
    this.#queue = new KeyedExecutor({ concurrencyMax: childrenMax, waitingMax: PDF_WAITING_MAX });
  }

  /** Ids of the processes alive now, for metrics and tests. */
  get processIds(): readonly number[] {
    return [...this.#children].flatMap((child) => child.pid ?? []);
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Rejects with `timeout` at the deadline (waiting counts), `cancelled` by the signal, `overloaded` when the queue is full. */
  async run(job: PdfJob, options: PdfRunOptions): Promise<ExtractedDocument> {
    if (this.#isClosed) throw new MillraceError("unavailable", "the extractor is closed");
    using end = Deadline.after(options.timeoutMs).signal(`reading ${job.source}`, options.signal);
    const { signal } = end;
    const stopped = () =>
      signal.reason instanceof MillraceError
        ? signal.reason
        : new MillraceError("cancelled", `reading ${job.source} was cancelled`, { cause: signal.reason });
    return await new Promise<ExtractedDocument>((resolve, reject) => {
      if (signal.aborted) return reject(stopped());
      signal.addEventListener("abort", () => reject(stopped()), { once: true });
      this.#queue
        .run(String(this.#jobs++), async () =>
          signal.aborted || this.#isClosed ? undefined : await this.#runChild(job, signal, options.onPages),
        )
        .then(
          (document) =>
            document ? resolve(document) : reject(new MillraceError("unavailable", "the extractor was closed")),
          reject,
        );
    });
  }

  /** Kills what runs; it and what waits reject with `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const child of this.#children) child.kill("SIGKILL");
    await this.#queue.idle();
  }

  /** Settles when the process is gone, so that a slot is free only when its memory is. */
  #runChild(job: PdfJob, signal: AbortSignal, onPages: PdfRunOptions["onPages"]): Promise<ExtractedDocument> {
    const child = fork(fileURLToPath(pdfChildUrl), [], {
      execArgv: [...inheritedConditions(), `--max-old-space-size=${PDF_HEAP_MB}`],
      env: {
        PATH: process.env.PATH ?? "",
        ...(process.env.SystemRoot ? { SystemRoot: process.env.SystemRoot } : {}),
      },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#children.add(child);
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
    return new Promise<ExtractedDocument>((resolve, reject) => {
      let outcome: ExtractedDocument | MillraceError | undefined;
      child.on("message", (reply: PdfReply) => {
        if ("document" in reply) outcome = reply.document;
        else if ("error" in reply) outcome = fromErrorBody(reply.error);
        else onPages?.(reply.done, reply.total);
      });
      const finish = (death: MillraceError) => {
        signal.removeEventListener("abort", kill);
        this.#children.delete(child);
        if (outcome === undefined || outcome instanceof MillraceError)
          reject(this.#isClosed && !outcome ? closed() : (outcome ?? death));
        else resolve(outcome);
      };
      child.on("error", (cause) => {
        // Without a process id nothing was started, so no exit will follow.
        if (child.pid === undefined)
          finish(new MillraceError("unavailable", `no process for ${job.source} could be started`, { cause }));
      });
      child.on("exit", (code, death) => finish(exitError(job.source, code, death)));
      child.send(job, () => {});
    });
  }
}

/** How this process finds the packages' sources; nothing else of its options (inspector, test runner) is for the child. */
function inheritedConditions(): string[] {
  const { execArgv } = process;
  return execArgv.filter(
    (option, at) =>
      /^(--conditions=|-C=)/.test(option) ||
      /^(--conditions|-C)$/.test(execArgv[at - 1] ?? "") ||
      /^(--conditions|-C)$/.test(option),
  );
}

function closed(): MillraceError {
  return new MillraceError("unavailable", "the extractor was closed");
}

function exitError(source: string, code: number | null, death: NodeJS.Signals | null): MillraceError {
  // V8 aborts (SIGABRT, or SIGTRAP in some builds) when its heap is full.
  if (death === "SIGABRT" || death === "SIGTRAP" || code === 134) {
    return new MillraceError(
      "too_large",
      `reading ${source} needs more than the ${PDF_HEAP_MB} MB a PDF reader may use; split it`,
    );
  }
  return new MillraceError(
    "unavailable",
    `the process that read ${source} ended early (${death ?? `exit code ${code}`}); try again`,
  );
}
