import type { Anomaly } from "./table.ts";

/** Codes with which a lifecycle refuses an append. */
export type LifecycleRefusal = "terminal" | "conflict" | "invalid_argument" | "overloaded";

/** What was refused and what was odd, over all streams that share it: for the metrics and the debug view. */
export class LifecycleCounters {
  /** Appends refused, by code. */
  readonly refused: Record<LifecycleRefusal, number> = { terminal: 0, conflict: 0, invalid_argument: 0, overloaded: 0 };
  /** Frames that were kept although they are odd. */
  readonly anomalies: Record<Anomaly, number> = { unstarted: 0, resultWithoutCall: 0, otherKind: 0, withoutId: 0 };
  keyframes = 0;
  /** Texts given up because they or their stream's texts grew too long: they make no more keyframes. */
  textsGivenUp = 0;

  countRefusal(code: string): void {
    if (code in this.refused) this.refused[code as LifecycleRefusal]++;
  }
}
