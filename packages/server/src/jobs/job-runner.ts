import { type Clock, createIdFactory, type ErrorBody, MillraceError, systemClock, toErrorBody } from "@millrace/core";
import { jobStream, type SpaceId, type StreamEvent, type StreamId } from "@millrace/protocol";
import type { Call, Sequencer } from "@millrace/stream";
import {
  INGEST_RETRY_MS,
  INGEST_TRIES_MAX,
  JOBS_RUNNING_MAX,
  PROGRESS_EVERY_MS,
  SOURCES_AT_ONCE,
  UPLOAD_IDLE_MS,
} from "../limits.ts";
import { JobRecorder } from "./job-recorder.ts";
import type { JobStore } from "./job-store.ts";
import type { SettleArgs, SourceInput, SourceRow } from "./jobs-module.ts";
import { RunningJob } from "./running-job.ts";
import type { Ingested, SourceIngest } from "./source-ingest.ts";
import { isTransient } from "./transient.ts";

export type JobRunnerOptions = {
  readonly sequencer: Sequencer;
  readonly store: JobStore;
  readonly ingest: Pick<SourceIngest, "run" | "documentId">;
  readonly onSettled?: (outcome: { isStored: boolean; chunks: number; bytes: number }) => void;
  readonly clock?: Clock;
};

/** What goes with a space when it is deleted: the streams of its jobs, and their rows. */
export type JobsOfSpace = { readonly streams: readonly StreamId[]; readonly alongside: readonly Call[] };

