import { type Clock, createIdFactory, Deadline, Histogram, MillraceError, systemClock } from "@millrace/core";
import {
  isReservedStream,
  type ProducerLog,
  type ProducerPosition,
  type StreamEvent,
  type StreamId,
} from "@millrace/protocol";
import { encodeFrame } from "./encode-frame.ts";
import { Flusher } from "./flusher.ts";
import type { LifecycleRow } from "./lifecycle/entity-table.ts";
import { LifecycleCounters } from "./lifecycle/lifecycle-counters.ts";
import { Lifecycles } from "./lifecycle/lifecycles.ts";
import { ParkedLifecycles } from "./lifecycle/parked-lifecycles.ts";
import { DATA_DEPTH_MAX, FENCE_WAIT_MS, FRAME_BYTES_MAX, RECOVER_EVENTS_MAX, RECOVER_STREAMS_MAX } from "./limits.ts";
import type { LiveStream, Pending } from "./live-stream.ts";
import { isDeeperThan } from "./nesting.ts";
import { RingBudget } from "./ring-budget.ts";
import type { AppendArgs, LogReads } from "./storage/log-module.ts";
import type { Storage } from "./storage/storage.ts";
import type { Call } from "./storage/storage-module.ts";
import type { StoredFrame } from "./stored-frame.ts";
import { StreamTable } from "./stream-table.ts";
import { makesEntity } from "./timeline/reducer.ts";
import { createTranslators, type Translators } from "./translate/translators.ts";

/** Characters of an epoch, 5 random bits each: two logs of one name never share one in practice. */
const EPOCH_LENGTH = 14;

/** When readers see a frame: once it is durable, or at once while its commit is under way (decision 0007). */
export type Mode = "strict" | "relaxed";

export type SequencerOptions = {
  readonly storage: Storage;
  readonly clock?: Clock;
  /** Of clients' streams; default `relaxed`. The engine's own streams are `strict`. */
  readonly mode?: Mode;
  /** What events of foreign types become; default: a `log` frame each. */
  readonly translators?: Translators;
  /** Called with each append that has its numbers, and the monotonic milliseconds at which it was taken up. */
  readonly onSubmitted?: (stream: StreamId, submitted: Submitted, startedMs: number) => void;
  /** Called with the number of frames of each append once they are durable. */
  readonly onAppended?: (frames: number) => void;
};

export type AppendOptions = {
  /** Numbers the first event, the others follow it; or each event has its `position` (I3). */
  readonly producer?: ProducerPosition | ProducerLog;
  /** Writes that are kept exactly when the frames are: one transaction. Not run when every event is a duplicate. Implies `strict`. */
  readonly alongside?: readonly Call[];
  /** Default: that of the sequencer, or `strict` for the engine's own streams. */
  readonly mode?: Mode;
};

export type Accepted = {
  readonly epoch: string;
  /** Of the frames appended; both are the head when every event was a duplicate. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly accepted: number;
  readonly duplicates: number;
};

export type Appended = Accepted & {
  /** What the writes alongside returned, in their order; empty when every event was a duplicate. */
  readonly values: readonly unknown[];
};

export type Submitted = Accepted & {
  /** The stream's frames up to here were durable when this one was accepted. */
  readonly durableSeq: number;
  /** Settles when the frames, and the originals of duplicates, are durable; rejects when they were not kept. */
  readonly durable: Promise<Appended>;
};

/**
 * Turns events into numbered frames (I1, I2, I3), hands them to the storage thread and shows them to readers. It never waits for a
 * reader (I5): readers are woken and read for themselves; and in `relaxed` mode readers do not wait for the disk.
 */
