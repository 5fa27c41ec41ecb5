import {
  type Cursor,
  type Frame,
  formatCursor,
  type Gap,
  MillraceError,
  parseCursor,
  type Seq,
} from "@millrace/protocol";
import { fullJitterMs } from "./backoff.ts";
import type { ClientClock } from "./clock.ts";
import { BUFFER_CHARS_MAX, BUFFER_FRAMES_MAX, BUFFER_RESUME_AT } from "./limits.ts";
import type { Followed, Link, LinkSink, Place, Snapshot } from "./link.ts";

export type SubscriptionStatus =
  /** Asking; the first time, or again after `attempt` failures in a row. */
  | { readonly state: "connecting"; readonly attempt: number }
  /** Frames come as they happen; `head` was the newest when this began. */
  | { readonly state: "live"; readonly head: number | undefined }
  /** The connection was lost; it is tried again in `retryInMs`. */
  | { readonly state: "waiting"; readonly error: MillraceError; readonly retryInMs: number }
  /** The reader is slower than the stream: nothing is read until the buffer has drained. */
  | { readonly state: "paused" }
  /** The end; with the error that the reader gets, if one did it. */
  | { readonly state: "closed"; readonly error?: MillraceError };

export type SubscribeOptions = {
  /** A cursor `<epoch>:<seq>`: frames after it. Default: from the first frame kept. */
  readonly after?: string | undefined;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Called at every change of the connection, for a status line. */
  readonly onStatus?: (status: SubscriptionStatus) => void;
  /**
   * Called in order, between the frames before and after it, when frames are lost for good: they are past retention, or the stream's
   * log was recreated. Discard what was built from the stream and take a new timeline. Without it a gap ends the iteration
   * with `gone`, so frames are never skipped in silence.
   */
  readonly onGap?: (gap: Gap) => void;
  /**
   * Called in order, between frames, with the stream's state in place of the frames it covers: before the first frame when there is no
   * `after`, and after a gap. Never called for a stream that makes no entities.
   */
  readonly onSnapshot?: (snapshot: Snapshot) => void;
  /**
   * Flow control over a WebSocket: the engine sends at most about this many frames beyond those the loop has taken, 1 to 2,048. Default:
   * as many as the buffer takes. A small one keeps a slow reader's memory small; one below what a round trip takes slows a fast one.
   */
  readonly window?: number | undefined;
  /**
   * Called with a `seq` when frames up to it are safe from a power cut, which is up to some milliseconds after they are seen. It may be ahead
   * of the loop. Never called where server-sent events are used.
   */
  readonly onDurable?: (seq: number) => void;
};

export type SubscriptionOptions = SubscribeOptions & {
  readonly stream: string;
  readonly link: Link;
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal;
  readonly clock: ClientClock;
  readonly rng: () => number;
};

type Item =
  | { readonly frame: Frame; readonly chars: number }
  | { readonly gap: Gap; readonly chars: 0 }
  | { readonly snapshot: Snapshot; readonly chars: 0 };
type Reader = {
  readonly resolve: (result: IteratorResult<Frame>) => void;
  readonly reject: (error: MillraceError) => void;
};

/**
 * One reader's place in one stream. Every frame after the cursor is given exactly once and in order (I1), whatever the connection
 * does: what was seen is dropped, a hole makes it ask again from the last frame before it, and a lost connection is opened again
 * from there after a wait with full jitter. Memory is bounded: past the bound of the buffer it stops following and asks again, by
 * cursor, once the reader has caught up (I6 seen from the reader's side).
 */
export class Subscription implements AsyncIterableIterator<Frame> {
  readonly #options: SubscriptionOptions;
  readonly #buffer: Item[] = [];
  readonly #readers: Reader[] = [];
  #taken = 0;
  #chars = 0;
  /** The last frame received, which may still be in the buffer; a reconnect goes on from here. */
  #cursor: Cursor | undefined;
  #state: SubscriptionStatus["state"] = "connecting";
  #attempt = 0;
  #end: { readonly error?: MillraceError } | undefined;
  #followed: Followed = NOTHING;
  /** The last frame acknowledged, where there is a window. */
  #acknowledged = 0;
  /** Gaps and snapshots in the buffer: behind one, numbers before it mean nothing to the engine. */
  #breaks = 0;
  #cancelWait = () => {};
  readonly #onAbort = () => this.#finish({});

