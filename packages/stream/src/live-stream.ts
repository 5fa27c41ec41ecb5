import { assert, type MillraceError } from "@millrace/core";
import type { Cursor, ProducerLog, ProducerPosition, StreamEvent, StreamId } from "@millrace/protocol";
import { Batch } from "./batch.ts";
import { FrameRing } from "./frame-ring.ts";
import type { Lifecycles } from "./lifecycle/lifecycles.ts";
import {
  BATCHES_SHARED_MAX,
  MESSAGE_IDS_MAX,
  READ_BYTES_MAX,
  READ_FRAMES_MAX,
  RING_BYTES_MAX,
  RING_FRAMES_MAX,
} from "./limits.ts";
import { type ProducerRow, Producers } from "./producers.ts";
import type { KeptEpoch, StreamState } from "./storage/log-module.ts";
import type { StoredFrame } from "./stored-frame.ts";
import type { TranslatorChanges } from "./translate/translator-states.ts";

/** An append that has its numbers: its frames become visible in order, at once or when they are durable. */
export type Pending = {
  readonly frames: readonly StoredFrame[];
  readonly isRelaxed: boolean;
  /** What its translation changed, to be taken back when it is not kept. */
  readonly changes: TranslatorChanges | undefined;
  isDurable: boolean;
};

/**
 * One open stream in memory: the numbers given out (I1), what is known of its producers (I3), the newest frames, and who waits for more.
 * `durable ≤ visible ≤ head`: numbers are given out first, readers see frames up to `visible`, the log holds those up to `durable`.
 */
export class LiveStream {
  readonly name: StreamId;
  epoch = "";
  /** Older epochs and how far each was kept: a cursor of one, up to there, is a place in this log (I2). Oldest first. */
  lineage: readonly KeptEpoch[] = [];
  first = 1;
  head = 0;
  visible = 0;
  durable = 0;
  /** Newest time given to a frame: times never step back within a stream. */
  lastTs = 0;
  /** Whether the log has it marked that frames may be seen before they are durable (decision 0007). */
  isOpen = false;
  /** The epoch was renewed in memory, and the next append must make that durable. */
  renewed: KeptEpoch | undefined;
  /** Writes handed to the storage thread and not yet answered. */
  pending = 0;
  /** Changes of translators by appends that were not kept, in order; taken back when the log is read again. */
  readonly lostChanges: TranslatorChanges[] = [];
  /** Calls and followers that use it: it stays in memory while there are any. */
  holds = 0;
  /** Why it takes and gives no more frames: it was deleted, or its log could not be read again. Opening the stream anew may work. */
  ended: MillraceError | undefined;
  /** What every frame's JSON begins with, up to its seq. */
  framePrefix = "";
  #isRestored = false;
  #fence: PromiseWithResolvers<void> | undefined;
  /** What is open and what has ended (I7); undefined in the engine's own streams, which see to it themselves. */
  lifecycles: Lifecycles | undefined;
  readonly ring = new FrameRing();
  /** Reads of the log under way for followers, by the seq before their first frame. */
  readonly reads = new Map<number, Promise<Batch>>();
  /** Appends not yet visible, in order. */
  readonly #hidden: Pending[] = [];
  /**
   * The newest batches made, by the seq before their first frame; void as soon as more is visible. Held weakly: they are shared within the turn
   * in which they are made, and a quiet stream keeps no copy of its frames for readers that have them.
   */
  readonly #batches = new Map<number, WeakRef<Batch>>();
  readonly #producers = new Producers();
  readonly #messageIds = new Map<string, number>();
  readonly #wakes = new Set<() => void>();

  constructor(name: StreamId) {
    this.name = name;
  }