export class Sequencer {
  /** Microseconds on this thread from a call of `submit` to its frames being in the ring and handed to the storage thread. */
  readonly consumeMicros = new Histogram();
  readonly flusher: Flusher;
  readonly rings = new RingBudget();
  readonly translators: Translators;
  /** What lifecycles refused and found odd, over all streams (I7). */
  readonly lifecycles = new LifecycleCounters();
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #mode: Mode;
  readonly #newId: () => string;
  readonly #streams = new StreamTable(
    (live) => this.#load(live),
    (live) => this.#dropped(live),
  );
  /** What is open in streams that left memory: their texts' lengths are in no row of the log. */
  readonly #parked = new ParkedLifecycles();
  /** Streams whose epoch was renewed in memory only: held until an append has made it durable, since it is known nowhere else. */
  readonly #renewed = new Set<LiveStream>();
  readonly #onSubmitted: SequencerOptions["onSubmitted"];
  readonly #onAppended: (frames: number) => void;
  /** Frames evicted from the rings of streams that have left memory. */
  #evictedBefore = 0;

  constructor(options: SequencerOptions) {
    const { storage, clock = systemClock, mode = "relaxed", translators = createTranslators() } = options;
    this.#storage = storage;
    this.#clock = clock;
    this.#mode = mode;
    this.translators = translators;
    this.#newId = createIdFactory(clock);
    this.#onSubmitted = options.onSubmitted;
    this.#onAppended = options.onAppended ?? (() => {});
    this.flusher = new Flusher(clock);
  }

  /** Streams open in memory. */
  get active(): number {
    return this.#streams.size;
  }

  /** Those streams. */
  opened(): Iterable<LiveStream> {
    return this.#streams.opened();
  }

  /** Frames evicted so far from all rings. O(streams open). */
  get evicted(): number {
    let evicted = this.#evictedBefore;
    for (const { ring } of this.#streams.opened()) evicted += ring.evicted;
    return evicted;
  }

  /**
   * Appends the events that are new, in order, and settles when they are durable. All or nothing: rejects with `stale_epoch`, `sequence_gap`,
   * `too_large`, `invalid_argument`, `overloaded`, `timeout`, `storage_full` or `storage_failed`, and then no frame of this call exists.
   */
  async append(stream: StreamId, events: readonly StreamEvent[], options: AppendOptions = {}): Promise<Appended> {
    const { durable } = await this.submit(stream, events, options);
    return durable;
  }

  /**
   * As `append`, but settles as soon as the events have their numbers: in `relaxed` mode readers see them from here on. `durable` tells what
   * became of them; frames that were seen and not kept are taken back with a new epoch.
   */
  async submit(stream: StreamId, events: readonly StreamEvent[], options: AppendOptions = {}): Promise<Submitted> {
    const live = await this.#streams.hold(stream);
    try {
      if (live.isFenced) {
        await Deadline.after(FENCE_WAIT_MS, this.#clock).race(`reading stream ${stream} again`, live.unfenced());
      }
      if (!live.ended) return this.#submitTo(live, events, options);
    } finally {
      this.#streams.release(live);
    }
    return this.submit(stream, events, options);
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
    for (const stream of streams) {
      this.translators.forget(stream);
      this.#streams.end(stream, new MillraceError("gone", `stream ${stream} was deleted`));
    }
  }

  /**
   * Ends what a restart left open (I7): each message, tool call and the like gets its `interrupted` frame. Call it once, before anything is
   * appended. Answers how many streams had something open.
   */
  async recover(): Promise<number> {
    let streams = 0;
    let after = 0;
    for (;;) {
      const args = { after, limit: RECOVER_STREAMS_MAX };
      const page = await this.#storage.read<LogReads["unended"]>("log.unended", args);
      await Promise.all(page.map(({ name }) => this.#closeOpen(name as StreamId)));
      streams += page.length;
      const last = page.at(-1);
      if (!last) return streams;
      after = last.id;
    }
  }

  async #closeOpen(stream: StreamId): Promise<void> {
    const live = await this.#streams.hold(stream);
    try {
      const events = live.lifecycles?.closeAll("restart") ?? [];
      for (let at = 0; at < events.length; at += RECOVER_EVENTS_MAX) {
        await this.append(stream, events.slice(at, at + RECOVER_EVENTS_MAX), { mode: "strict" });
      }
    } catch (error) {
      // A full disk must not keep the engine from starting: it stays open until the next start, or until something ends it.
      if (!(error instanceof MillraceError) || error.code !== "storage_full") throw error;
    } finally {
      this.#streams.release(live);
    }
  }

  /** Frames before `first` are gone from the log: readers that are behind it get a gap. */
  trimmed(stream: StreamId, first: number): void {
    const live = this.#streams.find(stream);
    if (!live) return;
    live.trim(first);
    this.flusher.mark(live);
  }

  /** From the check for room to the hand-over nothing waits: a call that is refused has taken no number. */
  #submitTo(live: LiveStream, events: readonly StreamEvent[], options: AppendOptions): Submitted {
    const startedMs = this.#clock.monotonic();
    this.#storage.checkRoom();
    const { producer, alongside = [] } = options;
    const duplicates = live.duplicates(events, producer);
    const fresh = duplicates ? events.filter((_, at) => !duplicates[at]) : events;
    const isAdvancing = fresh.length === 0 && producer !== undefined && live.advances(producer, events);
    const { ready, pending } = this.#prepare(live, fresh, options, startedMs);
    const call = this.#toCall(live, ready, pending, producer && live.advanceProducer(producer, events));
    if (live.take(pending)) this.#shown(live);
    // An append of duplicates still goes through the storage thread: its answer means that the originals are durable. It has something to
    // write when it brings its producer further: numbers that were acknowledged are not asked for again after a restart.
    const append = { op: "log.append", args: call };
    const calls = fresh.length > 0 ? [append, ...alongside] : isAdvancing ? [append] : [];
    const accepted: Accepted = {
      epoch: live.epoch,
      firstSeq: pending.frames[0]?.seq ?? live.head,
      lastSeq: live.head,
      accepted: fresh.length,
      duplicates: events.length - fresh.length,
    };
    const durable = this.#write(live, pending, calls).then((values) => ({ ...accepted, values: values.slice(1) }));
    // Who wants to know awaits it; who does not must not end the process.
    durable.catch(() => {});
    const submitted = { ...accepted, durableSeq: live.durable, durable };
    this.consumeMicros.record((this.#clock.monotonic() - startedMs) * 1000);
    this.#onSubmitted?.(live.name, submitted, startedMs);
    return submitted;
  }

  /** Makes frames of the events, or throws and has changed nothing. */
  #prepare(live: LiveStream, events: readonly StreamEvent[], options: AppendOptions, startedMs: number) {
    if (!live.lifecycles) return { ready: events, pending: this.#number(live, events, options, startedMs) };
    const translated = this.translators.translate(events, live.name);
    try {
      const ready = live.lifecycles.check(translated);
      const pending = this.#number(live, ready, options, startedMs);
      return { ready, pending: { ...pending, changes: this.translators.take() } };
    } catch (error) {
      this.translators.revert();
      throw error;
    }
  }

  #number(live: LiveStream, events: readonly StreamEvent[], options: AppendOptions, numberedAtMs: number): Pending {
    // Encoded with the numbers they will get, before any number is taken: a frame that is too large must not leave a hole (I1).
    const ts = Math.max(live.lastTs, this.#clock.now());
    const frames: StoredFrame[] = [];
    let seq = live.head;
    for (const event of events) {
      const { type, id, data, json: given, correlation } = event;
      if (isDeeperThan(DATA_DEPTH_MAX, data)) throw tooDeep(type);
      seq++;
      const body = { ts, type, id: id ?? this.#newId(), data: given ?? JSON.stringify(data) ?? "null", correlation };
      const json = encodeFrame(live.framePrefix, seq, body);
      if (json.length > FRAME_BYTES_MAX) throw tooLarge(type, json.length);
      frames.push({ seq, json, numberedAtMs });
    }
    live.lastTs = ts;
    return { frames, isRelaxed: this.#isRelaxed(live, options), changes: undefined, isDurable: false };
  }

  /** The first append of a stream after it was opened is a barrier: its commit marks that frames may be seen early (decision 0007). */
  #isRelaxed(live: LiveStream, { mode, alongside }: AppendOptions): boolean {
    return live.isOpen && alongside === undefined && this.#modeOf(live, mode) === "relaxed";
  }

  #modeOf(live: LiveStream, mode: Mode | undefined): Mode {
    return mode ?? (isReservedStream(live.name) ? "strict" : this.#mode);
  }

  #toCall(
    live: LiveStream,
    events: readonly StreamEvent[],
    { frames }: Pending,
    producer: AppendArgs["producer"],
  ): AppendArgs {
    const entitiesAt: number[] = [];
    const lifecycles: LifecycleRow[] = [];
    let messageIds: (string | null)[] | undefined;
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as StreamEvent;
      const { type, messageId } = event;
      if (live.lifecycles) live.lifecycles.apply(event, live.head + 1 + at, lifecycles);
      else if (makesEntity(live.name, type)) entitiesAt.push(at);
      if (messageId === undefined) continue;
      messageIds ??= new Array<null>(events.length).fill(null);
      messageIds[at] = messageId;
      live.rememberMessage(messageId, live.head + 1 + at);
    }
    const forgets = producer ? live.takeForgottenProducers() : [];
    return {
      stream: live.name,
      epoch: live.epoch,
      nowMs: this.#clock.now(),
      firstSeq: live.head + 1,
      jsons: frames.map(({ json }) => json),
      opens: !live.isOpen && this.#modeOf(live, undefined) === "relaxed",
      ...(entitiesAt.length > 0 ? { entitiesAt } : {}),
      ...(lifecycles.length > 0 ? { lifecycles } : {}),
      ...(messageIds ? { messageIds } : {}),
      ...(producer ? { producer } : {}),
      ...(forgets.length > 0 ? { forgets } : {}),
      ...(live.renewed ? { renews: live.renewed } : {}),
    };
  }

  async #write(live: LiveStream, pending: Pending, calls: readonly Call[]): Promise<readonly unknown[]> {
    const isDuplicate = calls.length === 0;
    let bytes = 0;
    for (const { json } of pending.frames) bytes += json.length;
    live.pending++;
    live.holds++;
    try {
      const values = await this.#storage.writeAll(calls, bytes);
      // Duplicates of a write that failed a moment ago were never kept: they must not be acknowledged. Frames that were kept are.
      if (live.isFenced && isDuplicate)
        throw new MillraceError("storage_failed", `the write before on stream ${live.name} failed; send this again`);
      if (!isDuplicate) this.#settled(live, pending, (calls[0] as Call).args as AppendArgs);
      return values;
    } catch (error) {
      live.fence();
      if (pending.changes) live.lostChanges.push(pending.changes);
      throw error;
    } finally {
      live.pending--;
      if (live.isFenced && live.pending === 0) void this.#reload(live);
      this.#streams.release(live);
    }
  }

  #settled(live: LiveStream, pending: Pending, { opens, renews }: AppendArgs): void {
    if (opens) live.isOpen = true;
    if (live.renewed === renews) live.renewed = undefined;
    this.#holdRenewed(live);
    live.settle(pending);
    this.#onAppended(pending.frames.length);
    this.#shown(live);
  }

  #shown(live: LiveStream): void {
    this.rings.touch(live);
    this.flusher.mark(live);
  }

  /** Reads the log again after a failed write, then lets appends go on. When that fails the stream ends for all who hold it. */
  async #reload(live: LiveStream): Promise<void> {
    if (live.ended) return;
    live.holds++;
    for (const changes of live.lostChanges.splice(0).reverse()) this.translators.takeBack(changes);
    try {
      await this.#load(live);
      this.#holdRenewed(live);
      await this.#renew(live);
      live.wakeAll();
    } catch (error) {
      this.#streams.drop(live);
      live.end(MillraceError.from(error, "storage_failed"));
    } finally {
      this.#streams.release(live);
    }
  }

  /** Makes a new epoch durable before readers hear of it; where the disk still refuses, the next append does. */
  async #renew(live: LiveStream): Promise<void> {
    const { renewed } = live;
    if (!renewed) return;
    const args = this.#toCall(
      live,
      [],
      { frames: [], isRelaxed: false, changes: undefined, isDurable: false },
      undefined,
    );
    await this.#storage.writeAll([{ op: "log.append", args: { ...args, opens: false } }]).then(
      () => {
        if (live.renewed === renewed) live.renewed = undefined;
        this.#holdRenewed(live);
      },
      () => {},
    );
  }

  #dropped(live: LiveStream): void {
    this.rings.forget(live);
    this.#evictedBefore += live.ring.evicted;
    this.#parked.park(live);
  }

  #holdRenewed(live: LiveStream): void {
    if (live.renewed && !this.#renewed.has(live)) {
      this.#renewed.add(live);
      live.holds++;
    } else if (!live.renewed && this.#renewed.delete(live)) this.#streams.release(live);
  }

  async #load(live: LiveStream): Promise<void> {
    const state = await this.#storage.read<LogReads["load"]>("log.load", { stream: live.name });
    const lifecycles = this.#parked.complete(live.name, state.row?.head ?? 0, state.lifecycles);
    live.lifecycles ??= isReservedStream(live.name) ? undefined : new Lifecycles(this.lifecycles);
    live.restore({ ...state, lifecycles }, newEpoch());
  }
}

/** Not made of the time: a stream can get a second epoch within the same millisecond. */
function newEpoch(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(EPOCH_LENGTH)), (byte) => (byte & 31).toString(32)).join("");
}

function tooLarge(type: string, bytes: number): MillraceError {
  const message = `the frame of type ${type} has ${bytes} bytes; at most ${FRAME_BYTES_MAX} are taken: store the payload elsewhere and name it`;
  return new MillraceError("too_large", message);
}

function tooDeep(type: string): MillraceError {
  const message = `the data of an event of type ${type} is nested more than ${DATA_DEPTH_MAX} levels deep; flatten it`;
  return new MillraceError("invalid_argument", message);
}
