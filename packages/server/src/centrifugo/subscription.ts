/** One channel of one client: following the stream from where the client is, or from its top. */
import { MillraceError } from "@millrace/core";
import type { Cursor, Seq, StreamId } from "@millrace/protocol";
import { type Batch, Follower, type FollowerSink, type LiveStream } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { CENTRIFUGO_RECOVERY_FRAMES_MAX } from "../limits.ts";
import type { Position, SubscribeRequest } from "./command.ts";
import { encodePushes, toPublication } from "./publication.ts";

/** The client a subscription belongs to. */
export interface SubscriptionHost {
  /** Bytes handed over to the client, by all its subscriptions, and not yet taken. */
  readonly unsentBytes: number;
  /** Writes whole WebSocket frames. */
  write(frames: Buffer): void;
  /** The subscription was served: others go first the next time. */
  served(subscription: Subscription): void;
  /** What the client has no longer fits the log: it has to subscribe again. `error` is for one that is not subscribed yet. */
  lost(subscription: Subscription, error: MillraceError): void;
  /** The client took nothing for too long. */
  slow(): void;
}

/** The pending answer to the subscribe; one of the two is called, once. */
export type SubscribeAnswer = { readonly result: (json: string) => void; readonly fail: (error: unknown) => void };

/** Where the log lets a client begin. */
type Begin = { readonly epoch: string; readonly head: number; readonly after: number };

/**
 * Recovery and live following are one position of one Follower. The answer to the subscribe carries the first batch of what was missed,
 * and pushes carry the rest, so there is no moment between the two at which a publication could be lost or sent twice, and a client
 * that missed much is fed at its own pace (I6).
 */
export class Subscription implements Disposable {
  readonly channel: StreamId;
  readonly #host: SubscriptionHost;
  readonly #answer: SubscribeAnswer;
  #follower: Follower | undefined;
  #isAnswered = false;
  #isClosed = false;

