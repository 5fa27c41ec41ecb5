/** Several sources read side by side, a few at a time: what happened is told in order of completion. */
import { type Clock, toErrorBody } from "@millrace/core";
import { type PageReader, type PageReadOptions, READ_TIMEOUT_MS } from "@millrace/extract";
import type { ErrorBody, ExtractPhase, PageDocument } from "@millrace/protocol";
import { type ReadTask, SourceQueue } from "./source-queue.ts";

export type ReadEvent =
  | {
      readonly kind: "progress";
      readonly task: ReadTask;
      readonly phase: ExtractPhase;
      readonly done?: number;
      readonly total?: number;
    }
  | { readonly kind: "result"; readonly task: ReadTask; readonly document: PageDocument }
  | { readonly kind: "error"; readonly task: ReadTask; readonly error: ErrorBody };

export type ReadAllOptions = {
  readonly reader: Pick<PageReader, "read" | "originWaitMs">;
  readonly tasks: readonly ReadTask[];
  readonly read: PageReadOptions;
  readonly concurrency: number;
  readonly clock: Clock;
  /** No source is begun once it aborts, and those under way are given up without an event. */
  readonly signal: AbortSignal;
  /** Settles when the next source may be begun: how a slow reader holds the work up. */
  readonly room: () => Promise<void>;
  /** A result is told before its place is given to the next source. */
  readonly tell: (event: ReadEvent) => Promise<void>;
};

/**
 * Settles when every source was told of, or `signal` has aborted; rejects when `tell` does. A source whose origin is not to be asked now
 * waits for it while others are read, within the time that all would take together.
 */
export async function readAll(options: ReadAllOptions): Promise<void> {
  const { tasks, concurrency, reader, clock, read } = options;
  const budgetMs = (read.timeoutMs ?? READ_TIMEOUT_MS) * Math.ceil(tasks.length / concurrency);
  const queue = new SourceQueue({ tasks, reader, clock, budgetMs });
  const lanes = Array.from({ length: Math.min(concurrency, tasks.length) }, () => runLane(queue, options));
  await Promise.all(lanes);
}

async function runLane(queue: SourceQueue, options: ReadAllOptions): Promise<void> {
  const { signal, room, tell, clock } = options;
  for (;;) {
    await room();
    if (signal.aborted) return;
    const task = queue.take();
    if (task) {
      const event = await readOne(task, queue, options);
      if (signal.aborted) return;
      if (event) await tell(event);
    } else if (queue.size === 0) return;
    else await pause(clock, queue.waitMs, signal);
  }
}

/** What came of it; undefined when it was put off. */
async function readOne(task: ReadTask, queue: SourceQueue, options: ReadAllOptions): Promise<ReadEvent | undefined> {
  const { reader, tasks, read, signal, tell } = options;
  // What is not told of a phase is no loss; of a result it is.
  const onPhase: PageReadOptions["onPhase"] = (phase, progress) =>
    void tell({ kind: "progress", task, phase, ...progress }).catch(() => {});
  // Of a long list nobody waits for each; of one source somebody does.
  const priority = tasks.length > 1 ? "bulk" : "interactive";
  const originWaitMsMax = queue.originWaitMsMax(task);
  try {
    const document = await reader.read(task.source, { ...read, signal, priority, originWaitMsMax, onPhase });
    if (!document.cache.hit) queue.succeeded(task);
    return { kind: "result", task, document };
  } catch (error) {
    const final = queue.putOff(task, error);
    return final && { kind: "error", task, error: toErrorBody(final) };
  }
}

/** Settles after `ms`, or when `signal` aborts. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener("abort", end, { once: true });
  });
}
