import { DrainRate } from "./drain-rate.ts";

/** Bounds of one lane. */
export type LaneLimits = {
  /** Observations admitted and not yet done. */
  readonly countMax: number;
  /** Their bytes. */
  readonly bytesMax: number;
};

/** How full a lane is: what was admitted and has not left the engine's queues, and how fast it leaves. */
export class LaneDepth {
  readonly limits: LaneLimits;
  count = 0;
  bytes = 0;
  readonly #rate = new DrainRate();

  constructor(limits: LaneLimits) {
    this.limits = limits;
  }

  /** 0..1: the fuller of count and bytes. */
  get fullness(): number {
    return Math.max(this.count / this.limits.countMax, this.bytes / this.limits.bytesMax);
  }

  get drainPerS(): number {
    return this.#rate.perS;
  }

  hasRoom(count: number, bytes: number): boolean {
    return this.count + count <= this.limits.countMax && this.bytes + bytes <= this.limits.bytesMax;
  }

  enter(count: number, bytes: number, nowMs: number): void {
    if (this.count === 0) this.#rate.begin(nowMs);
    this.count += count;
    this.bytes += bytes;
  }

  done(count: number, bytes: number, nowMs: number): void {
    this.#rate.done(count, nowMs);
    this.leave(count, bytes);
  }

  /** Leaves without having been done: says nothing about the rate. */
  leave(count: number, bytes: number): void {
    this.count -= count;
    this.bytes -= bytes;
  }

  /** Observations done per millisecond, as of now. An empty lane's is what it was when it emptied. */
  drainPerMs(nowMs: number): number {
    return this.count === 0 ? this.#rate.perS / 1_000 : this.#rate.perMs(nowMs);
  }

  /** Milliseconds until, at the rate it drains, the lane is as full as `lowWater` (0..1) says; may be infinite. */
  waitMs(lowWater: number, nowMs: number): number {
    const { fullness } = this;
    if (fullness <= lowWater) return 0;
    // Also right when bytes are the fuller: count and bytes leave together.
    return (this.count * (1 - lowWater / fullness)) / this.#rate.perMs(nowMs);
  }
}