  constructor(host: SubscriptionHost, channel: StreamId, answer: SubscribeAnswer) {
    this.#host = host;
    this.channel = channel;
    this.#answer = answer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the client was told that it is subscribed. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Begins where the client is when the log still has all that follows, else at the top, and says which. */
  async start(engine: Engine, { recover, rejectUnrecovered }: SubscribeRequest): Promise<void> {
    const { sequencer } = engine;
    const live = await sequencer.follow(this.channel);
    // Held until the follower holds it: what is decided on here is what it finds.
    try {
      const from = recover && placeOf(live, recover);
      if (from && (await this.#recover(engine, from))) return;
      if (recover && rejectUnrecovered) {
        throw new MillraceError("gone", `what follows ${recover.offset} cannot be recovered; load the channel's state`);
      }
      const sink = new ChannelSink(this, this.#host, { isRecovery: false, wasRecovering: recover !== undefined });
      await this.#follow(engine, sink, topOf(live));
    } finally {
      sequencer.release(live);
    }
  }

  /** The client took some bytes. */
  drained(): void {
    this.#follower?.drained();
  }

  answer(result: string): void {
    this.#isAnswered = true;
    this.#answer.result(result);
  }

  /** Ends the subscription; a subscribe that has no answer yet gets this one. */
  end(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#follower?.[Symbol.dispose]();
    if (!this.#isAnswered) this.#answer.fail(error);
  }

  [Symbol.dispose](): void {
    this.end(new MillraceError("conflict", "the channel was unsubscribed before it was subscribed"));
  }

  /** Whether the client goes on from its own position; nothing has been answered when the log was cut meanwhile. */
  async #recover(engine: Engine, from: Cursor): Promise<boolean> {
    const sink = new ChannelSink(this, this.#host, { isRecovery: true, wasRecovering: true });
    try {
      await this.#follow(engine, sink, from);
    } catch (error) {
      if (MillraceError.from(error).code !== "invalid_argument") throw error;
      return false;
    }
    if (sink.isHonoured) return true;
    this.#follower?.[Symbol.dispose]();
    this.#follower = undefined;
    return false;
  }

  async #follow({ sequencer, storage, meters, clock }: Engine, sink: ChannelSink, after: Cursor): Promise<void> {
    if (this.#isClosed) return;
    const stream = this.channel;
    this.#follower = await Follower.start({ sequencer, storage, stream, after, sink, clock, ...meters.following });
    if (this.#isClosed) this.#follower[Symbol.dispose]();
    else sink.started();
  }
}

/** One try to follow a channel from one place. Until it has answered the subscribe it can still be given up for another. */
class ChannelSink implements FollowerSink {
  readonly #subscription: Subscription;
  readonly #host: SubscriptionHost;
  readonly #isRecovery: boolean;
  readonly #wasRecovering: boolean;
  #begin: Begin = { epoch: "", head: 0, after: 0 };
  #isStarted = false;
  isHonoured = true;

  constructor(
    subscription: Subscription,
    host: SubscriptionHost,
    { isRecovery, wasRecovering }: { isRecovery: boolean; wasRecovering: boolean },
  ) {
    this.#subscription = subscription;
    this.#host = host;
    this.#isRecovery = isRecovery;
    this.#wasRecovering = wasRecovering;
  }

  get unsentBytes(): number {
    return this.#host.unsentBytes;
  }

  begin(begin: Begin): void {
    this.#begin = begin;
  }

  /** The follower stands and has told of a gap if there is one. */
  started(): void {
    this.#isStarted = true;
    if (this.#begin.after >= this.#begin.head) this.#answerWith([]);
  }

  frames(batch: Batch): void {
    if (!this.isHonoured || this.#subscription.isClosed) return;
    // Frames beyond a change of epoch that the client's position survived: it learns of the new epoch by subscribing again.
    if (batch.epoch !== this.#begin.epoch) this.#lose();
    else if (this.#isRecovery && !this.#subscription.isAnswered) this.#answerWith(batch.frames.map(toPublication));
    else this.#push(batch);
    this.#host.served(this.#subscription);
  }

  gap(): void {
    if (this.#isStarted) this.#lose();
    // From the top there is nothing to honour: `begin` said where following begins, and so will the answer.
    else if (this.#isRecovery) this.isHonoured = false;
  }

  fail(error: MillraceError): void {
    if (error.code === "slow_consumer") this.#host.slow();
    else this.#lose();
  }

  #push(batch: Batch): void {
    this.#answerWith([]);
    this.#host.write(encodePushes(batch));
  }

  /** The log changed under the subscription. A client that waits for its answer is told to try again. */
  #lose(): void {
    const error = new MillraceError("unavailable", `channel ${this.#subscription.channel} changed; subscribe again`);
    this.#host.lost(this.#subscription, error);
  }

  #answerWith(publications: readonly string[]): void {
    if (this.#subscription.isAnswered || !this.isHonoured) return;
    const { epoch, after } = this.#begin;
    const place = `{"recoverable":true,"positioned":true,"epoch":${JSON.stringify(epoch)},"offset":${after}`;
    const was = this.#wasRecovering ? ',"was_recovering":true' : "";
    const recovered = this.#isRecovery ? `,"recovered":true,"publications":[${publications.join(",")}]` : "";
    this.#subscription.answer(`${place}${was}${recovered}}`);
  }
}

/** Where the channel is now, as readers see it. */
function topOf({ epoch, visible }: LiveStream): Cursor {
  return { epoch, seq: visible as Seq };
}

/** The client's position as a place in the log as it is now; undefined when what follows it is not all there, or is too much. */
function placeOf(live: LiveStream, { epoch, offset }: Position): Cursor | undefined {
  const seq = epoch === "" ? offset : live.placeOf({ epoch, seq: offset as Seq });
  if (seq === undefined || seq < live.first - 1 || seq > live.visible) return undefined;
  if (live.visible - seq > CENTRIFUGO_RECOVERY_FRAMES_MAX) return undefined;
  return { epoch: live.epoch, seq: seq as Seq };
}
