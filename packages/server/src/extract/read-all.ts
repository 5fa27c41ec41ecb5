/** Several sources read side by side, a few at a time: what happened is told in order of completion. */
import { toErrorBody } from "@millrace/core";
import type { PageReader, PageReadOptions, ReadSource } from "@millrace/extract";
import type { ErrorBody, ExtractPhase, PageDocument } from "@millrace/protocol";

export type ReadTask = { readonly index: number; readonly source: ReadSource; readonly name: string };

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
  readonly reader: PageReader;
  readonly tasks: readonly ReadTask[];
  readonly read: PageReadOptions;
  readonly concurrency: number;
  /** No source is begun once it aborts, and those under way are given up without an event. */
  readonly signal: AbortSignal;
  /** Settles when the next source may be begun: how a slow reader holds the work up. */
  readonly room: () => Promise<void>;
  /** A result is told before its place is given to the next source. */
  readonly tell: (event: ReadEvent) => Promise<void>;
};

/** Settles when every source was told of, or `signal` has aborted; rejects when `tell` does. */
export async function readAll(options: ReadAllOptions): Promise<void> {
  const { tasks, concurrency } = options;
  const waiting = tasks.values();
  const lanes = Array.from({ length: Math.min(concurrency, tasks.length) }, () => runLane(waiting, options));
  await Promise.all(lanes);
}

async function runLane(waiting: Iterator<ReadTask>, options: ReadAllOptions): Promise<void> {
  const { signal, room, tell } = options;
  for (;;) {
    await room();
    if (signal.aborted) return;
    const next = waiting.next();
    if (next.done) return;
    const event = await readOne(next.value, options);
    if (signal.aborted) return;
    await tell(event);
  }
}

async function readOne(task: ReadTask, { reader, tasks, read, signal, tell }: ReadAllOptions): Promise<ReadEvent> {
  // What is not told of a phase is no loss; of a result it is.
  const onPhase: PageReadOptions["onPhase"] = (phase, progress) =>
    void tell({ kind: "progress", task, phase, ...progress }).catch(() => {});
  // Of a long list nobody waits for each; of one source somebody does.
  const priority = tasks.length > 1 ? "bulk" : "interactive";
  try {
    return { kind: "result", task, document: await reader.read(task.source, { ...read, signal, priority, onPhase }) };
  } catch (error) {
    return { kind: "error", task, error: toErrorBody(error) };
  }
}