  constructor(options: SubscriptionOptions) {
    checkWindow(options.window);
    this.#options = options;
    this.#cursor = options.after === undefined ? undefined : parseCursor(options.after);
    if (options.signal?.aborted) this.#finish({});
    else {
      options.signal?.addEventListener("abort", this.#onAbort, { once: true });
      options.closing.addEventListener("abort", this.#onAbort, { once: true });
      this.#open();
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Frame>> {
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#give();
    });
  }

  return(): Promise<IteratorResult<Frame>> {
    this.#finish({});
    this.#discard();
    this.#give();
    return Promise.resolve({ done: true, value: undefined });
  }

  #open(): void {
    if (this.#end) return;
    this.#report({ state: "connecting", attempt: this.#attempt });
    const { link, stream, window, onDurable, onSnapshot } = this.#options;
    let isCurrent = true;
    const ifCurrent =
      <Args extends unknown[]>(run: (...args: Args) => void) =>
      (...args: Args) => {
        if (isCurrent) run(...args);
      };
    const sink: LinkSink = {
      subscribed: ifCurrent((place) => this.#subscribed(place)),
      frames: ifCurrent((frames, chars) => this.#receive(frames, chars)),
      gap: ifCurrent((gap) => this.#receiveGap(gap)),
      snapshot: ifCurrent((snapshot) => this.#receiveSnapshot(snapshot)),
      durable: ifCurrent((seq) => onDurable?.(seq)),
      alive: ifCurrent(() => this.#alive()),
      lost: ifCurrent((error) => {
        isCurrent = false;
        this.#lost(error);
      }),
    };
    try {
      const after = this.#cursor && formatCursor(this.#cursor);
      const wanted = { durable: onDurable !== undefined, snapshot: onSnapshot !== undefined };
      const followed = link.open({ stream, after, window, ...wanted }, sink);
      const close = () => {
        if (isCurrent) followed.close();
        isCurrent = false;
      };
      this.#followed = { close, acknowledge: ifCurrent(followed.acknowledge) };
    } catch (error) {
      this.#finish({ error: MillraceError.from(error, "invalid_argument") });
    }
  }

  #subscribed({ epoch, head, after, durable }: Place): void {
    this.#cursor ??= { epoch, seq: after as Seq };
    this.#acknowledged = after;
    if (durable !== undefined) this.#options.onDurable?.(durable);
    this.#report({ state: "live", head });
  }

  #alive(): void {
    this.#attempt = 0;
    if (this.#state === "connecting") this.#report({ state: "live", head: undefined });
  }

  #receive(frames: readonly Frame[], chars: number): void {
    this.#alive();
    for (const frame of frames) {
      const last = this.#cursor;
      // A frame keeps the epoch it was written under; frames that follow on under a newer one are the same log going on.
      if (last && last.epoch !== frame.epoch && frame.seq !== last.seq + 1) this.#receiveGap(unannounced(frame, last));
      else if (last && frame.seq <= last.seq) continue;
      else if (last && frame.seq !== last.seq + 1) {
        const text = `${frame.stream} jumped from ${last.seq} to ${frame.seq}; asking again from ${last.seq}`;
        this.#followed.close();
        this.#lost(new MillraceError("sequence_gap", text));
        return;
      }
      this.#cursor = { epoch: frame.epoch, seq: frame.seq };
      this.#push({ frame, chars: chars / frames.length });
    }
    this.#give();
    if (this.#isOver(1)) this.#pause();
  }

  #receiveGap(gap: Gap): void {
    const last = this.#cursor;
    if (last && last.epoch === gap.epoch && gap.first <= last.seq + 1) return;
    this.#cursor = { epoch: gap.epoch, seq: (gap.first - 1) as Seq };
    this.#breaks++;
    this.#push({ gap, chars: 0 });
    this.#give();
  }

  #receiveSnapshot(snapshot: Snapshot): void {
    this.#cursor = { epoch: snapshot.epoch, seq: snapshot.asOfSeq as Seq };
    this.#breaks++;
    this.#push({ snapshot, chars: 0 });
    this.#give();
  }

  #lost(error: MillraceError): void {
    if (this.#end) return;
    if (!error.retryable || error.code === "cancelled") {
      this.#finish(error.code === "cancelled" ? {} : { error });
      return;
    }
    this.#attempt++;
    const { clock, rng } = this.#options;
    const retryInMs = Math.max(fullJitterMs(this.#attempt, rng), error.retryAfterMs ?? 0);
    this.#cancelWait = clock.after(retryInMs, () => this.#open());
    this.#report({ state: "waiting", error, retryInMs });
  }

  #pause(): void {
    if (this.#end || this.#state === "paused" || this.#state === "waiting") return;
    this.#followed.close();
    this.#report({ state: "paused" });
  }

  /** Hands items to waiting readers while both are there; at the end, tells the readers. */
  #give(): void {
    while (this.#readers.length > 0) {
      const item = this.#take();
      if (item && "gap" in item) this.#tellGap(item.gap);
      else if (item && "snapshot" in item) this.#tellSnapshot(item.snapshot);
      else if (item) {
        this.#acknowledge(item.frame.seq);
        this.#readers.shift()?.resolve({ done: false, value: item.frame });
      } else if (this.#end) this.#giveEnd(this.#end);
      else break;
    }
    if (this.#state === "paused" && !this.#isOver(BUFFER_RESUME_AT)) this.#open();
  }

  /** Half a window at a time: often enough that frames keep coming, rarely enough to cost little. */
  #acknowledge(seq: number): void {
    const { window } = this.#options;
    if (window === undefined || this.#breaks > 0 || seq - this.#acknowledged < window / 2) return;
    this.#acknowledged = seq;
    this.#followed.acknowledge(seq);
  }

  #giveEnd({ error }: { readonly error?: MillraceError }): void {
    const reader = this.#readers.shift();
    this.#end = {};
    if (error) reader?.reject(error);
    else reader?.resolve({ done: true, value: undefined });
  }

  #tellGap(gap: Gap): void {
    this.#breaks--;
    this.#acknowledged = gap.first - 1;
    const { onGap } = this.#options;
    if (onGap) {
      onGap(gap);
      return;
    }
    this.#discard();
    const text = `frames ${gap.after + 1} to ${gap.first - 1} of ${gap.stream} cannot be read any more (${gap.reason}); take its timeline and go on from there, or pass onGap`;
    this.#finish({ error: new MillraceError("gone", text) });
  }

  #tellSnapshot(snapshot: Snapshot): void {
    this.#breaks--;
    this.#acknowledged = snapshot.asOfSeq;
    this.#options.onSnapshot?.(snapshot);
  }

  /** The first end counts; what is in the buffer is still given. */
  #finish(end: { readonly error?: MillraceError }): void {
    if (this.#end) return;
    this.#end = end;
    this.#cancelWait();
    this.#followed.close();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.closing.removeEventListener("abort", this.#onAbort);
    this.#report({ state: "closed", ...end });
    this.#give();
  }

  #push(item: Item): void {
    this.#buffer.push(item);
    this.#chars += item.chars;
  }

  /** Takes from the front; the array is cut only now and then, so that taking is O(1) on average. */
  #take(): Item | undefined {
    const item = this.#buffer[this.#taken];
    if (!item) return undefined;
    this.#taken++;
    this.#chars -= item.chars;
    if (this.#taken === this.#buffer.length || this.#taken >= BUFFER_FRAMES_MAX) {
      this.#buffer.splice(0, this.#taken);
      this.#taken = 0;
    }
    return item;
  }

  #discard(): void {
    this.#buffer.length = 0;
    this.#taken = 0;
    this.#chars = 0;
    this.#breaks = 0;
  }

  #isOver(part: number): boolean {
    return this.#buffer.length - this.#taken > BUFFER_FRAMES_MAX * part || this.#chars > BUFFER_CHARS_MAX * part;
  }

  #report(status: SubscriptionStatus): void {
    this.#state = status.state;
    this.#options.onStatus?.(status);
  }
}

const NOTHING: Followed = { close: () => {}, acknowledge: () => {} };

function checkWindow(window: number | undefined): void {
  if (window === undefined || (Number.isInteger(window) && window >= 1 && window <= BUFFER_FRAMES_MAX)) return;
  const text = `window is ${window}; it must be a whole number from 1 to ${BUFFER_FRAMES_MAX}, or left out`;
  throw new MillraceError("invalid_argument", text);
}

/** The gap of an engine that began to send another part of another epoch without a word. */
function unannounced({ stream, epoch, seq }: Frame, last: Cursor): Gap {
  return { stream, epoch, after: last.seq, first: seq, head: seq, reason: "epoch" };
}
