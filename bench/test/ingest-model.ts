/** A small engine of which everything is known: takes batches, indexes them after a while, searches exactly; and its time. */
import { setImmediate } from "node:timers/promises";
import { createRng, ManualClock, MillraceError } from "@millrace/core";
import type { ObservationBatch } from "@millrace/protocol";
import type { Pace } from "../ingest/pace.ts";
import type { IngestTarget, TargetEvents, TargetSession } from "../ingest/target.ts";
import type { VectorSet } from "../vector/measure/vector-set.ts";
import { nearest } from "./small-vectors.ts";

/** Time that moves when it is waited for, or when the model works. */
export class ManualPace implements Pace {
  readonly clock = new ManualClock(0);

  nowMs(): number {
    return this.clock.monotonic();
  }

  async pause(ms: number): Promise<void> {
    await setImmediate();
    this.clock.advance(ms);
  }
}

export type ModelOptions = {
  readonly dims: number;
  /** From a batch's acceptance until it is durable, searchable and indexed. */
  readonly delayMs?: number;
  /** Batch number `at` (from 0, of the spaces that are measured) blocks the caller so long. */
  readonly stall?: { readonly at: number; readonly ms: number };
  /** Observations under way at most; more are refused. */
  readonly capacity?: number;
  /** What becomes of the last observation of batch number `at`. */
  readonly fault?: { readonly at: number; readonly kind: "lost" | "dead" };
  /** Answers name rows so far off. */
  readonly rowsOff?: number;
};

export class ModelTarget implements IngestTarget {
  readonly vectors = new Map<string, Float32Array[]>();
  readonly pace: ManualPace;
  readonly #options: ModelOptions;
  underWay = 0;
  batches = 0;

  constructor(pace: ManualPace, options: ModelOptions) {
    this.pace = pace;
    this.#options = options;
  }

  async open(space: string, events: TargetEvents): Promise<TargetSession> {
    this.vectors.set(space, []);
    return new ModelSession(this, { space, events, options: this.#options });
  }

  async recall(space: string, query: Float32Array, k: number): Promise<number[]> {
    const rows = this.vectors.get(space) ?? [];
    const { dims, rowsOff = 0 } = this.#options;
    const base = Float32Array.from(rows.flatMap((row) => [...row]));
    return nearest(query, k, { base, dims, metric: "cosine" }).map((row) => row + rowsOff);
  }

  async removeSpace(space: string): Promise<void> {
    this.vectors.delete(space);
  }

  async rows(space: string): Promise<number> {
    return this.vectors.get(space)?.length ?? 0;
  }

  rssBytes(): number {
    return 100 * 1024 * 1024;
  }

  cpuMicros(): number {
    return this.pace.nowMs() * 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

type SessionParts = { readonly space: string; readonly events: TargetEvents; readonly options: ModelOptions };

class ModelSession implements TargetSession {
  readonly #target: ModelTarget;
  readonly #parts: SessionParts;
  #accepted = 0;
  #indexed = 0;

  constructor(target: ModelTarget, parts: SessionParts) {
    this.#target = target;
    this.#parts = parts;
  }

  get nextSeq(): number {
    return this.#accepted + 1;
  }

  get watermarks() {
    const at = this.#indexed;
    return { accepted: this.#accepted, durable: at, searchable: at, indexed: at };
  }

  submit(batch: ObservationBatch): void {
    const { space, options } = this.#parts;
    const { capacity = Number.POSITIVE_INFINITY, stall, fault, delayMs = 1 } = options;
    const { clock } = this.#target.pace;
    const isMeasured = space.startsWith("bench-");
    if (isMeasured && this.#target.underWay + batch.count > capacity) throw new MillraceError("overloaded", "full");
    const number = isMeasured ? this.#target.batches++ : -1;
    if (number === stall?.at) clock.advance(stall.ms);
    this.#accepted += batch.count;
    this.#target.underWay += batch.count;
    const copy = { ...batch, vectors: batch.vectors.slice() };
    clock.after(delayMs, () => this.#index(copy, number === fault?.at ? fault.kind : undefined));
  }

  async indexed(): Promise<void> {
    while (this.#indexed < this.#accepted) await this.#target.pace.pause(1);
  }

  async close(): Promise<void> {}

  #index({ count, dims, vectors }: ObservationBatch, fault: "lost" | "dead" | undefined): void {
    const { space, events } = this.#parts;
    const floats = new Float32Array(vectors.buffer);
    const kept = fault ? count - 1 : count;
    for (let at = 0; at < kept; at++) {
      this.#target.vectors.get(space)?.push(floats.slice(at * dims, (at + 1) * dims));
    }
    if (fault === "dead") events.onDeadLetter();
    this.#indexed += count;
    this.#target.underWay -= count;
    events.onProgress(this.watermarks);
  }
}

/** Vectors around some centres, so that there are neighbours; queries near the rows; no truth. */
export function clusteredSet({ rows, dims, queries }: { rows: number; dims: number; queries: number }): VectorSet {
  const rng = createRng(rows * dims);
  const centres = Array.from({ length: 8 }, () => Float32Array.from({ length: dims }, () => rng() * 2 - 1));
  const around = (at: number) => Array.from(centres[at % 8] ?? [], (number) => number + 0.3 * (rng() - 0.5));
  const make = (count: number) => Float32Array.from(Array.from({ length: count }, (_, at) => around(at)).flat());
  const [base, query] = [make(rows), make(queries)];
  const truth = new Int32Array(queries * 100);
  for (let at = 0; at < queries; at++) {
    const one = query.subarray(at * dims, (at + 1) * dims);
    truth.set(nearest(one, 100, { base, dims, metric: "cosine" }), at * 100);
  }
  return { name: "clustered", dims, metric: "cosine", base, query, truth };
}
