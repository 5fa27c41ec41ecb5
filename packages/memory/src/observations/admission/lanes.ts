import { LANES, type Lane } from "@millrace/protocol";
import { Batch, type TakeOptions } from "./batch.ts";
import type { QueuedEntry } from "./entry.ts";
import { LaneQueue } from "./lane-queue.ts";
import { AGE_MS, AGED_SHARE, PAUSED_AGE_MS } from "./limits.ts";

/** The lanes that can starve, the one that would starve first in front: it is the first to get its share. */
const LANES_THAT_AGE = ["low", "normal"] as const satisfies readonly Lane[];

/**
 * The order across lanes: high before normal before low, but a lane whose oldest entry has waited AGE_MS gets AGED_SHARE of what is
 * taken. So an entry before which its lane has S observations to serve goes at the latest AGE_MS and S / AGED_SHARE observations
 * (and two batches) after it was admitted. While `isLowPaused`, the low lane gets nothing but this, from PAUSED_AGE_MS on.
 */
export class Lanes<T> {
  isLowPaused = false;
  readonly #queues: Readonly<Record<Lane, LaneQueue<T>>> = {
    high: new LaneQueue(),
    normal: new LaneQueue(),
    low: new LaneQueue(),
  };
  /** Observations that an aged lane may take before the lanes above it: its share of the batch before, less what it took too much. */
  readonly #credits: Record<Lane, number> = { high: 0, normal: 0, low: 0 };

  queue(lane: Lane): LaneQueue<T> {
    return this.#queues[lane];
  }

  take(options: TakeOptions<T>, nowMs: number): QueuedEntry<T>[] {
    const batch = new Batch(options);
    for (const lane of LANES_THAT_AGE) {
      if (batch.isFull) break;
      if (this.#credits[lane] < 0 || !this.#isAged(lane, nowMs)) continue;
      this.#credits[lane] -= this.#queues[lane].serve(batch, Math.max(1, this.#credits[lane]));
    }
    for (const lane of LANES) {
      if (batch.isFull) break;
      if (lane === "low" && this.isLowPaused) continue;
      this.#queues[lane].serve(batch, Number.POSITIVE_INFINITY);
    }
    for (const lane of LANES_THAT_AGE) this.#earn(lane, batch.count, this.#isAged(lane, nowMs));
    return batch.entries;
  }

  #isAged(lane: Lane, nowMs: number): boolean {
    const oldestMs = this.#queues[lane].oldestMs;
    if (oldestMs === undefined) return false;
    return nowMs - oldestMs >= (lane === "low" && this.isLowPaused ? PAUSED_AGE_MS : AGE_MS);
  }

  /** Debt is paid off always, credit is given only to a lane that waits: else it would save up and then hold up the lanes above. */
  #earn(lane: Lane, taken: number, isAged: boolean): void {
    const owned = Math.min(0, this.#credits[lane]) + taken * AGED_SHARE[lane];
    this.#credits[lane] = isAged ? owned : Math.min(0, owned);
  }
}
