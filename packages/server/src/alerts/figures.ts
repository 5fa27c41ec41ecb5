import type { Histogram } from "@millrace/core";

export type WorkerFigures = {
  /** Time it has worked since the start. */
  readonly busyMs: number;
  /** Times its thread has ended. */
  readonly deaths: number;
};

/** Observations since the start. */
export const COUNTERS = [
  "accepted",
  "durable",
  "searchable",
  "indexed",
  "refused",
  "logFailures",
  "deadLetters",
] as const;
export type Counter = (typeof COUNTERS)[number];
/** As they are now. */
export type Level = "depth" | "rssBytes";
/** Microseconds, by batch, since the start. */
export const TIMES = ["waitMicros", "durableMicros", "searchableMicros"] as const;
export type Times = (typeof TIMES)[number];

/** What alerts are made from. Counters and histograms only grow; what they say of a window is the difference of two readings. */
export type Figures = Readonly<Record<Counter, number>> &
  Readonly<Record<Level, number>> &
  Readonly<Record<Times, Histogram>> & {
    readonly workers: readonly WorkerFigures[];
  };
