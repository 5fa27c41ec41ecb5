import { type Clock, type Histogram, MillraceError, systemClock } from "@millrace/core";
import type { Cursor, Gap, StreamId } from "@millrace/protocol";
import { READ_BYTES_MAX, READ_FRAMES_MAX, SUBSCRIBER_BYTES_MAX, SUBSCRIBER_STALL_MS } from "./limits.ts";
import type { LiveStream, StoredFrame } from "./live-stream.ts";
import { aheadOf } from "./log-reader.ts";
import type { Sequencer } from "./sequencer.ts";
import { StallWatch } from "./stall-watch.ts";
import type { LogReads } from "./storage/log-module.ts";
import type { Storage } from "./storage/storage.ts";

/** Where a follower's frames go: one subscription on one socket. Calls come in order and never overlap. */
export interface FollowerSink {
  /** Bytes handed over and not yet taken by the peer. Call `Follower.drained` when they have become fewer. */
  readonly unsentBytes: number;
  /** Always first: where the stream is and where following begins. */
  begin(start: { stream: StreamId; epoch: string; head: number; after: number }): void;
  frames(frames: readonly StoredFrame[]): void;
  gap(gap: Gap): void;
  /** The subscription has ended; no call follows. */
  fail(error: MillraceError): void;
}

export type FollowerOptions = {
  readonly sequencer: Sequencer;
  readonly storage: Storage;
  readonly stream: StreamId;
  readonly after: Cursor | undefined;
  readonly sink: FollowerSink;
  readonly clock?: Clock;
  /** Takes microseconds from commit to hand-over of frames pushed live. */
  readonly deliverMicros?: Histogram;
  /** Called with the number of frames of each hand-over. */
  readonly onDelivered?: (frames: number) => void;
};

/**
 * One reader of one stream. It has one position and pulls from there, out of memory when the frames are still there and else out of the log;
 * being woken only means "look again". So there is no moment between catching up and following live at which a frame could
 * be lost or sent twice, and a reader that does not drain costs its byte budget and nothing else (I6).
 */
export class Follower implements Disposable {
  readonly #options: FollowerOptions;
  readonly #clock: Clock;
  readonly #live: LiveStream;
  readonly #stopWaking: () => void;
  #epoch: string;
  #sent: number;
  #isPulling = false;
  #isClosed = false;
  readonly #stall: StallWatch;

  private constructor(options: FollowerOptions, live: LiveStream, after: number) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#live = live;
    this.#epoch = live.epoch;
    this.#sent = after;
    this.#stall = new StallWatch(this.#clock, () => this.#endStalled());
    this.#stopWaking = live.onChange(() => this.#pull());
  }

  /** Rejects with `invalid_argument` when the cursor is ahead of the stream, with `overloaded` when too many streams are followed. */
  static async start(options: FollowerOptions): Promise<Follower> {
    const { sequencer, stream } = options;
    const live = await sequencer.follow(stream);
    try {
      const follower = new Follower(options, live, Follower.#begin(options, live));
      follower.#pull();
      return follower;
    } catch (error) {
      sequencer.release(live);
      throw error;
    }
  }

  /** Tells the sink where following begins, and returns it. */
  static #begin({ stream, after, sink }: FollowerOptions, live: LiveStream): number {
    const wanted = after && after.seq > 0 ? after : undefined;
    const isOtherEpoch = wanted !== undefined && wanted.epoch !== live.epoch;
    if (wanted && !isOtherEpoch && wanted.seq > live.durable) throw aheadOf(stream, wanted, live.durable);
    const isPastRetention = wanted !== undefined && wanted.seq < live.first - 1;
    const isHonoured = wanted !== undefined && !isOtherEpoch && !isPastRetention;
    const from = isHonoured ? wanted.seq : live.first - 1;
    sink.begin({ stream, epoch: live.epoch, head: live.durable, after: from });
    if (wanted && !isHonoured) sink.gap(gapOf(live, wanted.seq, isOtherEpoch ? "epoch" : "retention"));
    return from;
  }

  /** Tells the follower that its peer took some bytes. Cheap unless it waits for just that. */
  drained(): void {
    if (!this.#stall.isWatching) return;
    this.#stall.progressed();
    if (!this.#isOverBudget()) this.#pull();
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaking();
    this.#stall[Symbol.dispose]();
    this.#options.sequencer.release(this.#live);
  }

  #pull(): void {
    if (this.#isPulling || this.#isClosed) return;
    this.#isPulling = true;
    this.#pullAll()
      .catch((error: unknown) => this.#end(MillraceError.from(error)))
      .finally(() => {
        this.#isPulling = false;
        // A wake that came while the last read was ending found isPulling set; what it announced is looked for again.
        if (!this.#isClosed && this.#hasMore() && !this.#isStalled()) this.#pull();
      });
  }

  async #pullAll(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#live.ended) throw this.#live.ended;
      if (this.#live.epoch !== this.#epoch) this.#restartEpoch();
      if (!this.#hasMore()) return;
      if (this.#isOverBudget()) return this.#stall.start();
      this.#stall[Symbol.dispose]();
      const frames = this.#live.recent(this.#sent + 1, READ_FRAMES_MAX, READ_BYTES_MAX) ?? (await this.#readLog());
      if (this.#isClosed) return;
      this.#handOver(frames);
    }
  }

  #hasMore(): boolean {
    return this.#live.ended !== undefined || this.#sent < this.#live.durable;
  }

  #isOverBudget(): boolean {
    return this.#options.sink.unsentBytes > SUBSCRIBER_BYTES_MAX;
  }

  #isStalled(): boolean {
    return this.#stall.isWatching && this.#isOverBudget();
  }

  #handOver(frames: readonly StoredFrame[]): void {
    const last = frames.at(-1);
    if (!last)
      throw new MillraceError("storage_failed", `the log of ${this.#live.name} has no frame ${this.#sent + 1}`);
    this.#options.sink.frames(frames);
    this.#sent = last.seq;
    this.#options.onDelivered?.(frames.length);
    if (last.committedAtMs === undefined) return;
    this.#options.deliverMicros?.record((this.#clock.monotonic() - last.committedAtMs) * 1000);
  }

  async #readLog(): Promise<readonly StoredFrame[]> {
    const { rows } = await this.#options.storage.read<LogReads["range"]>("log.range", {
      stream: this.#live.name,
      after: this.#sent,
      limit: READ_FRAMES_MAX,
      bytesMax: READ_BYTES_MAX,
    });
    return rows;
  }

  #restartEpoch(): void {
    const before = this.#sent;
    this.#epoch = this.#live.epoch;
    this.#sent = this.#live.first - 1;
    this.#options.sink.gap(gapOf(this.#live, before, "epoch"));
  }

  #endStalled(): void {
    // The peer may have taken its bytes without anyone saying so.
    if (!this.#isOverBudget()) {
      this.#pull();
      return;
    }
    const message = `no progress for ${SUBSCRIBER_STALL_MS} ms with ${this.#options.sink.unsentBytes} bytes unsent; reconnect from the last cursor`;
    this.#end(new MillraceError("slow_consumer", message));
  }

  #end(error: MillraceError): void {
    if (this.#isClosed) return;
    this[Symbol.dispose]();
    this.#options.sink.fail(error);
  }
}

function gapOf(live: LiveStream, after: number, reason: Gap["reason"]): Gap {
  return { stream: live.name, epoch: live.epoch, after, first: live.first, head: live.durable, reason };
}
