import { type Clock, createIdFactory, MillraceError } from "@millrace/core";
import type { PageReader, PageReadOptions } from "@millrace/extract";
import { type Cursor, type ExtractDataOf, extractStream, type Seq, type StreamId } from "@millrace/protocol";
import type { LogReader, Sequencer, Storage } from "@millrace/stream";
import { EXTRACT_KEEP_MS, EXTRACTS_FORGOTTEN_AT_ONCE, EXTRACTS_KEPT_MAX, EXTRACTS_RUNNING_MAX } from "../limits.ts";
import { extractEvent, toEvents } from "./extract-frames.ts";
import type { BeginArgs, EndArgs, ExtractReads, ExtractRow, ExtractState } from "./extract-module.ts";
import type { Flow } from "./flow.ts";
import { type ReadEvent, readAll } from "./read-all.ts";
import type { ReadTask } from "./source-queue.ts";

export type ExtractRunsOptions = {
  readonly sequencer: Sequencer;
  readonly storage: Storage;
  readonly log: LogReader;
  readonly reader: PageReader;
  readonly clock: Clock;
};

export type StartOptions = {
  readonly read: PageReadOptions;
  readonly concurrency: number;
  /** Holds the work up while its reader is behind. */
  readonly flow: Flow;
  /** Monotonic milliseconds at which the request came. */
  readonly requestedMs: number;
};

/** One extraction under way. */
export type ExtractRun = {
  readonly job: string;
  readonly stream: StreamId;
  readonly total: number;
  /** Settles when its last frame is durable; rejects when that could not be written. */
  readonly ended: Promise<void>;
};

type EndState = Exclude<ExtractState, "running">;
type Running = {
  readonly job: string;
  readonly stream: StreamId;
  readonly total: number;
  readonly startedMs: number;
  readonly flow: Flow;
  readonly abort: AbortController;
  ended: Promise<void>;
  endsAs: EndState;
  done: number;
  failed: number;
  firstEventMs: number;
};

/**
 * Extractions of several sources. Each is a stream `extract:<job>` that begins with `extract.start`, before anything is fetched, and ends in
 * exactly one `extract.summary` (I7); a result is in the log before the next source takes its place, so none is ever dropped.
 */
export class ExtractRuns {
  readonly #options: ExtractRunsOptions;
  readonly #newId: () => string;
  readonly #running = new Map<string, Running>();
  #isClosing = false;

  constructor(options: ExtractRunsOptions) {
    this.#options = options;
    this.#newId = createIdFactory(options.clock);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Ends what the last process left running. Call it once, before any other. On a full disk it is left for the next start. */
  async recover(): Promise<void> {
    const left = await this.#options.storage.read<ExtractReads["running"]>("extracts.running", null);
    for (const row of left) {
      const { done, failed } = await this.#countFrames(row.job);
      await this.#writeEnd({ ...row, done, failed, startedMs: row.createdMs }, "interrupted").catch(
        (error: unknown) => {
          if (MillraceError.from(error).code !== "storage_full") throw error;
        },
      );
    }
  }

