import { assert, MillraceError, Ring } from "@millrace/core";
import type { ProducerPosition, StreamEvent, StreamId } from "@millrace/protocol";
import { MESSAGE_IDS_MAX, PRODUCERS_MAX, RING_BYTES_MAX, RING_FRAMES_MAX } from "./limits.ts";
import type { StreamState } from "./storage/log-module.ts";

/** A frame as readers get it: its place and its JSON, the same string for all of them. */
export type StoredFrame = {
  readonly seq: number;
  readonly json: string;
  /** Monotonic milliseconds at which its commit was acknowledged; undefined when it was read back from the log. */
  readonly committedAtMs?: number;
};

/** An event that will become a frame, or the reason why it already is one. */
export type Admitted = { readonly event: StreamEvent; readonly isDuplicate: boolean };

/**
 * One open stream in memory: the numbers given out (I1), what is known of its producers (I3), the newest frames, and who waits for more.
 * `head` runs ahead of `durable` while a commit is under way; readers see only what is durable.
 */
export class LiveStream {
  readonly name: StreamId;
  epoch = "";
  first = 1;
  head = 0;
  durable = 0;
  /** Writes handed to the storage thread and not yet answered. */
  pending = 0;
  /** Calls and followers that use it: it stays in memory while there are any. */
  holds = 0;
  /** Why it takes and gives no more frames: it was deleted, or its log could not be read again. Opening the stream anew may work. */
  ended: MillraceError | undefined;
  #fence: PromiseWithResolvers<void> | undefined;
  /** The newest durable frames; frame `seq` has ring number `seq - ringBase`. */
  readonly #ring = new Ring<StoredFrame>({ countMax: RING_FRAMES_MAX, bytesMax: RING_BYTES_MAX });
  #ringBase = 1;
  readonly #producers = new Map<string, { epoch: number; seq: number }>();
  readonly #messageIds = new Map<string, number>();
  readonly #wakes = new Set<() => void>();

  constructor(name: StreamId) {
    this.name = name;
  }

  /** Takes over what the log holds; `newEpoch` serves a stream that has no frame yet. */
  restore({ row, producers, messageIds }: StreamState, newEpoch: string): void {
    this.epoch = row?.epoch ?? (this.epoch || newEpoch);
    this.first = row?.first ?? 1;
    this.head = row?.head ?? 0;
    this.durable = this.head;
    this.#liftFence();
    this.#ring.clear();
    this.#ringBase = this.durable + 1 - this.#ring.next;
    this.#producers.clear();
    for (const { producer, epoch, seq } of producers) this.#producers.set(producer, { epoch, seq });
    this.#messageIds.clear();
    for (const { seq, message_id } of messageIds) this.#messageIds.set(message_id, seq);
  }

  /** Whether a write failed: the numbers given out since are void until the log has been read again. */
  get isFenced(): boolean {
    return this.#fence !== undefined;
  }

  fence(): void {
    if (!this.ended) this.#fence ??= Promise.withResolvers();
  }

  /** Settles when there is no fence any more, because the log was read again or the stream has ended. */
  unfenced(): Promise<void> {
    return this.#fence?.promise ?? Promise.resolve();
  }

  /** Tells everyone who waits that nothing more will come. */
  end(reason: MillraceError): void {
    this.ended ??= reason;
    this.#liftFence();
    this.wakeAll();
  }

  /** Which of the events are new. Throws `stale_epoch` or `sequence_gap` before anything is changed. */
  admit(events: readonly StreamEvent[], producer: ProducerPosition | undefined): Admitted[] {
    const seen = producer && this.#positionOf(producer);
    const inBatch = new Set<string>();
    return events.map((event, at) => {
      const isBehind = producer !== undefined && seen !== undefined && producer.seq + at <= seen;
      const { messageId } = event;
      const isKnown = messageId !== undefined && (this.#messageIds.has(messageId) || inBatch.has(messageId));
      if (messageId !== undefined) inBatch.add(messageId);
      return { event, isDuplicate: isBehind || isKnown };
    });
  }

  /** The next number; numbers are given out once and in order. */
  take(messageId: string | undefined): number {
    const seq = ++this.head;
    assert(Number.isSafeInteger(seq), "a stream holds fewer than 2^53 frames");
    if (messageId !== undefined) {
      this.#messageIds.set(messageId, seq);
      if (this.#messageIds.size > MESSAGE_IDS_MAX) forgetOldest(this.#messageIds);
    }
    return seq;
  }

  /** Remembers how far a producer has come. */
  advanceProducer({ producer, epoch, seq }: ProducerPosition, count: number): number {
    const before = this.#producers.get(producer);
    const last = Math.max(seq + count - 1, before?.epoch === epoch ? before.seq : -1);
    this.#producers.delete(producer);
    this.#producers.set(producer, { epoch, seq: last });
    if (this.#producers.size > PRODUCERS_MAX) forgetOldest(this.#producers);
    return last;
  }

  /** Frames that are now durable, in order. */
  publish(frames: readonly StoredFrame[]): void {
    for (const frame of frames) {
      assert(frame.seq === this.durable + 1, `frame ${frame.seq} does not follow ${this.durable}`);
      this.#ring.push(frame, frame.json.length);
      this.durable = frame.seq;
    }
  }

  /** Frames from `seq` on that memory still holds, up to the limits; undefined when `seq` is no longer (or not yet) in memory. */
  recent(seq: number, framesMax: number, bytesMax: number): readonly StoredFrame[] | undefined {
    const frames: StoredFrame[] = [];
    let bytes = 0;
    for (let at = seq - this.#ringBase; frames.length < framesMax; at++) {
      const frame = this.#ring.at(at);
      if (!frame) break;
      bytes += frame.json.length;
      if (frames.length > 0 && bytes > bytesMax) break;
      frames.push(frame);
    }
    return frames.length > 0 ? frames : undefined;
  }

  /** Calls `wake` whenever frames were published or the stream has ended; the result stops it. */
  onChange(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }

  #liftFence(): void {
    this.#fence?.resolve();
    this.#fence = undefined;
  }

  #positionOf({ producer, epoch, seq }: ProducerPosition): number | undefined {
    const known = this.#producers.get(producer);
    if (!known || epoch > known.epoch) return undefined;
    if (epoch < known.epoch) {
      const message = `producer ${producer} writes with epoch ${epoch}, but epoch ${known.epoch} has taken over; stop this writer`;
      throw new MillraceError("stale_epoch", message);
    }
    if (seq > known.seq + 1) {
      const message = `producer ${producer} sent ${seq} but ${known.seq + 1} is next; send the events from ${known.seq + 1} again`;
      throw new MillraceError("sequence_gap", message);
    }
    return known.seq;
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
