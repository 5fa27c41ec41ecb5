import { type Clock, Histogram, type MillraceError, systemClock } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import type { Follower, Submitted } from "@millrace/stream";
import { RateMeter } from "./rate-meter.ts";
import { TopStreams } from "./top-streams.ts";

/** What the engine counts and times, in one place; every figure shown comes from here or from the part it describes (I13). */
export class Meters {
  readonly startedMs: number;
  readonly sources: RateMeter;
  readonly bytes: RateMeter;
  readonly documents: RateMeter;
  readonly failed: RateMeter;
  readonly chunks: RateMeter;
  /** Events that got a number. */
  readonly events: RateMeter;
  /** Frames that are durable. */
  readonly frames: RateMeter;
  readonly deliveries: RateMeter;
  readonly recalls: RateMeter;
  readonly requests: RateMeter;
  /** Which streams have the most traffic. */
  readonly streams: TopStreams;
  /** Events that were an append already (I3). */
  duplicates = 0;
  /** All that follow a stream now. */
  readonly followers = new Set<Follower>();
  /** Subscriptions that the engine ended, by code. */
  readonly ended = new Map<string, number>();
  /** Refusals by code: codes are a closed list, so the labels are bounded. */
  readonly refusals = new Map<string, number>();
  /** How often each index worker has ended. */
  readonly workerDeaths = new Map<number, number>();
  /** Of the log of observations, as it said last. */
  logBytes = 0;
  readonly extractMicros = new Histogram();
  readonly deliverMicros = new Histogram();
  readonly requestMicros = new Histogram();
  /** Readers that went over their budget and were moved to reading the log (I6). */
  demotions = 0;
  /** For every follower of this engine. */
  readonly following = {
    followers: this.followers,
    deliverMicros: this.deliverMicros,
    onDelivered: (frames: number, _isLive: boolean, stream: StreamId): void => this.delivered(stream, frames),
    onDemoted: (): void => {
      this.demotions++;
    },
    onEnded: ({ code }: MillraceError): void => count(this.ended, code),
  };

  constructor(clock: Clock = systemClock) {
    this.startedMs = clock.now();
    this.sources = new RateMeter(clock);
    this.bytes = new RateMeter(clock);
    this.documents = new RateMeter(clock);
    this.failed = new RateMeter(clock);
    this.chunks = new RateMeter(clock);
    this.events = new RateMeter(clock);
    this.frames = new RateMeter(clock);
    this.streams = new TopStreams(clock);
    this.deliveries = new RateMeter(clock);
    this.recalls = new RateMeter(clock);
    this.requests = new RateMeter(clock);
  }

  refused(code: string): void {
    count(this.refusals, code);
  }

  workerDied(worker: number): void {
    this.workerDeaths.set(worker, (this.workerDeaths.get(worker) ?? 0) + 1);
  }

  /** An append has its numbers. */
  submitted(stream: StreamId, { accepted, duplicates }: Submitted): void {
    this.duplicates += duplicates;
    if (accepted === 0) return;
    this.events.add(accepted);
    this.streams.addEvents(stream, accepted);
  }

  /** A subscriber was handed frames. */
  delivered(stream: StreamId, frames: number): void {
    this.deliveries.add(frames);
    this.streams.addFrames(stream, frames);
  }
}

function count(counts: Map<string, number>, code: string): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}
