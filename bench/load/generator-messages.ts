import type { LatencyCounts } from "./latency-table.ts";
import type { TargetOptions } from "./targets/choose-target.ts";

/** What a run is; the same for every generator of it but for its share of the subscribers. */
export type LoadPlan = TargetOptions & {
  readonly streams: readonly string[];
  /** Frames a second and stream; 0: as many as its subscribers take. */
  readonly rate: number;
  /** Measured time, after the warm-up. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Of a frame's data as JSON. */
  readonly bytes: number;
  /** Events an append. */
  readonly batch: number;
  /** Appends without an answer in a saturated run. */
  readonly inFlight: number;
  /** Frames a saturated run may be ahead of its subscribers, on average. */
  readonly window: number;
};

export type GeneratorOptions = LoadPlan & {
  readonly url: string;
  /** This generator's part of the run's subscribers: every one whose number ≡ `part` modulo `parts`. */
  readonly subscribers: number;
  readonly part: number;
  readonly parts: number;
};

export type ToGenerator =
  | { readonly kind: "open"; readonly options: GeneratorOptions }
  | { readonly kind: "go"; readonly startMicros: number }
  /** Numbers of the last frame of each stream. */
  | { readonly kind: "drain"; readonly heads: readonly number[] };

export type GeneratorReport = {
  readonly latencies: LatencyCounts;
  readonly lastDeliveryMicros: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Subscribers that were cut off, and why the first was. */
  readonly cut: number;
  readonly cutReason?: string;
  /** Of one core, while measured. */
  readonly cpuShare: number;
};

export type FromGenerator =
  | { readonly kind: "following" }
  /** Only from the generator that writes: part 0. */
  | {
      readonly kind: "written";
      readonly heads: readonly number[];
      readonly sent: number;
      /** Frames intended in the measured time whose append was answered. */
      readonly acked: number;
      readonly ackMs: { readonly p50: number; readonly p99: number };
      readonly lateMs: { readonly p50: number; readonly p99: number };
    }
  | { readonly kind: "report"; readonly report: GeneratorReport }
  | { readonly kind: "failed"; readonly message: string };