/**
 * Runs jobs: each source is ingested, its outcome is one frame and one row in the same commit, and the job ends in exactly one terminal
 * frame (I7). Sources of all jobs share SOURCES_AT_ONCE places, handed out in turn, so that a large job does not hold up a small one.
 */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #recorder: JobRecorder;
  /** In order of whose turn is next. */
  readonly #running = new Map<string, RunningJob>();
  /** Jobs on their way to the disk. */
  readonly #starting = new Map<Promise<void>, SpaceId>();
  /** Spaces being deleted: they take no job. */
  readonly #leaving = new Set<SpaceId>();
  readonly #endWaiters = new Map<string, Set<() => void>>();
  #inWork = 0;
  #isClosing = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#newId = createIdFactory(this.#clock);
    this.#recorder = new JobRecorder({
      sequencer: options.sequencer,
      clock: this.#clock,
      onSettled: (running, settled) => this.#afterSettled(running, settled),
      onEnded: (running) => this.#forget(running),
    });
  }

  get running(): number {
    return this.#running.size;
  }

  /** Sources ready and not in work. */
  get waiting(): number {
    return [...this.#running.values()].reduce((sum, { ready }) => sum + ready.length, 0);
  }

  get inWork(): number {
    return this.#inWork;
  }

  /**
   * Ends what the last process left running: as interrupted, or as done when every source was settled. On a full disk the ends are
   * written once there is room. Call it once, before any other.
   */
  async recover(): Promise<void> {
    const left = await this.#options.store.jobs(
      { space: "", state: "running", limit: Number.MAX_SAFE_INTEGER },
      this.#clock.now(),
    );
    for (const { job, space, total, createdMs, stored, failed, chunks, bytes } of left) {
      const tally = { stored, failed, chunks, bytes };
      const running = new RunningJob({ job, space: space as SpaceId, total, startedMs: createdMs, tally });
      this.#running.set(job, running);
      await this.#recorder.interrupt(running, "restart").catch((error: unknown) => {
        if (!isTransient(error)) throw error;
      });
    }
  }

  /** Starts a job over the sources; settles once it is durable. */
  async start(space: SpaceId, sources: readonly SourceInput[]): Promise<string> {
    this.#admit(space);
    const job = this.#newId();
    const create: Call = { op: "jobs.create", args: { job, space, createdMs: this.#clock.now(), sources } };
    await this.#begin({ job, space, total: sources.length }, create);
    return job;
  }

  /** A new job over the open sources of an interrupted one; `conflict` unless it is interrupted and not yet resumed. */
  async resume(interrupted: string): Promise<string> {
    const { space, state, total, stored, failed } = await this.#options.store.row(interrupted);
    if (state !== "interrupted")
      throw new MillraceError("conflict", `job ${interrupted} is ${state}; only an interrupted job is resumed`);
    this.#admit(space as SpaceId);
    const job = this.#newId();
    const resume: Call = { op: "jobs.resume", args: { job, resumes: interrupted, createdMs: this.#clock.now() } };
    const open = total - stored - failed;
    await this.#begin({ job, space: space as SpaceId, total: open, resumes: interrupted }, resume);
    return job;
  }

  async cancel(job: string): Promise<void> {
    const running = this.#running.get(job);
    if (running) await this.#recorder.interrupt(running, "cancelled");
    if (running && running.open > 0) return;
    const { state } = await this.#options.store.row(job);
    throw new MillraceError("conflict", `job ${job} is ${state}; only a running job is cancelled`);
  }

  /**
   * Stops every job of the space, waits for what they have in work, then calls `remove` with what else is to go. Until that has settled
   * the space takes no job.
   */
  async removeSpace(space: SpaceId, remove: (jobs: JobsOfSpace) => Promise<void>): Promise<void> {
    if (this.#leaving.has(space)) throw leaving(space);
    this.#leaving.add(space);
    try {
      await Promise.allSettled([...this.#starting].flatMap(([done, of]) => (of === space ? [done] : [])));
      const stopped = [...this.#running.values()].filter((running) => running.space === space);
      for (const running of stopped) {
        // On a full disk its end cannot be written; it goes all the same, with its rows.
        await this.#recorder.interrupt(running, "cancelled").catch(() => {});
        await Promise.all(running.workers);
      }
      await remove({ streams: await this.#streamsOf(space), alongside: [{ op: "jobs.forget", args: { space } }] });
      for (const running of stopped) {
        running.isEnded = true;
        this.#forget(running);
      }
    } finally {
      this.#leaving.delete(space);
    }
  }

  /** The bytes of an announced source; settles once they are durable. `conflict` unless the job runs and waits for them. */
  async receive(job: string, index: number, contentType: string | null, body: Uint8Array): Promise<void> {
    const { running, source } = await this.#claim(job, index);
    running.receiving++;
    try {
      await this.#options.store.receive(job, index, contentType, body);
      running.ready.push({ ...source, state: "queued", contentType: contentType ?? source.contentType });
    } catch (error) {
      running.waiting.set(index, source);
      throw error;
    } finally {
      running.receiving--;
    }
    this.#watchIdle(running);
    this.#pump();
  }

  /** Settles an announced source whose bytes will not come as failed; `conflict` unless the job runs and waits for them. */
  async withdraw(job: string, index: number): Promise<void> {
    const { running, source } = await this.#claim(job, index);
    const error = toErrorBody(
      new MillraceError("cancelled", "the client withdrew the file before its bytes were sent"),
    );
    const data = { job, index, source: source.source, error };
    const event = { type: "document.failed", id: this.#options.ingest.documentId(running.space, source), data };
    const settle: SettleArgs = { job, index, state: "failed", error, chunks: 0, bytes: 0 };
    await this.#recorder.settle(running, { event, settle });
    this.#endIfStuck(running);
  }

  /** Settles when the job has ended, or when `signal` aborts. */
  ended(job: string, signal: AbortSignal): Promise<void> {
    if (!this.#running.has(job)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#endWaiters.get(job) ?? new Set();
      waiters.add(resolve);
      this.#endWaiters.set(job, waiters);
      const leave = () => {
        waiters.delete(resolve);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Takes no new source; settles when none is in work. Jobs left are found interrupted at the next start. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    this.#recorder.close();
    for (const running of this.#running.values()) running.cancelIdle();
    if (this.#inWork > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Gives up what is in work: used when draining took too long. */
  abortAll(): void {
    for (const running of this.#running.values())
      running.abort.abort(new MillraceError("unavailable", "the engine is closing"));
  }

  #admit(space: SpaceId): void {
    if (this.#isClosing) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1000 });
    if (this.#leaving.has(space)) throw leaving(space);
    if (this.#running.size + this.#starting.size < JOBS_RUNNING_MAX) return;
    throw new MillraceError("overloaded", `${JOBS_RUNNING_MAX} jobs are running, which is the limit; try again later`, {
      retryAfterMs: 5_000,
    });
  }

  async #begin(data: { job: string; space: SpaceId; total: number; resumes?: string }, create: Call): Promise<void> {
    const { job, space, total } = data;
    const begun = this.#append(job, [{ type: "job.started", id: job, data }], [create]).then(async () => {
      const running = new RunningJob({ job, space, total, startedMs: this.#clock.now() });
      running.take(await this.#options.store.openSources(job));
      this.#running.set(job, running);
      if (total === 0) await this.#recorder.end(running);
      this.#watchIdle(running);
    });
    this.#starting.set(begun, space);
    await begun.finally(() => this.#starting.delete(begun));
    this.#pump();
  }

  /** An announced source that still waits for its upload, taken by the caller: nobody else can take it. */
  async #claim(job: string, index: number): Promise<{ running: RunningJob; source: SourceRow }> {
    const running = this.#running.get(job);
    const source = running?.waiting.get(index);
    if (running && source && !running.isEnding && running.waiting.delete(index)) return { running, source };
    await this.#options.store.row(job);
    throw new MillraceError("conflict", `source ${index} of job ${job} does not wait for an upload`);
  }

  /** Hands free places to the jobs in turn. */
  #pump(): void {
    for (let idle = 0; this.#inWork < SOURCES_AT_ONCE && !this.#isClosing && idle < this.#running.size; ) {
      const [first] = this.#running.entries();
      if (!first) return;
      const [job, running] = first;
      this.#running.delete(job);
      this.#running.set(job, running);
      const source = running.isEnding ? undefined : running.ready.shift();
      idle = source ? 0 : idle + 1;
      if (source) this.#work(running, source);
    }
  }

  #work(running: RunningJob, source: SourceRow): void {
    this.#inWork++;
    const worker = this.#run(running, source)
      // What cannot be recorded is not lost: the source stays open in the store, and the job is found interrupted.
      .catch(() => running.abort.abort())
      .finally(() => {
        this.#inWork--;
        running.workers.delete(worker);
        this.#endIfStuck(running);
        this.#pump();
        if (this.#inWork === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      });
    running.workers.add(worker);
  }

  async #run(running: RunningJob, source: SourceRow): Promise<void> {
    const { job, space, abort } = running;
    const { index } = source;
    const document = this.#options.ingest.documentId(space, source);
    const about = { job, index, source: source.source };
    const startedMs = this.#clock.monotonic();
    const outcome = await this.#ingestPatiently(running, source, document);
    if (abort.signal.aborted) return;
    if (outcome === undefined) {
      running.leftOpen++;
      return;
    }
    const isFailure = "code" in outcome;
    const tookMs = this.#clock.monotonic() - startedMs;
    const counted = isFailure ? { chunks: 0, bytes: 0 } : { chunks: outcome.chunks, bytes: outcome.bytes };
    const state = isFailure ? "failed" : "stored";
    const settle: SettleArgs = { job, index, state, error: isFailure ? outcome : null, ...counted };
    const event = isFailure
      ? { type: "document.failed", id: document, data: { ...about, error: outcome } }
      : { type: "document.stored", id: document, data: { ...about, ...outcome, tookMs } };
    // Stopped while the disk is full, the source gives its place back; its outcome is written when that is possible.
    await untilAborted(this.#recorder.settle(running, { event, settle }), abort.signal);
  }

  /**
   * What became of the source; undefined when it is left open. A source is not to blame for a full disk or a full queue: it is tried again,
   * in its place, so that the engine takes on less while it cannot keep what it makes.
   */
  async #ingestPatiently(
    running: RunningJob,
    source: SourceRow,
    document: string,
  ): Promise<Ingested | ErrorBody | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#ingest(running, source, document);
      } catch (error) {
        if (running.abort.signal.aborted) return undefined;
        if (!isTransient(error)) return toErrorBody(error);
        if (tries === INGEST_TRIES_MAX || this.#isClosing) return undefined;
        const { retryAfterMs = 0 } = MillraceError.from(error);
        await this.#pause(Math.max(INGEST_RETRY_MS * 2 ** (tries - 1), retryAfterMs), running.abort.signal);
      }
    }
  }

  async #ingest(running: RunningJob, source: SourceRow, document: string): Promise<Ingested> {
    const { job, abort, space } = running;
    abort.signal.throwIfAborted();
    const about = { job, index: source.index, source: source.source };
    const work: Call = { op: "jobs.work", args: { job, index: source.index } };
    await this.#append(job, [{ type: "document.started", id: document, data: about }], [work]);
    let shownAtMs = Number.NEGATIVE_INFINITY;
    return this.#options.ingest.run({ job, space, source, signal: abort.signal }, (progress) => {
      const nowMs = this.#clock.monotonic();
      if (running.isEnding || nowMs - shownAtMs < PROGRESS_EVERY_MS) return;
      shownAtMs = nowMs;
      this.#append(job, [{ type: "document.progress", id: document, data: { ...about, ...progress } }]).catch(() => {});
    });
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    let cancel = () => {};
    const over = new Promise<void>((resolve) => {
      cancel = this.#clock.after(delayMs, resolve);
    });
    return untilAborted(over, signal).finally(cancel);
  }

  #afterSettled(running: RunningJob, settled: readonly SettleArgs[]): void {
    for (const { state, chunks, bytes } of settled)
      this.#options.onSettled?.({ isStored: state === "stored", chunks, bytes });
    this.#showProgress(running);
  }

  /** At most one progress frame every PROGRESS_EVERY_MS, and always one after the last change. */
  #showProgress(running: RunningJob): void {
    if (running.isProgressDue || running.isEnding) return;
    running.isProgressDue = true;
    const waitMs = Math.max(0, PROGRESS_EVERY_MS - (this.#clock.monotonic() - running.progressAtMs));
    this.#clock.after(waitMs, () => {
      running.isProgressDue = false;
      running.progressAtMs = this.#clock.monotonic();
      if (running.isEnding || this.#isClosing) return;
      const nowMs = this.#clock.now();
      const data = { ...running.counts(nowMs), etaMs: running.etaMs(nowMs) };
      this.#append(running.job, [{ type: "job.progress", id: running.job, data }]).catch(() => {});
    });
  }

  /** A job whose remaining sources the engine could not take ends; resuming it tries them again. */
  #endIfStuck(running: RunningJob): void {
    if (running.leftOpen === 0 || !running.isIdle || running.isEnding || this.#isClosing) return;
    this.#recorder.interrupt(running, "abandoned").catch(() => {});
  }

  #forget({ job, cancelIdle }: RunningJob): void {
    cancelIdle();
    this.#running.delete(job);
    for (const resolve of this.#endWaiters.get(job) ?? []) resolve();
    this.#endWaiters.delete(job);
  }

  #watchIdle(running: RunningJob): void {
    running.cancelIdle();
    if (running.waiting.size === 0 || running.isEnding || this.#isClosing) return;
    running.cancelIdle = this.#clock.after(UPLOAD_IDLE_MS, () => {
      const isBusy = running.ready.length + running.receiving + running.workers.size > 0;
      if (isBusy) this.#watchIdle(running);
      else this.#recorder.interrupt(running, "abandoned").catch(() => {});
    });
  }

  async #streamsOf(space: SpaceId): Promise<StreamId[]> {
    const filter = { space, state: "", limit: Number.MAX_SAFE_INTEGER };
    return (await this.#options.store.jobs(filter, this.#clock.now())).map(({ job }) => jobStream(job));
  }

  async #append(job: string, events: readonly StreamEvent[], alongside: readonly Call[] = []): Promise<void> {
    await this.#options.sequencer.append(jobStream(job), events, { alongside });
  }
}

/** Settles as `work` does, or when `signal` aborts. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = () => {};
  const aborted = new Promise<void>((resolve) => {
    leave = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", leave, { once: true });
  });
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", leave));
}

function leaving(space: SpaceId): MillraceError {
  const message = `space ${space} is being deleted; try again when it is gone`;
  return new MillraceError("conflict", message, { retryable: true, retryAfterMs: 500 });
}
