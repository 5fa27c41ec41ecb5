/** What a pool counts, and how it shows it. */
import { Histogram } from "@millrace/core";

/**
 * Why a worker was ended: `jobs` (its number of jobs), `memory` (above the watermark), `timeout` and `cancelled` (nobody waited for its
 * job any more), `outOfMemory` and `crash` (it died by its job), `failedStart` (it died before it began a job).
 */
export const RETIREMENTS = ["jobs", "memory", "timeout", "cancelled", "outOfMemory", "crash", "failedStart"] as const;

export type Retirement = (typeof RETIREMENTS)[number];

export type WorkerPoolStats = {
  /** Threads alive, those of them with a job, and jobs that wait. */
  readonly workers: number;
  readonly busy: number;
  readonly waiting: { readonly interactive: number; readonly bulk: number };
  /** Threads started so far, jobs answered, those of them by a worker that had answered one before, and `reused / jobs` (1 before any). */
  readonly started: number;
  readonly jobs: number;
  readonly reused: number;
  readonly reuseRate: number;
  readonly retired: Readonly<Record<Retirement, number>>;
  /** Jobs given to a second worker because the first died before it began them. */
  readonly retried: number;
  /** From the call to the moment a worker began the job, the worker's start included, in microseconds; of jobs that were begun. */
  readonly queueWaitUs: {
    readonly count: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Time workers had jobs, in milliseconds, all workers together. */
  readonly busyMs: number;
  /** Most that one of the threads alive holds after its last job. */
  readonly memoryBytesMax: number;
};

export class PoolCounts {
  readonly queueWait = new Histogram();
  readonly retired: Record<Retirement, number> = {
    jobs: 0,
    memory: 0,
    timeout: 0,
    cancelled: 0,
    outOfMemory: 0,
    crash: 0,
    failedStart: 0,
  };
  started = 0;
  jobs = 0;
  reused = 0;
  retried = 0;
  busyMs = 0;

  show(now: Pick<WorkerPoolStats, "workers" | "busy" | "waiting" | "memoryBytesMax">): WorkerPoolStats {
    const { started, jobs, reused, retried, busyMs, queueWait } = this;
    return {
      ...now,
      started,
      jobs,
      reused,
      reuseRate: jobs === 0 ? 1 : reused / jobs,
      retired: { ...this.retired },
      retried,
      queueWaitUs: {
        count: queueWait.count,
        p50: queueWait.quantile(0.5),
        p95: queueWait.quantile(0.95),
        p99: queueWait.quantile(0.99),
        max: queueWait.max,
      },
      busyMs,
    };
  }
}
