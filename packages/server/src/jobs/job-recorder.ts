import { type Clock, MillraceError, toErrorBody } from "@millrace/core";
import { type Job, jobStream, type StreamEvent } from "@millrace/protocol";
import type { Call, Sequencer } from "@millrace/stream";
import { SETTLE_RETRY_MS, SETTLE_TRIES_MAX } from "../limits.ts";
import type { EndArgs, SettleArgs } from "./jobs-module.ts";
import { type InterruptReason, type Outcome, type RunningJob, tallied } from "./running-job.ts";
import { isTransient } from "./transient.ts";

export type JobRecorderOptions = {
  readonly sequencer: Sequencer;
  readonly clock: Clock;
  readonly onSettled: (running: RunningJob, settled: readonly SettleArgs[]) => void;
  readonly onEnded: (running: RunningJob) => void;
};

/**
 * Writes what becomes of a job. One write at a time for each job, which takes all outcomes there are; the one that settles the last source
 * also ends the job. So a job ends once (I7), its last frame counts what its rows hold, and a crash never leaves it settled but not ended.
 */
export class JobRecorder {
  readonly #options: JobRecorderOptions;
  #isClosing = false;

  constructor(options: JobRecorderOptions) {
    this.#options = options;
  }

  /** Settles when the outcome is durable. While the disk is full it is tried again: the work is done, only its record is missing. */
  settle(running: RunningJob, outcome: Outcome): Promise<void> {
    return new Promise((resolve, reject) => {
      running.unwritten.push({ ...outcome, resolve, reject });
      this.#start(running);
    });
  }

  /**
   * Ends the job with the sources open that are; settles when it has ended, be it by an outcome under way. Rejects with what the store says
   * when it cannot be written now: the job is stopped all the same, and its end is written as soon as that is possible.
   */
  interrupt(running: RunningJob, reason: InterruptReason): Promise<void> {
    running.reason ??= reason;
    running.isEnding = true;
    running.abort.abort(new MillraceError("cancelled", `the job was ${reason}`));
    return this.end(running);
  }

  /** Settles when the job has ended; to be called when its end is decided. */
  end(running: RunningJob): Promise<void> {
    if (running.isEnded) return Promise.resolve();
    return new Promise((resolve, reject) => {
      running.endWaiters.push({ resolve, reject });
      running.wake();
      this.#start(running);
    });
  }

  /** No more tries of what cannot be written. */
  close(): void {
    this.#isClosing = true;
  }

  #start(running: RunningJob): void {
    if (running.isWriting) return;
    running.isWriting = true;
    // A turn later, so that outcomes of one turn share a commit.
    queueMicrotask(() => void this.#writeAll(running));
  }

  async #writeAll(running: RunningJob): Promise<void> {
    while (running.unwritten.length > 0 || mustEnd(running)) {
      const batch = running.unwritten.splice(0);
      try {
        await this.#writePatiently(running, batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of [...batch, ...running.unwritten.splice(0)]) reject(error);
        refuseEnd(running, error);
        break;
      }
    }
    running.isWriting = false;
    if (running.isEnded) for (const { resolve } of running.endWaiters.splice(0)) resolve();
  }

  async #writePatiently(running: RunningJob, batch: readonly Outcome[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#write(running, batch);
      } catch (error) {
        if (!isTransient(error) || tries >= SETTLE_TRIES_MAX || this.#isClosing || running.isEnded) throw error;
        refuseEnd(running, error);
        await this.#pause(running);
      }
    }
  }

  /** Ends early for somebody who waits for the answer of the next try. */
  async #pause(running: RunningJob): Promise<void> {
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(SETTLE_RETRY_MS, resolve);
      running.wake = resolve;
    });
    cancel();
  }

  async #write(running: RunningJob, batch: readonly Outcome[]): Promise<void> {
    // Given up meanwhile: the space is gone, and with it the job.
    if (running.isEnded) throw new MillraceError("terminal", `job ${running.job} has ended`);
    const settles = batch.map(({ settle }) => settle);
    const tally = tallied(running.tally, settles);
    const isSettled = tally.stored + tally.failed === running.total;
    const end = isSettled || running.reason ? this.#endOf(running, tally) : undefined;
    if (end) running.isEnding = true;
    const calls: Call[] = settles.map((args) => ({ op: "jobs.settle", args }));
    const events = batch.map(({ event }) => event);
    if (end) {
      events.push(end.event);
      calls.push({ op: "jobs.end", args: end.args });
    }
    await this.#options.sequencer.append(jobStream(running.job), events, { alongside: calls });
    running.tally = tally;
    this.#options.onSettled(running, settles);
    if (!end) return;
    running.isEnded = true;
    this.#options.onEnded(running);
  }

  #endOf(running: RunningJob, tally: RunningJob["tally"]): { event: StreamEvent; args: EndArgs } {
    const { job, total, reason } = running;
    const nowMs = this.#options.clock.now();
    const counts = running.counts(nowMs, tally);
    const open = total - tally.stored - tally.failed;
    const toEnd = (state: Job["state"], data: object) => ({
      event: { type: `job.${state}`, id: job, data: { ...counts, ...data } },
      args: { job, state, endedMs: nowMs },
    });
    if (open > 0) return toEnd("interrupted", { open, reason });
    if (tally.stored > 0 || tally.failed === 0) return toEnd("done", {});
    const message = `none of the ${tally.failed} sources could be stored; each has its own error`;
    return toEnd("error", { error: toErrorBody(new MillraceError("no_text", message)) });
  }
}

function mustEnd({ isEnded, reason, open }: RunningJob): boolean {
  return !isEnded && (reason !== undefined || open === 0);
}

function refuseEnd({ endWaiters }: RunningJob, error: unknown): void {
  for (const { reject } of endWaiters.splice(0)) reject(error);
}