  /** Takes over what the log holds; `newEpoch` serves a stream that has no frame yet, and one whose visible frames were lost. */
  restore(state: StreamState, newEpoch: string): void {
    const { row, producers, messageIds, lastTs } = state;
    const kept = row?.head ?? 0;
    this.#restoreEpoch(state, newEpoch, this.visible > kept);
    // After a failed write what the frames before it did is still known, with the lengths that no row has.
    if (this.#isRestored) this.lifecycles?.undoAfter(kept);
    else this.lifecycles?.restore(state.lifecycles);
    this.#isRestored = true;
    this.first = row?.first ?? 1;
    this.head = kept;
    this.visible = kept;
    this.durable = kept;
    this.lastTs = lastTs;
    this.isOpen = false;
    this.#hidden.length = 0;
    this.#batches.clear();
    this.ring.reset(kept + 1);
    this.#producers.restore(producers);
    this.#messageIds.clear();
    for (const { seq, message_id } of messageIds) this.#messageIds.set(message_id, seq);
    this.#liftFence();
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

  /** The seq after which a reader with this cursor goes on; undefined when the cursor is of an epoch, or a part of one, that was not kept. */
  placeOf({ epoch, seq }: Cursor): number | undefined {
    if (epoch === this.epoch) return seq;
    const kept = this.lineage.find((one) => one.epoch === epoch);
    return kept && seq <= kept.upTo ? seq : undefined;
  }

  /** The last frame of `epoch` that was kept; undefined when nothing of it was. */
  keptOf(epoch: string): number | undefined {
    return epoch === this.epoch ? this.head : this.lineage.find((one) => one.epoch === epoch)?.upTo;
  }

  /**
   * For each event whether it is one already. Undefined when all are new and nothing had to be looked up. Throws `stale_epoch`, `sequence_gap`
   * or `invalid_argument` before anything is changed.
   */
  duplicates(
    events: readonly StreamEvent[],
    producer: ProducerPosition | ProducerLog | undefined,
  ): readonly boolean[] | undefined {
    const seen = producer && this.#producers.seen(producer, events);
    if (seen === undefined && !events.some(hasMessageId)) return undefined;
    const inBatch = new Set<string>();
    return events.map(({ messageId }, at) => {
      const isKnown = messageId !== undefined && (this.#messageIds.has(messageId) || inBatch.has(messageId));
      if (messageId !== undefined) inBatch.add(messageId);
      return isKnown || seen?.(at) === true;
    });
  }

  /** Remembers the message id of the frame that got `seq`. */
  rememberMessage(messageId: string, seq: number): void {
    this.#messageIds.set(messageId, seq);
    if (this.#messageIds.size > MESSAGE_IDS_MAX) forgetOldest(this.#messageIds);
  }

  /** Whether an append of these brings its producer further than it was. */
  advances(producer: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): boolean {
    return this.#producers.advances(producer, events);
  }

  /** Remembers how far a producer has come. */
  advanceProducer(producer: ProducerPosition | ProducerLog, events: readonly StreamEvent[]): ProducerRow {
    return this.#producers.advance(producer, events);
  }

  /** Producers that the log is to forget with the next append. */
  takeForgottenProducers(): readonly string[] {
    return this.#producers.takeForgotten();
  }

  /** Takes frames numbered head + 1 and on. Whether readers see more than before. */
  take(pending: Pending): boolean {
    this.head += pending.frames.length;
    assert(Number.isSafeInteger(this.head), "a stream holds fewer than 2^53 frames");
    // Without frames (all duplicates) it is never settled, and would hide what comes after it.
    if (pending.frames.length > 0) this.#hidden.push(pending);
    return this.#reveal();
  }

  /** The frames are in the log. Whether readers see more than before. */
  settle(pending: Pending): boolean {
    pending.isDurable = true;
    this.durable = Math.max(this.durable, pending.frames.at(-1)?.seq ?? 0);
    this.lifecycles?.settle(this.durable);
    const revealed = this.#reveal();
    this.ring.evict(RING_FRAMES_MAX, RING_BYTES_MAX, this.durable + 1);
    return revealed;
  }

  /** Frames before `first` are past retention. */
  trim(first: number): void {
    this.first = Math.max(this.first, first);
  }

  /**
   * The frames after `seq` that memory still holds, up to the limits; undefined when the next is no longer (or not yet) in memory. Everyone
   * who asks at the same place before more is visible gets the same batch.
   */
  batchAfter(seq: number, framesMax = READ_FRAMES_MAX): Batch | undefined {
    const known = this.#batches.get(seq)?.deref();
    if (known && known.frames.length <= framesMax) return known;
    const frames: StoredFrame[] = [];
    const last = Math.min(this.visible, seq + framesMax);
    let chars = 0;
    for (let at = seq + 1; at <= last; at++) {
      const frame = this.ring.at(at);
      if (!frame) break;
      chars += frame.json.length;
      if (frames.length > 0 && chars > READ_BYTES_MAX) break;
      frames.push(frame);
    }
    if (frames.length === 0) return undefined;
    const batch = new Batch(this.name, this.epoch, frames);
    this.#batches.set(seq, new WeakRef(batch));
    if (this.#batches.size > BATCHES_SHARED_MAX) forgetOldest(this.#batches);
    return batch;
  }

  /** Calls `wake` whenever more frames are visible or durable, or the stream has ended; the result stops it. */
  onChange(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  get followers(): number {
    return this.#wakes.size;
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Frames become visible in order: a relaxed one waits for the strict ones before it. */
  #reveal(): boolean {
    let shown = 0;
    for (const pending of this.#hidden) {
      if (!pending.isRelaxed && !pending.isDurable) break;
      for (const frame of pending.frames) this.ring.push(frame);
      shown++;
    }
    if (shown === 0) return false;
    this.#hidden.splice(0, shown);
    this.visible = this.ring.next - 1;
    this.#batches.clear();
    return true;
  }

  /** When readers have seen frames that the log did not keep, what is numbered next must not pass for them (I2). */
  #restoreEpoch({ row, lineage }: StreamState, newEpoch: string, isCut: boolean): void {
    if (!row) {
      // Nothing was kept, so there is nothing that an older cursor could go on from.
      this.lineage = [];
      this.renewed = undefined;
      this.#setEpoch(isCut || this.epoch === "" ? newEpoch : this.epoch);
      return;
    }
    if (isCut) this.renewed = { epoch: row.epoch, upTo: row.head };
    else if (this.renewed?.epoch !== row.epoch) this.renewed = undefined;
    this.lineage = this.renewed ? [...lineage, this.renewed] : lineage;
    if (isCut) this.#setEpoch(newEpoch);
    else if (!this.renewed) this.#setEpoch(row.epoch);
  }

  #setEpoch(epoch: string): void {
    this.epoch = epoch;
    // Names and epochs are restricted to characters that need no escape (names.ts).
    this.framePrefix = `{"stream":"${this.name}","epoch":"${epoch}","seq":`;
  }

  #liftFence(): void {
    this.#fence?.resolve();
    this.#fence = undefined;
  }
}

function hasMessageId({ messageId }: StreamEvent): boolean {
  return messageId !== undefined;
}

function forgetOldest(map: Map<string | number, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
