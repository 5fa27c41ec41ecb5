import { type Clock, type Histogram, MillraceError, systemClock } from "@millrace/core";
import type { Cursor, Gap, StreamId } from "@millrace/protocol";
import { Batch } from "./batch.ts";
import {
  READ_BYTES_MAX,
  READ_FRAMES_MAX,
  SNAPSHOT_ENTITIES_MAX,
  SUBSCRIBER_BYTES_MAX,
  SUBSCRIBER_STALL_MS,
  TIMELINE_BYTES_MAX,
} from "./limits.ts";
import type { LiveStream } from "./live-stream.ts";
import { aheadOf, type TimelinePage, toTimelinePage } from "./log-reader.ts";
import type { Sequencer } from "./sequencer.ts";
import { StallWatch } from "./stall-watch.ts";
import type { LogReads, TimelinePage as StoredPage } from "./storage/log-module.ts";
import type { Storage } from "./storage/storage.ts";

/** Where following begins: frames after `after` follow. `durable` of those up to `head` are safe from a power cut. */
export type FollowStart = {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly head: number;
  readonly durable: number;
  readonly after: number;
};

/** Where a follower's frames go: one subscription on one socket. Calls come in order and never overlap. */
export interface FollowerSink {
  /** Bytes handed over and not yet taken by the peer. Call `Follower.drained` when they have become fewer. */
  readonly unsentBytes: number;
  /** Most frames it takes now, for a peer that acknowledges; call `Follower.drained` when they have become more. Default: no such limit. */
  readonly framesMax?: number;
  /** Always first: where the stream is and where following begins. */
  begin(start: FollowStart): void;
  frames(batch: Batch): void;
  gap(gap: Gap): void;
  /**
   * The state of the stream as of `asOfSeq`; frames after that follow (I8). Sinks that have it are given one before the first frame when they
   * have no cursor, and after every gap, unless the stream makes no entities.
   */
  snapshot?(page: TimelinePage): void;
  /** Frames handed over are durable up to `seq`. Only asked for by sinks that have it. */
  durable?(seq: number): void;
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
  /** Takes microseconds from numbering to hand-over of frames pushed live. */
  readonly deliverMicros?: Histogram;
  /** Called with the number of frames of each hand-over, whether they came from memory, and their stream. */
  readonly onDelivered?: (frames: number, isLive: boolean, stream: StreamId) => void;
  /** Called when the reader went over its budget and is fed from the log from then on. */
  readonly onDemoted?: () => void;
  /** Called when the engine ends the subscription, with why. */
  readonly onEnded?: (error: MillraceError) => void;
  /** Holds the follower for as long as it follows. */
  readonly followers?: Set<Follower>;
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
  #toldDurable: number;
  /** Since when frames wait because the peer has no room for them; 0 when none do. */
  #heldSinceMs = 0;
  #isPulling = false;
  #isClosed = false;
  #isWaitingForRoom = false;
  #needsSnapshot: boolean;
  readonly #stall: StallWatch;

  private constructor(options: FollowerOptions, live: LiveStream, { from, needsSnapshot }: Beginning) {
    this.#options = options;
    this.#needsSnapshot = needsSnapshot;
    this.#clock = options.clock ?? systemClock;
    this.#live = live;
    this.#epoch = live.epoch;
    this.#sent = from;
    this.#toldDurable = live.durable;
    this.#stall = new StallWatch(this.#clock, () => this.#endStalled());
    this.#stopWaking = live.onChange(() => this.#pull());
    options.followers?.add(this);
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

  /** Tells the sink where following begins, and returns it: the one decision from which frames follow without a seam. */
  static #begin({ stream, after, sink }: FollowerOptions, live: LiveStream): Beginning {
    // Before the first frame is a place in every epoch; frames trimmed since are a gap for who was there.
    const wanted = after;
    const place = wanted && (wanted.seq === 0 ? 0 : live.placeOf(wanted));
    if (wanted && place !== undefined && place > live.visible) throw aheadOf(stream, wanted, live.visible);
    const isHonoured = place !== undefined && place >= live.first - 1;
    const kept = wanted && place === undefined ? live.keptOf(wanted.epoch) : undefined;
    const from = isHonoured ? place : Math.max(live.first - 1, kept ?? 0);
    sink.begin({ stream, epoch: live.epoch, head: live.visible, durable: live.durable, after: from });
    if (wanted && !isHonoured) {
      sink.gap(gapOf(live, wanted.seq, from + 1, place === undefined ? "epoch" : "retention"));
    }
    return { from, needsSnapshot: !isHonoured && sink.snapshot !== undefined };
  }

