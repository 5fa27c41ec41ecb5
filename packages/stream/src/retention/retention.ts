import { type Clock, MillraceError, systemClock } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import {
  CHANGED_SLACK_MS,
  GROWTH_FRAMES,
  GROWTH_PAUSE_MS,
  RETAIN_WAIT_MS,
  SWEEP_EVERY_MS,
  TRIM_FRAMES_MAX,
} from "../limits.ts";
import type { Sequencer } from "../sequencer.ts";
import type { Storage } from "../storage/storage.ts";
import { checkPolicy, checkTrimmable, type RetentionDefaults, type RetentionPolicy } from "./policy.ts";
import type {
  DueArgs,
  DuePage,
  DueStream,
  EndedJobsArgs,
  EndedJobsPage,
  RetainedStream,
  RetentionReads,
  RetentionWrites,
  StepArgs,
} from "./retention-module.ts";
import type { TrimStep } from "./trim-step.ts";

export type RetentionOptions = {
  readonly storage: Storage;
  readonly sequencer: Pick<Sequencer, "trimmed" | "remove">;
  readonly clock?: Clock;
  /** Default: everything is kept. */
  readonly defaults?: RetentionDefaults;
  /** Told of a pass that failed; the next one tries again. */
  readonly onError?: (error: MillraceError) => void;
};

/** A stream's policy and what it holds under it. */
export type RetentionState = {
  readonly stream: StreamId;
  readonly policy: RetentionPolicy;
  /** The stream has no policy of its own; this is the engine's. */
  readonly isDefault: boolean;
  readonly epoch: string;
  readonly first: number;
  readonly head: number;
  readonly frames: number;
  readonly bytes: number;
};

/** Counted since the start. */
export type RetentionStats = {
  readonly passes: number;
  readonly failures: number;
  readonly steps: number;
  readonly frames: number;
  readonly bytes: number;
  readonly streamsRemoved: number;
};

/** The policy of a stream that is to go: nothing but the newest frame, which goes with it. */
const ALMOST_NOTHING: RetentionPolicy = { maxFrames: 1 };

/**
 * Keeps streams within their policies. A sweep looks at all of them every SWEEP_EVERY_MS, and one at those that changed comes early when
 * much was appended. Frames go in steps of bounded size, each one commit, so that appends go on in between and a crash leaves a stream
 * that is whole from its `first` on (I1). Only what is durable is trimmed, and never a stream's newest frame.
 */
