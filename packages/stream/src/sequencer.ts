import { type Clock, createIdFactory, Deadline, MillraceError, systemClock } from "@millrace/core";
import type { Frame, ProducerPosition, Seq, StreamEvent, StreamId } from "@millrace/protocol";
import { encodeFrame } from "./encode-frame.ts";
import { DATA_DEPTH_MAX, FENCE_WAIT_MS, FRAME_BYTES_MAX } from "./limits.ts";
import type { LiveStream, StoredFrame } from "./live-stream.ts";
import { isDeeperThan } from "./nesting.ts";
import type { AppendArgs, FrameRow, LogReads } from "./storage/log-module.ts";
import type { Storage } from "./storage/storage.ts";
import type { Call } from "./storage/storage-module.ts";
import { StreamTable } from "./stream-table.ts";
import { makesEntity } from "./timeline/reducer.ts";

/** Characters of an epoch: 48 bits of time and 20 random ones; two logs of one name never share it in practice. */
const EPOCH_LENGTH = 14;

export type SequencerOptions = {
  readonly storage: Storage;
  readonly clock?: Clock;
  /** Called with the number of frames of each append once they are durable. */
  readonly onAppended?: (frames: number) => void;
};

export type AppendOptions = {
  /** Numbers the first event; the others follow it (I3). */
  readonly producer?: ProducerPosition;
  /** Writes that are kept exactly when the frames are: one transaction. Not run when every event is a duplicate. */
  readonly alongside?: readonly Call[];
};

export type Appended = {
  readonly epoch: string;
  /** Of the frames appended; both are the head when every event was a duplicate. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** What the writes alongside returned, in their order; empty when every event was a duplicate. */
  readonly values: readonly unknown[];
};

/**
 * Turns events into numbered frames (I1, I2, I3), hands them to the storage thread and shows them to readers once they are durable. It
 * never waits for a reader (I5): readers are woken and read for themselves.
 */
export class Sequencer {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #streams = new StreamTable((live) => this.#load(live));
  readonly #dirty = new Set<LiveStream>();
  readonly #onAppended: (frames: number) => void;

  constructor({ storage, clock = systemClock, onAppended = () => {} }: SequencerOptions) {
    this.#storage = storage;
    this.#clock = clock;
    this.#newId = createIdFactory(clock);
    this.#onAppended = onAppended;
  }

  /** Streams open in memory. */
  get active(): number {
    return this.#streams.size;
  }

  /**
   * Appends the events that are new, in order, and settles when they are durable. All or nothing: rejects with `stale_epoch`, `sequence_gap`,
   * `too_large`, `invalid_argument`, `overloaded`, `timeout`, `storage_full` or `storage_failed`, and then no frame of this call exists.
   */
  async append(stream: StreamId, events: readonly StreamEvent[], options: AppendOptions = {}): Promise<Appended> {
    const live = await this.#streams.hold(stream);
    try {
      if (live.isFenced) {
        await Deadline.after(FENCE_WAIT_MS, this.#clock).race(`reading stream ${stream} again`, live.unfenced());
      }
      if (!live.ended) return await this.#appendTo(live, events, options);
    } finally {
      this.#streams.release(live);
    }
    return this.append(stream, events, options);
  }

  /** The stream, for a reader; it stays in memory until it is given to `release`. `overloaded` when too many are followed. */
  follow(stream: StreamId): Promise<LiveStream> {
    return this.#streams.holdToFollow(stream);
  }

  release(live: LiveStream): void {
    this.#streams.release(live);
  }

  /** Deletes streams with their frames and entities; readers are told that they are gone. `alongside` is kept exactly when the deletion is. */
  async remove(streams: readonly StreamId[], alongside: readonly Call[] = []): Promise<void> {
    const removals = streams.map((stream) => ({ op: "log.remove", args: { stream } }));
    await this.#storage.writeAll([...removals, ...alongside]);
    for (const stream of streams) this.#streams.end(stream, new MillraceError("gone", `stream ${stream} was deleted`));
  }

  /** From the check for room to the hand-over nothing waits: a call that is refused has taken no number. */
  async #appendTo(live: LiveStream, events: readonly StreamEvent[], options: AppendOptions): Promise<Appended> {
    this.#storage.checkRoom();
    const { producer, alongside = [] } = options;
    const admitted = live.admit(events, producer);
    const rows = this.#number(live, admitted);
    const position = producer && live.advanceProducer(producer, events.length);
    const call: AppendArgs = {
      stream: live.name,
      epoch: live.epoch,
      nowMs: this.#clock.now(),
      rows,
      ...(producer && position !== undefined
        ? { producer: { id: producer.producer, epoch: producer.epoch, seq: position } }
        : {}),
    };
    // An append of duplicates still goes through the storage thread: its answer means that the originals are durable.
    const calls = rows.length === 0 ? [] : [{ op: "log.append", args: call }, ...alongside];
    const values = await this.#write(live, rows, calls);
    this.#onAppended(rows.length);
    return {
      epoch: live.epoch,
      firstSeq: rows[0]?.seq ?? live.durable,
      lastSeq: rows.at(-1)?.seq ?? live.durable,
      accepted: rows.length,
      duplicates: events.length - rows.length,
      values: values.slice(1),
    };
  }