  get stream(): StreamId {
    return this.#live.name;
  }

  /** The last frame handed over. */
  get position(): number {
    return this.#sent;
  }

  /** How far the stream is ahead. */
  get backlog(): number {
    return Math.max(0, this.#live.visible - this.#sent);
  }

  /** Milliseconds for which the peer has taken none of the frames that wait for it; 0 when none do. */
  get waitingMs(): number {
    return this.#heldSinceMs === 0 ? 0 : this.#clock.monotonic() - this.#heldSinceMs;
  }

  /** Whether it is over its budget, and fed from the log once it drains. */
  get isLagging(): boolean {
    return this.#stall.isWatching;
  }

  /** Tells the follower that its peer took some bytes or frames. Cheap unless it waits for just that. */
  drained(): void {
    if (this.#isWaitingForRoom) this.#pull();
    if (!this.#stall.isWatching) return;
    this.#stall.progressed();
    if (!this.#isOverBudget()) this.#pull();
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaking();
    this.#stall[Symbol.dispose]();
    this.#options.followers?.delete(this);
    this.#options.sequencer.release(this.#live);
  }

  /** What memory holds is handed over at once, without a turn between the wake and the write. */
  #pull(): void {
    if (this.#isPulling || this.#isClosed) return;
    this.#isPulling = true;
    try {
      const reading = this.#pullLive();
      if (reading) {
        void this.#continue(reading);
        return;
      }
    } catch (error) {
      this.#end(MillraceError.from(error));
    }
    this.#isPulling = false;
  }

  async #continue(first: Reading): Promise<void> {
    try {
      for (let reading: Reading | undefined = first; reading; reading = this.#pullLive()) {
        const found = await reading;
        if (this.#isClosed) return;
        if (found instanceof Batch) this.#handOver(found);
        else this.#takeSnapshot(found);
      }
    } catch (error) {
      this.#end(MillraceError.from(error));
    }
    this.#isPulling = false;
    // A wake that came while the last read was ending found isPulling set; what it announced is looked for again.
    if (this.#hasMore() && !this.#isStalled() && !this.#isWaitingForRoom) this.#pull();
  }

  /** Hands over what memory holds. Returns the read under way when the next frames are in the log only. */
  #pullLive(): Reading | undefined {
    while (!this.#isClosed) {
      if (this.#live.ended) throw this.#live.ended;
      if (this.#live.epoch !== this.#epoch) this.#takeEpoch();
      this.#tellDurable();
      if (this.#needsSnapshot) return this.#readSnapshot();
      if (this.#sent >= this.#live.visible) return undefined;
      if (!this.#hasRoom()) {
        this.#heldSinceMs ||= this.#clock.monotonic();
        return undefined;
      }
      if (this.#sent < this.#live.first - 1) this.#skipTrimmed();
      const batch = this.#live.batchAfter(this.#sent, this.#framesMax());
      if (!batch) return this.#readLog();
      this.#handOver(batch);
    }
    return undefined;
  }

  #hasRoom(): boolean {
    this.#isWaitingForRoom = this.#framesMax() < 1;
    if (this.#isWaitingForRoom) return false;
    if (this.#isOverBudget()) {
      if (!this.#stall.isWatching) this.#options.onDemoted?.();
      this.#stall.start();
      return false;
    }
    this.#stall[Symbol.dispose]();
    return true;
  }

  #framesMax(): number {
    return Math.min(READ_FRAMES_MAX, this.#options.sink.framesMax ?? READ_FRAMES_MAX);
  }

  #hasMore(): boolean {
    return !this.#isClosed && (this.#live.ended !== undefined || this.#sent < this.#live.visible);
  }

  #isOverBudget(): boolean {
    return this.#options.sink.unsentBytes > SUBSCRIBER_BYTES_MAX;
  }

  #isStalled(): boolean {
    return this.#stall.isWatching && this.#isOverBudget();
  }

  #handOver(batch: Batch): void {
    // A batch read for others at the same place may hold more than this reader has room for.
    const room = this.#framesMax();
    if (room < 1) return;
    const mine =
      batch.frames.length <= room ? batch : new Batch(batch.stream, batch.epoch, batch.frames.slice(0, room));
    if (mine.frames.length === 0) {
      if (this.#live.ended) throw this.#live.ended;
      // The frames were trimmed while they were asked for; `first` tells once the log says so.
      if (this.#sent < this.#live.first - 1) return;
      throw new MillraceError("storage_failed", `the log of ${this.#live.name} has no frame ${this.#sent + 1}`);
    }
    if (mine.first !== this.#sent + 1) {
      this.#skipTo(mine.first);
      return;
    }
    this.#options.sink.frames(mine);
    this.#sent = mine.last;
    this.#heldSinceMs = 0;
    const { numberedAtMs } = mine;
    this.#options.onDelivered?.(mine.frames.length, numberedAtMs !== undefined, mine.stream);
    if (numberedAtMs === undefined) return;
    this.#options.deliverMicros?.record((this.#clock.monotonic() - numberedAtMs) * 1000);
  }

  /** One read for all who are at the same place: after a restart a thousand readers come back to the same frames. */
  #readLog(): Promise<Batch> {
    const { storage } = this.#options;
    const live = this.#live;
    const after = this.#sent;
    const known = live.reads.get(after);
    if (known) return known;
    const args = { stream: live.name, after, limit: READ_FRAMES_MAX, bytesMax: READ_BYTES_MAX };
    const reading = storage
      .read<LogReads["range"]>("log.range", args)
      .then(async ({ rows }) => {
        // The frames are gone when the stream was deleted: by the next turn it has been told so.
        if (rows.length === 0)
          await storage.settled().then(() => new Promise<void>((resolve) => setImmediate(resolve)));
        return new Batch(live.name, live.epoch, rows);
      })
      .finally(() => live.reads.delete(after));
    live.reads.set(after, reading);
    return reading;
  }

  #readSnapshot(): Promise<StoredPage> {
    const args = { stream: this.#live.name, after: 0, limit: SNAPSHOT_ENTITIES_MAX, bytesMax: TIMELINE_BYTES_MAX };
    return this.#options.storage.read<LogReads["timeline"]>("log.timeline", args);
  }

  #takeSnapshot({ row, ...page }: StoredPage): void {
    this.#needsSnapshot = false;
    // Without entities there is no state but the frames; a page of another epoch than ours is followed by a gap, which asks again.
    if (!row || page.entities.length === 0 || row.epoch !== this.#live.epoch || row.head > this.#live.visible) return;
    this.#options.sink.snapshot?.(toTimelinePage(this.#live.name, row, page));
    this.#sent = row.head;
  }

  #gap(gap: Gap): void {
    this.#options.sink.gap(gap);
    this.#needsSnapshot = this.#options.sink.snapshot !== undefined;
  }

  #tellDurable(): void {
    const { sink } = this.#options;
    if (!sink.durable) return;
    const seq = Math.min(this.#live.durable, this.#sent);
    if (seq <= this.#toldDurable) return;
    this.#toldDurable = seq;
    sink.durable(seq);
  }

  /** The log was cut, and numbers were given out anew: a reader before the cut goes on, one behind it hears where the new frames begin. */
  #takeEpoch(): void {
    const place = this.#live.placeOf({ epoch: this.#epoch, seq: this.#sent as Cursor["seq"] });
    const kept = this.#live.keptOf(this.#epoch);
    this.#epoch = this.#live.epoch;
    if (place !== undefined) return;
    const before = this.#sent;
    this.#sent = Math.max(this.#live.first - 1, kept ?? 0);
    this.#toldDurable = this.#sent;
    this.#gap(gapOf(this.#live, before, this.#sent + 1, "epoch"));
  }

  #skipTrimmed(): void {
    this.#skipTo(this.#live.first);
  }

  #skipTo(first: number): void {
    const before = this.#sent;
    this.#sent = first - 1;
    this.#gap(gapOf(this.#live, before, first, "retention"));
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
    this.#options.onEnded?.(error);
    this.#options.sink.fail(error);
  }
}

/** Where following begins, and whether a snapshot comes first. */
type Beginning = { readonly from: number; readonly needsSnapshot: boolean };
/** What is read for a follower: frames, or the state of the stream. */
type Reading = Promise<Batch | StoredPage>;

function gapOf(live: LiveStream, after: number, first: number, reason: Gap["reason"]): Gap {
  return { stream: live.name, epoch: live.epoch, after, first, head: live.visible, reason };
}