export class Retention implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #sequencer: RetentionOptions["sequencer"];
  readonly #clock: Clock;
  readonly #defaults: RetentionDefaults;
  readonly #onError: (error: MillraceError) => void;
  readonly #stats = { passes: 0, failures: 0, steps: 0, frames: 0, bytes: 0, streamsRemoved: 0 };
  #pass: Promise<void> | undefined;
  #grown = 0;
  #checkedMs: number;
  #isClosed = false;
  #cancelSweep = () => {};
  #cancelGrowth: (() => void) | undefined;

  /** `invalid_argument` when a default is out of range. */
  constructor({ storage, sequencer, clock = systemClock, defaults = {}, onError = () => {} }: RetentionOptions) {
    this.#storage = storage;
    this.#sequencer = sequencer;
    this.#clock = clock;
    this.#defaults = checkPolicy(defaults);
    this.#onError = onError;
    this.#checkedMs = clock.now();
  }

  get stats(): RetentionStats {
    return { ...this.#stats };
  }

  /** Sweeps now and from then on every SWEEP_EVERY_MS. */
  start(): void {
    void this.sweep();
    this.#cancelSweep = this.#clock.after(SWEEP_EVERY_MS, () => this.start());
  }

  /** Tells how many frames were appended to any stream; past GROWTH_FRAMES those that changed are looked at before the next sweep. */
  grew(frames: number): void {
    this.#grown += frames;
    if (this.#grown < GROWTH_FRAMES || this.#cancelGrowth || this.#isClosed) return;
    this.#cancelGrowth = this.#clock.after(GROWTH_PAUSE_MS, () => {
      this.#cancelGrowth = undefined;
      this.#grown = 0;
      void this.#start(() => this.#checkChanged());
    });
  }

  /** One pass over all streams; the one under way when there is one. Failures are told to `onError`. */
  sweep(): Promise<void> {
    return this.#start(() => this.#sweepAll());
  }

  /** `not_found` without such a stream. */
  async state(stream: StreamId): Promise<RetentionState> {
    return this.#toState(stream, await this.#read(stream));
  }

  /**
   * Gives the stream a policy of its own, or with undefined the engine's again, and trims it. Settles when the stream is within the policy,
   * at the latest after RETAIN_WAIT_MS, when trimming goes on by itself. `not_found`, `forbidden` for the engine's own, `invalid_argument`.
   */
  async set(stream: StreamId, policy: RetentionPolicy | undefined): Promise<RetentionState> {
    checkTrimmable(stream, "trimmed");
    if (policy) checkPolicy(policy);
    if (!(await this.#storage.write<RetentionWrites["set"]>("retention.set", { stream, policy })))
      throw unknown(stream);
    const { row } = await this.#read(stream);
    const untilMs = this.#clock.monotonic() + RETAIN_WAIT_MS;
    await this.#trim({ id: row.id, stream, epoch: row.epoch, policy: policy ?? this.#defaults }, untilMs);
    return this.state(stream);
  }

  /**
   * Deletes the stream. Its frames go in steps like any trimming, so that a large one holds nobody up; if that fails on the way, the
   * stream is left with fewer frames, and deleting it again goes on. `not_found`, `forbidden` for the engine's own.
   */
  async remove(stream: StreamId): Promise<void> {
    checkTrimmable(stream, "deleted");
    const { row } = await this.#read(stream);
    await this.#removeInSteps(stream, row);
  }

  /** Ends after the step under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
    this.#cancelGrowth?.();
    await this.#pass;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(pass: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#pass ??= pass()
      .then(() => void this.#stats.passes++)
      .catch((error: unknown) => {
        this.#stats.failures++;
        if (!this.#isClosed) this.#onError(MillraceError.from(error, "storage_failed"));
      })
      .finally(() => {
        this.#pass = undefined;
      });
    return this.#pass;
  }

  async #sweepAll(): Promise<void> {
    const nowMs = this.#clock.now();
    const { jobsMaxAgeMs, ...fallback } = this.#defaults;
    let after: number | undefined = 0;
    while (after !== undefined && !this.#isClosed) {
      const args: DueArgs = { after, nowMs, fallback };
      const page: DuePage = await this.#storage.read<RetentionReads["due"]>("retention.due", args);
      await this.#trimAll(page.due);
      after = page.next;
    }
    if (jobsMaxAgeMs !== undefined) await this.#removeJobs(nowMs - jobsMaxAgeMs);
  }

  async #checkChanged(): Promise<void> {
    const sinceMs = this.#checkedMs - CHANGED_SLACK_MS;
    const nowMs = this.#clock.now();
    this.#checkedMs = nowMs;
    const args = { sinceMs, nowMs, fallback: this.#defaults };
    await this.#trimAll(await this.#storage.read<RetentionReads["changed"]>("retention.changed", args));
  }

  async #trimAll(due: readonly DueStream[]): Promise<void> {
    for (const stream of due) await this.#trim(stream);
  }

  async #trim(due: DueStream, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    while (!this.#isClosed && this.#clock.monotonic() < untilMs) if (!(await this.#trimStep(due))) return;
    if (!this.#isClosed) void this.sweep();
  }

  /** Undefined when there was nothing to trim. */
  async #trimStep(due: DueStream): Promise<TrimStep | undefined> {
    const { stream } = due;
    const args: StepArgs = { ...due, nowMs: this.#clock.now() };
    const step = await this.#storage.read<RetentionReads["step"]>("retention.step", args);
    // Another step on the stream may have come in between: then this one was void, and the next is planned from what is there now.
    if (!step || !(await this.#storage.write<RetentionWrites["trim"]>("retention.trim", step))) return step;
    this.#sequencer.trimmed(stream, step.first);
    this.#stats.steps++;
    this.#stats.frames += step.frames;
    this.#stats.bytes += step.bytes;
    return step;
  }

  async #removeJobs(beforeMs: number): Promise<void> {
    let after: string | undefined = "job:";
    while (after !== undefined && !this.#isClosed) {
      const args: EndedJobsArgs = { after, beforeMs };
      const page: EndedJobsPage = await this.#storage.read<RetentionReads["endedJobs"]>("retention.endedJobs", args);
      for (const stream of page.streams) {
        if (this.#isClosed) return;
        const found = await this.#find(stream);
        if (found) await this.#removeInSteps(stream, found.row);
      }
      after = page.next;
    }
  }

  async #removeInSteps(stream: StreamId, { id, epoch, frames }: RetainedStream["row"]): Promise<void> {
    for (let left = frames; left > TRIM_FRAMES_MAX; ) {
      const step = await this.#trimStep({ id, stream, epoch, policy: ALMOST_NOTHING });
      if (!step) break;
      left -= step.frames;
    }
    await this.#sequencer.remove([stream]);
    this.#stats.streamsRemoved++;
  }

  #find(stream: StreamId): Promise<RetainedStream | undefined> {
    return this.#storage.read<RetentionReads["stream"]>("retention.stream", { stream });
  }

  async #read(stream: StreamId): Promise<RetainedStream> {
    const found = await this.#find(stream);
    if (!found) throw unknown(stream);
    return found;
  }

  #toState(stream: StreamId, { row, policy }: RetainedStream): RetentionState {
    const { epoch, first, head, frames, bytes } = row;
    const { jobsMaxAgeMs: _jobs, ...fallback } = this.#defaults;
    return { stream, policy: policy ?? fallback, isDefault: !policy, epoch, first, head, frames, bytes };
  }
}

function unknown(stream: StreamId): MillraceError {
  return new MillraceError("not_found", `no stream is named ${stream}; GET /v1/streams lists them`);
}
