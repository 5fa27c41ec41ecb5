import { type Clock, Histogram, systemClock } from "@millrace/core";
import { RateMeter } from "./rate-meter.ts";

/** What the engine counts and times, in one place; every figure shown comes from here or from the part it describes (I13). */
export class Meters {
  readonly startedMs: number;
  readonly sources: RateMeter;
  readonly bytes: RateMeter;
  readonly documents: RateMeter;
  readonly failed: RateMeter;
  readonly chunks: RateMeter;
  readonly frames: RateMeter;
  readonly deliveries: RateMeter;
  readonly recalls: RateMeter;
  readonly requests: RateMeter;
  /** Refusals by code: codes are a closed list, so the labels are bounded. */
  readonly refusals = new Map<string, number>();
  readonly extractMicros = new Histogram();
  readonly deliverMicros = new Histogram();
  readonly requestMicros = new Histogram();
  /** Readers that went over their budget and were moved to reading the log (I6). */
  demotions = 0;
  /** For every follower of this engine. */
  readonly following = {
    deliverMicros: this.deliverMicros,
    onDelivered: (frames: number): void => this.deliveries.add(frames),
    onDemoted: (): void => {
      this.demotions++;
    },
  };

  constructor(clock: Clock = systemClock) {
    this.startedMs = clock.now();
    this.sources = new RateMeter(clock);
    this.bytes = new RateMeter(clock);
    this.documents = new RateMeter(clock);
    this.failed = new RateMeter(clock);
    this.chunks = new RateMeter(clock);
    this.frames = new RateMeter(clock);
    this.deliveries = new RateMeter(clock);
    this.recalls = new RateMeter(clock);
    this.requests = new RateMeter(clock);
  }

  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
}
