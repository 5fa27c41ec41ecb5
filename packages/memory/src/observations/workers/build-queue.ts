/** Segments that this thread builds in the time that batches and questions leave. */
import { type BuildRun, runBuild, type SegmentBuild } from "@millrace/vector";

/** Rows linked in one go: about 2 ms, which is how long a batch may wait for it. */
const ROWS_AT_ONCE = 64;
/** A thread is idle when so long no batch came. */
const IDLE_MS = 5;
/** Share of its time that building gets on a thread that is never idle: searches get dearer while it waits. */
const BUSY_SHARE = 0.1;
/** How often a busy thread looks whether building is behind its share. */
const LOOK_MS = 10;

type Ordered = { readonly id: number; readonly order: SegmentBuild };
type Running = { readonly id: number; readonly run: BuildRun };

export class BuildQueue {
  readonly #orders: Ordered[] = [];
  readonly #onBuilt: (id: number) => void;
  #running: Running | undefined;
  #isDue = false;
  #lastBatchMs = 0;
  #builtMs = 0;
  #sinceMs = performance.now();

  /** `onBuilt` is told of each order that is done with, by its number. */
  constructor(onBuilt: (id: number) => void) {
    this.#onBuilt = onBuilt;
  }

  push(ordered: Ordered): void {
    if (!this.hasWork) {
      this.#builtMs = 0;
      this.#sinceMs = performance.now();
    }
    this.#orders.push(ordered);
    this.#soon();
  }

  /** A batch was worked on. */
  batched(): void {
    this.#lastBatchMs = performance.now();
  }

  get hasWork(): boolean {
    return this.#running !== undefined || this.#orders.length > 0;
  }

  /** Whether no batch came for a moment. */
  get isIdle(): boolean {
    return performance.now() - this.#lastBatchMs >= IDLE_MS;
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (this.isIdle) setImmediate(() => this.#turn());
    else setTimeout(() => this.#turn(), LOOK_MS);
  }

  #turn(): void {
    this.#isDue = false;
    const startedMs = performance.now();
    if (this.isIdle || this.#builtMs < (startedMs - this.#sinceMs) * BUSY_SHARE) {
      this.#step();
      this.#builtMs += performance.now() - startedMs;
    }
    if (this.hasWork) this.#soon();
  }

  #step(): void {
    this.#running ??= this.#begin();
    if (!this.#running || this.#running.run.step(ROWS_AT_ONCE)) return;
    this.#onBuilt(this.#running.id);
    this.#running = undefined;
  }

  /** The first that nobody else builds. */
  #begin(): Running | undefined {
    for (;;) {
      const ordered = this.#orders.shift();
      if (!ordered) return undefined;
      const run = runBuild(ordered.order);
      if (run) return { id: ordered.id, run };
      this.#onBuilt(ordered.id);
    }
  }
}
