import { MillraceError } from "@millrace/core";
import type { ClientMessage, Cursor, Gap, StreamId } from "@millrace/protocol";
import {
  type Batch,
  compactFrame,
  Follower,
  type FollowerSink,
  type FollowStart,
  type TimelinePage,
} from "@millrace/stream";
import { textFrame } from "./socket-frames.ts";
import type { SocketSession } from "./socket-session.ts";

type Subscribe = Extract<ClientMessage, { op: "subscribe" }>;

/** One stream followed by a socket, under the number the client gave it. */
export class SocketSubscription implements FollowerSink, Disposable {
  readonly sub: number;
  /** Only there when the client asked for it: then each commit is one more message. */
  readonly durable?: (seq: number) => void;
  /** Only there when the client asked for it: the stream's state before its frames, and after a gap. */
  readonly snapshot?: (page: TimelinePage) => void;
  readonly #session: SocketSession;
  readonly #window: number;
  readonly #form: string;
  readonly #encode: (batch: Batch) => Buffer;
  #follower: Follower | undefined;
  #sent = 0;
  /** The most it was ever sent: when a log was cut, numbers before the cut may still be acknowledged. */
  #sentMax = 0;
  #acknowledged = 0;
  /** What the client takes the frames' epoch for, in the form that leaves it out. */
  #epoch = "";
  readonly #isCompact: boolean;
  #isClosed = false;

  constructor(session: SocketSession, { sub, format, window, durable, snapshot }: Subscribe) {
    this.#session = session;
    this.sub = sub;
    this.#window = window ?? Number.MAX_SAFE_INTEGER;
    this.#isCompact = format === "compact";
    this.#form = `ws-${format ?? "frames"}-${sub}`;
    this.#encode = format === "compact" ? (batch) => encodeCompact(sub, batch) : (batch) => encodeFrames(sub, batch);
    if (snapshot) this.snapshot = (page) => this.#takeSnapshot(page);
    if (durable) this.durable = (seq) => this.#send(textFrame(`{"op":"durable","sub":${sub},"seq":${seq}}`));
  }

  async start(stream: StreamId, after: Cursor | undefined): Promise<void> {
    const { sequencer, storage, meters, clock } = this.#session.engine;
    const follower = await Follower.start({
      sequencer,
      storage,
      stream,
      after,
      sink: this,
      clock,
      ...meters.following,
    });
    this.#follower = follower;
    if (this.#isClosed) follower[Symbol.dispose]();
  }

  get unsentBytes(): number {
    return this.#session.unsentBytes;
  }

  get framesMax(): number {
    return this.#window - (this.#sent - this.#acknowledged);
  }

  /** The client has worked up to `seq`. One that it was not sent ends the subscription. */
  acknowledged(seq: number): void {
    if (seq > this.#sentMax) {
      const message = `seq ${seq} was acknowledged, but subscription ${this.sub} was sent frames up to ${this.#sentMax} only`;
      this.#session.fail(this, new MillraceError("invalid_argument", message));
      this[Symbol.dispose]();
      return;
    }
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(seq, this.#sent));
    this.#follower?.drained();
  }

  drained(): void {
    this.#follower?.drained();
  }

  begin({ stream, epoch, head, durable, after }: FollowStart): void {
    this.#sent = after;
    this.#sentMax = after;
    this.#acknowledged = after;
    this.#epoch = epoch;
    this.#send(textFrame(JSON.stringify({ op: "subscribed", sub: this.sub, stream, epoch, head, durable, after })));
  }

  frames(batch: Batch): void {
    if (this.#isCompact && batch.epoch !== this.#epoch) {
      this.#epoch = batch.epoch;
      this.#send(textFrame(JSON.stringify({ op: "epoch", sub: this.sub, epoch: batch.epoch, after: batch.first - 1 })));
    }
    this.#sent = batch.last;
    this.#sentMax = Math.max(this.#sentMax, batch.last);
    this.#send(batch.encoded(this.#form, this.#encode));
    this.#session.served(this);
  }

  gap(gap: Gap): void {
    this.#sent = gap.first - 1;
    this.#sentMax = Math.max(this.#sentMax, this.#sent);
    this.#acknowledged = gap.first - 1;
    this.#epoch = gap.epoch;
    this.#send(textFrame(JSON.stringify({ op: "gap", sub: this.sub, ...gap })));
  }

  #takeSnapshot({ next, ...page }: TimelinePage): void {
    this.#sent = page.asOfSeq;
    this.#sentMax = Math.max(this.#sentMax, page.asOfSeq);
    this.#acknowledged = page.asOfSeq;
    this.#epoch = page.epoch;
    const more = next === undefined ? {} : { next: String(next) };
    this.#send(textFrame(JSON.stringify({ op: "snapshot", sub: this.sub, ...page, ...more })));
  }

  fail(error: MillraceError): void {
    this.#session.fail(this, error);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#follower?.[Symbol.dispose]();
  }

  #send(frames: Buffer): void {
    if (!this.#isClosed) this.#session.send(frames);
  }
}

function encodeFrames(sub: number, { frames }: Batch): Buffer {
  return textFrame(`{"op":"frames","sub":${sub},"frames":[${frames.map(({ json }) => json).join(",")}]}`);
}

function encodeCompact(sub: number, { frames }: Batch): Buffer {
  return textFrame(`[${sub},${frames.map(({ json }) => compactFrame(json)).join(",")}]`);
}