  /** Begins an extraction; settles once its first frame is durable. `overloaded` when too many run, `unavailable` while closing. */
  async start(tasks: readonly ReadTask[], options: StartOptions): Promise<ExtractRun> {
    this.#admit();
    const { clock } = this.#options;
    const job = this.#newId();
    const stream = extractStream(job);
    const running: Running = {
      ...{ job, stream, total: tasks.length, startedMs: clock.now(), flow: options.flow, abort: new AbortController() },
      ...{ ended: Promise.resolve(), endsAs: "done", done: 0, failed: 0, firstEventMs: 0 },
    };
    this.#running.set(job, running);
    try {
      const begin: BeginArgs = { job, total: tasks.length, createdMs: running.startedMs };
      await this.#append(running.stream, [extractEvent("extract.start", job, { job, total: tasks.length })], {
        op: "extracts.begin",
        args: begin,
      });
    } catch (error) {
      this.#running.delete(job);
      throw error;
    }
    running.firstEventMs = clock.monotonic() - options.requestedMs;
    running.ended = this.#run(running, tasks, options).finally(() => this.#running.delete(job));
    // Who follows it awaits this; that nobody does must not end the process.
    running.ended.catch(() => {});
    void this.#forgetOld();
    return running;
  }

  /** Ends it, with what was read so far; settles when it has ended. `conflict` unless it runs, `not_found` when there is none. */
  async cancel(job: string): Promise<void> {
    const running = this.#running.get(job);
    if (running) return this.#stop(running, "cancelled");
    const { state } = await this.status(job);
    throw new MillraceError("conflict", `extraction ${job} is ${state}; only a running one is cancelled`);
  }

  /** How far it is. `not_found` when there is none of that name, or it ended long ago. */
  async status(job: string): Promise<ExtractRow> {
    const row = await this.#options.storage.read<ExtractReads["extract"]>("extracts.extract", { job });
    if (!row)
      throw new MillraceError("not_found", `no extraction is named ${job.slice(0, 80)}; it may have ended long ago`);
    const running = this.#running.get(job);
    return running ? { ...row, done: running.done, failed: running.failed } : row;
  }

  /** Takes no more and ends what runs as interrupted. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled([...this.#running.values()].map((running) => this.#stop(running, "interrupted")));
  }

  #admit(): void {
    if (this.#isClosing) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
    if (this.#running.size < EXTRACTS_RUNNING_MAX) return;
    const message = `${EXTRACTS_RUNNING_MAX} extractions are running, which is the limit; try again later`;
    throw new MillraceError("overloaded", message, { retryAfterMs: 5_000 });
  }

  async #run(running: Running, tasks: readonly ReadTask[], { read, concurrency, flow }: StartOptions): Promise<void> {
    const { signal } = running.abort;
    const { reader, clock } = this.#options;
    const room = () => flow.room();
    const tell = (event: ReadEvent) => this.#tell(running, event);
    try {
      await readAll({ reader, tasks, read, concurrency, clock, signal, room, tell });
    } catch (error) {
      // The log takes no more results: what is there is kept, and the rest is for another try.
      running.abort.abort(error);
      running.endsAs = "interrupted";
    }
    await this.#writeEnd(running, running.endsAs);
  }

  async #tell(running: Running, event: ReadEvent): Promise<void> {
    if (running.abort.signal.aborted) return;
    const { firstEventMs } = running;
    const timed =
      event.kind === "result" ? { ...event, document: withFirstEvent(event.document, firstEventMs) } : event;
    await this.#append(running.stream, toEvents(running.job, timed));
    if (event.kind === "result") running.done++;
    if (event.kind === "error") running.failed++;
  }

  async #stop(running: Running, as: EndState): Promise<void> {
    if (running.endsAs === "done") running.endsAs = as;
    running.abort.abort(new MillraceError("cancelled", `the extraction was ${as}`));
    running.flow.isHeld = false;
    await running.ended;
  }

  async #writeEnd(
    run: Pick<Running, "job" | "total" | "done" | "failed" | "startedMs">,
    endsAs: EndState,
  ): Promise<void> {
    const { job, total, done, failed, startedMs } = run;
    const open = total - done - failed;
    // Cancelled while the last result was being written, it is done all the same.
    const state = open === 0 ? "done" : endsAs;
    const endedMs = this.#options.clock.now();
    const elapsedMs = Math.max(0, endedMs - startedMs);
    const data: ExtractDataOf["extract.summary"] = { job, total, done, failed, elapsedMs, state, open };
    const end: EndArgs = { job, state, done, failed, endedMs };
    await this.#append(extractStream(job), [extractEvent("extract.summary", job, data)], {
      op: "extracts.end",
      args: end,
    });
  }

  async #append(
    stream: StreamId,
    events: Parameters<Sequencer["append"]>[1],
    alongside?: { op: string; args: unknown },
  ) {
    await this.#options.sequencer.append(stream, events, alongside ? { alongside: [alongside] } : {});
  }

  async #countFrames(job: string): Promise<{ done: number; failed: number }> {
    const { log } = this.#options;
    let [done, failed] = [0, 0];
    for (let after: Cursor | undefined; ; ) {
      const page = await log.frames(extractStream(job), after, 1_000);
      for (const { json } of page.frames) {
        const { type } = JSON.parse(json) as { type: string };
        if (type === "extract.result") done++;
        if (type === "extract.error") failed++;
      }
      if (page.last >= page.head) return { done, failed };
      after = { epoch: page.epoch, seq: page.last as Seq };
    }
  }

  /** Streams of extractions that ended long ago go, some at a time. */
  async #forgetOld(): Promise<void> {
    const { storage, sequencer, clock } = this.#options;
    const args = {
      beforeMs: clock.now() - EXTRACT_KEEP_MS,
      keep: EXTRACTS_KEPT_MAX,
      limit: EXTRACTS_FORGOTTEN_AT_ONCE,
    };
    try {
      const jobs = await storage.read<ExtractReads["old"]>("extracts.old", args);
      if (jobs.length > 0) await sequencer.remove(jobs.map(extractStream), [{ op: "extracts.forget", args: { jobs } }]);
    } catch {
      // They are found again at the next start of an extraction.
    }
  }
}

function withFirstEvent<Document extends { timings: object }>(document: Document, firstEventMs: number): Document {
  return { ...document, timings: { ...document.timings, firstEventMs } };
}
