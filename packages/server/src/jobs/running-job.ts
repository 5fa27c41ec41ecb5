import type { SpaceId, StreamEvent } from "@millrace/protocol";
import type { SettleArgs, SourceRow } from "./jobs-module.ts";

export type InterruptReason = "restart" | "cancelled" | "abandoned";

/** What has been settled so far. */
export type Tally = {
  readonly stored: number;
  readonly failed: number;
  readonly chunks: number;
  readonly bytes: number;
};

/** Counts of a job as its frames show them. */
export type JobCounts = Tally & {
  readonly job: string;
  readonly space: string;
  readonly total: number;
  readonly elapsedMs: number;
};

/** What became of a source: its frame and its row. */
export type Outcome = { readonly event: StreamEvent; readonly settle: SettleArgs };

type Waiter = { readonly resolve: () => void; readonly reject: (error: unknown) => void };

export type RunningJobOptions = {
  readonly job: string;
  readonly space: SpaceId;
  readonly total: number;
  readonly startedMs: number;
  readonly tally?: Tally;
};

/** A job under way, in memory: which sources are ready, which are in work, and what has been counted. */
export class RunningJob {
  readonly job: string;
  readonly space: SpaceId;
  readonly total: number;
  readonly startedMs: number;
  /** What is durable. */
  tally: Tally;
  readonly abort = new AbortController();
  readonly ready: SourceRow[] = [];
  /** Sources announced whose bytes have not come. */
  readonly waiting = new Map<number, SourceRow>();
  /** Uploads on their way to the disk. */
  receiving = 0;
  /** One for each source in work; settles when the source is put away, however it went. */
  readonly workers = new Set<Promise<void>>();
  /** Sources left open because the engine could not take them however often it tried. */
  leftOpen = 0;
  /** Outcomes that the recorder has yet to write. */
  readonly unwritten: (Outcome & Waiter)[] = [];
  readonly endWaiters: Waiter[] = [];
  isWriting = false;
  /** Ends the recorder's pause between two tries. */
  wake: () => void = () => {};
  /** Why the job is to end before its sources are settled. */
  reason: InterruptReason | undefined;
  /** Set once it is decided that the job ends: no frame may follow its last (I7). */
  isEnding = false;
  isEnded = false;
  progressAtMs = Number.NEGATIVE_INFINITY;
  isProgressDue = false;
  cancelIdle: () => void = () => {};

  constructor({ job, space, total, startedMs, tally }: RunningJobOptions) {
    this.job = job;
    this.space = space;
    this.total = total;
    this.startedMs = startedMs;
    this.tally = tally ?? { stored: 0, failed: 0, chunks: 0, bytes: 0 };
  }

  /** Takes the sources to work on. */
  take(sources: readonly SourceRow[]): void {
    for (const source of sources) {
      if (source.state === "waiting") this.waiting.set(source.index, source);
      else this.ready.push(source);
    }
  }

  get open(): number {
    return this.total - this.tally.stored - this.tally.failed;
  }

  /** Whether nothing of it is in work, ready or expected. */
  get isIdle(): boolean {
    return this.ready.length + this.waiting.size + this.receiving + this.workers.size === 0;
  }

  counts(nowMs: number, tally = this.tally): JobCounts {
    const { job, space, total } = this;
    return { job, space, total, ...tally, elapsedMs: Math.max(0, nowMs - this.startedMs) };
  }

  /** Milliseconds to the end at the pace so far; null until something is settled. */
  etaMs(nowMs: number): number | null {
    const settled = this.total - this.open;
    return settled === 0 ? null : Math.round(((nowMs - this.startedMs) / settled) * this.open);
  }
}

/** The tally once these are settled too. */
export function tallied(tally: Tally, settles: readonly SettleArgs[]): Tally {
  return settles.reduce(
    ({ stored, failed, chunks, bytes }, settle) => ({
      stored: stored + (settle.state === "stored" ? 1 : 0),
      failed: failed + (settle.state === "failed" ? 1 : 0),
      chunks: chunks + settle.chunks,
      bytes: bytes + settle.bytes,
    }),
    tally,
  );
}