  #number(live: LiveStream, admitted: readonly { event: StreamEvent; isDuplicate: boolean }[]): FrameRow[] {
    const fresh = admitted.filter(({ isDuplicate }) => !isDuplicate);
    // Encoded with the numbers they will get, before any number is taken: a frame that is too large must not leave a hole (I1).
    const ts = this.#clock.now();
    const encoded = fresh.map(({ event }, at) => {
      const { type, id, data, correlation, messageId } = event;
      if (isDeeperThan(DATA_DEPTH_MAX, data)) throw tooDeep(type);
      const seq = (live.head + 1 + at) as Seq;
      const base = { stream: live.name, epoch: live.epoch, seq, ts, type, id: id ?? this.#newId(), data: data ?? null };
      const frame: Frame = correlation === undefined ? base : { ...base, correlation };
      const json = encodeFrame(frame);
      if (json.length > FRAME_BYTES_MAX) throw tooLarge(type, json.length);
      return { seq, json, makesEntity: makesEntity(frame), messageId };
    });
    for (const { messageId } of encoded) live.take(messageId);
    return encoded;
  }

  async #write(live: LiveStream, rows: readonly FrameRow[], calls: readonly Call[]): Promise<readonly unknown[]> {
    live.pending++;
    try {
      const values = await this.#storage.writeAll(calls);
      // Duplicates of a write that failed a moment ago were never kept: they must not be acknowledged. Frames that were kept are.
      if (live.isFenced && rows.length === 0)
        throw new MillraceError("storage_failed", `the write before on stream ${live.name} failed; send this again`);
      const committedAtMs = this.#clock.monotonic();
      live.publish(rows.map(({ seq, json }): StoredFrame => ({ seq, json, committedAtMs })));
      if (rows.length > 0) this.#wakeSoon(live);
      return values;
    } catch (error) {
      live.fence();
      throw error;
    } finally {
      live.pending--;
      if (live.isFenced && live.pending === 0) void this.#reload(live);
    }
  }

  /** Reads the log again after a failed write, then lets appends go on. When that fails the stream ends for all who hold it. */
  async #reload(live: LiveStream): Promise<void> {
    if (live.ended) return;
    live.holds++;
    try {
      await this.#load(live);
      live.wakeAll();
    } catch (error) {
      this.#streams.drop(live);
      live.end(MillraceError.from(error, "storage_failed"));
    } finally {
      this.#streams.release(live);
    }
  }

  /** Readers are woken once per turn of the event loop, however many appends one commit held. */
  #wakeSoon(live: LiveStream): void {
    if (this.#dirty.size === 0) setImmediate(() => this.#wakeDirty());
    this.#dirty.add(live);
  }

  #wakeDirty(): void {
    const streams = [...this.#dirty];
    this.#dirty.clear();
    for (const live of streams) live.wakeAll();
  }

  async #load(live: LiveStream): Promise<void> {
    const state = await this.#storage.read<LogReads["load"]>("log.load", { stream: live.name });
    live.restore(state, this.#newId().slice(0, EPOCH_LENGTH));
  }
}

function tooLarge(type: string, bytes: number): MillraceError {
  const message = `the frame of type ${type} has ${bytes} bytes; at most ${FRAME_BYTES_MAX} are taken: store the payload elsewhere and name it`;
  return new MillraceError("too_large", message);
}

function tooDeep(type: string): MillraceError {
  const message = `the data of an event of type ${type} is nested more than ${DATA_DEPTH_MAX} levels deep; flatten it`;
  return new MillraceError("invalid_argument", message);
}
