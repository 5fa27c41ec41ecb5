import { type Job, MillraceError, type Source } from "@millrace/protocol";
import { fullJitterMs } from "./backoff.ts";
import type { ClientContext } from "./client.ts";
import { sleep } from "./clock.ts";
import { JobHandle } from "./job.ts";
import {
  JOB_SOURCES_MAX,
  RETRY_AFTER_MAX_MS,
  UPLOAD_ATTEMPTS_MAX,
  UPLOAD_CONCURRENCY,
  UPLOAD_CONCURRENCY_MAX,
} from "./limits.ts";

/** A file to add. `open` is called when its turn comes, and again for another try: the files are never all in memory. */
export type UploadFile = {
  /** Its path or name; the document is known by it. */
  readonly source: string;
  readonly contentType?: string | undefined;
  readonly bytes?: number | undefined;
  readonly open: () => Blob | Uint8Array | Promise<Blob | Uint8Array>;
};

export type UploadOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Files in flight, 1 to 64; default 6. */
  readonly concurrency?: number;
};

export type UploadEvent =
  /** A job was announced; follow `job.stream` for what becomes of the files. */
  | { readonly kind: "job"; readonly job: Job }
  /** The engine holds the bytes and will not lose them. */
  | { readonly kind: "queued"; readonly job: string; readonly index: number; readonly source: string }
  | {
      readonly kind: "failed";
      readonly job: string;
      readonly index: number;
      readonly source: string;
      readonly error: MillraceError;
    };

type Task = { readonly handle: JobHandle; readonly index: number; readonly file: UploadFile };

/** See `SpaceHandle.upload`. */
export async function* upload(
  context: ClientContext,
  space: string,
  files: Iterable<UploadFile> | AsyncIterable<UploadFile>,
  options: UploadOptions,
): AsyncGenerator<UploadEvent> {
  const concurrency = checkConcurrency(options.concurrency ?? UPLOAD_CONCURRENCY);
  for await (const batch of batches(files)) {
    const job = await announce(context, space, batch, options.signal);
    yield { kind: "job", job };
    const handle = new JobHandle(context, job.job);
    const tasks = batch.map((file, index): Task => ({ handle, index, file }));
    yield* send(context, tasks, { concurrency, signal: options.signal });
  }
}

async function* batches(files: Iterable<UploadFile> | AsyncIterable<UploadFile>): AsyncGenerator<UploadFile[]> {
  let batch: UploadFile[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length === JOB_SOURCES_MAX) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function announce(context: ClientContext, space: string, files: UploadFile[], signal?: AbortSignal): Promise<Job> {
  const sources = files.map(({ source, contentType, bytes }): Source => {
    const about = { ...(contentType ? { contentType } : {}), ...(bytes === undefined ? {} : { bytes }) };
    return { source, upload: true, ...about };
  });
  const path = `/v1/spaces/${encodeURIComponent(space)}/documents`;
  const call = () => context.http.call<Job>("POST", path, { json: { sources }, signal });
  return withRetries(context, call, signal);
}

/** Keeps `concurrency` files in flight; leaving the loop stops those still in flight. */
async function* send(
  context: ClientContext,
  tasks: readonly Task[],
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<UploadEvent> {
  const left = new AbortController();
  const both = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const inFlight = new Map<number, Promise<UploadEvent>>();
  let next = 0;
  try {
    while (next < tasks.length || inFlight.size > 0) {
      for (let task = tasks[next]; task && inFlight.size < concurrency; task = tasks[next]) {
        inFlight.set(task.index, sendOne(context, task, both));
        next++;
      }
      const event = await Promise.race(inFlight.values());
      if (event.kind !== "job") inFlight.delete(event.index);
      if (signal?.aborted) throw new MillraceError("cancelled", "the upload was cancelled by its caller");
      yield event;
    }
  } finally {
    left.abort();
  }
}

async function sendOne(
  context: ClientContext,
  { handle, index, file }: Task,
  signal: AbortSignal,
): Promise<UploadEvent> {
  const about = { job: handle.job, index, source: file.source };
  try {
    const { contentType } = file;
    await withRetries(context, async () => handle.putSource(index, await file.open(), { contentType, signal }), signal);
    return { kind: "queued", ...about };
  } catch (error) {
    return { kind: "failed", ...about, error: MillraceError.from(error, "unreadable_document") };
  }
}

/** Repeats a call that may be repeated, after the engine's `retryAfterMs` or a wait with full jitter, whichever is longer. */
async function withRetries<T>({ clock, rng }: ClientContext, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const isOver = attempt === UPLOAD_ATTEMPTS_MAX || signal?.aborted;
      if (!(error instanceof MillraceError) || !error.retryable || isOver) throw error;
      const waitMs = Math.max(fullJitterMs(attempt, rng), error.retryAfterMs ?? 0);
      await sleep(clock, Math.min(waitMs, RETRY_AFTER_MAX_MS), signal);
    }
  }
}

function checkConcurrency(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= UPLOAD_CONCURRENCY_MAX) return value;
  const text = `concurrency is ${value}; it must be a whole number from 1 to ${UPLOAD_CONCURRENCY_MAX}`;
  throw new MillraceError("invalid_argument", text);
}
