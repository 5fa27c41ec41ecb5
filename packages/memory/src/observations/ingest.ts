import { type Clock, Histogram, MillraceError } from "@millrace/core";
import type { ObservationBatch, SpaceId } from "@millrace/protocol";
import { type Admission, createAdmission } from "./admission/admission.ts";
import { BatchSizer } from "./admission/batch-sizer.ts";
import type { Entry } from "./admission/entry.ts";
import type { PressureState } from "./admission/pressure.ts";
import type { Profile } from "./admission/profiles.ts";
import { type Block, BlockMemory } from "./block-memory.ts";
import { parseMeta } from "./check-batch.ts";
import { DeadLetters } from "./dead-letters.ts";
import type { HeldSession } from "./held-session.ts";
import { BATCH_BYTES_MAX, DEATHS_MAX } from "./limits.ts";
import type { ObservationLog } from "./log/observation-log.ts";
import { LogFeed } from "./log-feed.ts";
import { renumber } from "./renumber.ts";
import type { IngestSession, OpenSessionRequest } from "./session.ts";
import { SessionTable } from "./session-table.ts";
import { type LogPlace, SpaceState } from "./space-state.ts";
import { type ObservationTexts, textsOf } from "./text/observation-texts.ts";
import { TextFeed } from "./text/text-feed.ts";
import { Upkeep } from "./upkeep.ts";
import type { AddEntry, Poisoned, SpaceIndexOptions, SpaceProgress } from "./workers/messages.ts";
import type { RecallAnswer, RecallQuestion } from "./workers/recall-question.ts";
import { SpaceWorkers } from "./workers/space-workers.ts";

/** Where a batch is between its acceptance and its end. */
export type Task = {
  add: AddEntry;
  readonly session: HeldSession;
  readonly firstSeq: number;
  readonly block: Block;
  readonly batch: ObservationBatch;
  readonly acceptedAtMs: number;
  deaths: number;
  isDurable: boolean;
  isAdded: boolean;
  isLost: boolean;
  /** Its words are in the full text, or it has none. */
  isTexted: boolean;
  isSearchable: boolean;
  /** Its place in admission, once it was taken from its lane. */
  entry?: Entry<Task>;
};

export type IngestOptions = {
  readonly log: ObservationLog;
  readonly logDirectory: string;
  readonly indexDirectory: string;
  readonly profile: Profile;
  readonly index: SpaceIndexOptions;
  readonly clock: Clock;
  /** Finds or makes the space of a session. */
  readonly resolve: (
    name: SpaceId,
    dims: number | undefined,
  ) => Promise<{ readonly id: number; readonly dims: number }>;
  /** The dimensions of a space that there is. */
  readonly dimsOf: (space: number) => number | undefined;
  readonly texts: ObservationTexts;
  readonly onState?: (state: PressureState, pressure: number) => void;
  readonly onWorkerDown?: (worker: number, error: MillraceError) => void;
};

/** What a drain found. */
export type IngestDrain = { readonly isComplete: boolean; readonly notDurable: number; readonly notSearchable: number };

/**
 * Takes observations in: checked, numbered, put into a lane on the caller's thread; from there by fair turns to the log, which makes them
 * durable, and at the same time to the space's index worker, which makes them searchable. Nothing waits without a bound, and what is
 * refused is refused before it has a number.
 */
export class Ingest implements AsyncDisposable {
  readonly letters = new DeadLetters();
  readonly workers: SpaceWorkers<Task>;
  /** Microseconds from acceptance to each mark, by batch. */
  readonly durableMicros = new Histogram();
  readonly searchableMicros = new Histogram();
  readonly waitMicros = new Histogram();
  readonly batchSizes = new Histogram();
  readonly counts = { accepted: 0, durable: 0, searchable: 0, indexed: 0, removed: 0, dropped: 0 };
  readonly refusals = new Map<string, number>();
  readonly upkeep: Upkeep;
  readonly #options: IngestOptions;
  readonly #admission: Admission<Task>;
  readonly #sizer: BatchSizer;
  readonly #memory: BlockMemory;
  readonly #feed: LogFeed;
  readonly #texts: TextFeed;
  readonly #spaces = new Map<number, SpaceState>();
  readonly #sessions: SessionTable;
  #isPumpDue = false;
  #isClosing = false;
  #idle: (() => void)[] = [];

  constructor(options: IngestOptions) {
    this.#options = options;
    const { profile, clock, log } = options;
    this.#admission = createAdmission<Task>({
      limits: profile.limits,
      clock,
      onState: (state, pressure) => {
        this.#sessions.pressed(state);
        options.onState?.(state, pressure);
      },
      onCompact: () => this.workers.compact(),
    });
    this.#sizer = new BatchSizer(profile.batch);
    this.#memory = new BlockMemory(profile.blockBytes);
    this.#sessions = new SessionTable(log.recovered.sessions, (session, batch) => this.#submit(session, batch));
    for (const recovered of log.recovered.spaces) this.#spaces.set(recovered.space, SpaceState.recovered(recovered));
    this.#feed = new LogFeed({ log, clock, onDurable: (tasks, positions) => this.#durable(tasks, positions) });
    this.#texts = new TextFeed(options.texts, clock);
    this.workers = new SpaceWorkers<Task>({
      workers: profile.workers,
      clock,
      setup: {
        memory: this.#memory.memory,
        logDirectory: options.logDirectory,
        indexDirectory: options.indexDirectory,
        index: options.index,
      },
      stealDepth: profile.stealThreshold,
      handMax: () => 2 * this.#sizer.size,
      specOf: (space) => this.spaceState(space).spec(clock.now()),
      notInLog: (space) => this.#notInLog(space),
      onAdded: (tasks, poisoned, busyMs) => this.#added(tasks, poisoned, busyMs),
      onProgress: (progress) => this.#progressed(progress),
      // Not written down as removed: with the file from a backup they are back.
      onDamaged: (damaged) => {
        for (const { space, row, error } of damaged) this.letters.add(space, { session: "", seq: 0, row, ...error });
      },
      onLost: (task, error) => this.#lost(task, error),
      onRoom: () => this.#pumpSoon(),
      ...(options.onWorkerDown ? { onWorkerDown: options.onWorkerDown } : {}),
    });
    this.upkeep = new Upkeep({
      ...{ spaces: this.#spaces, log, feed: this.#feed, texts: this.#texts, clock },
      save: (space) => this.workers.save(space),
      liveRows: (space, ranges) => this.workers.liveRows(space, ranges),
    });
  }

  /** Lanes, pressure, and what was refused. */
  get admission() {
    return this.#admission.figures();
  }

  /** Writes of the log that failed, tries counted. */
  get logFailures(): number {
    return this.#feed.failures;
  }

  get sessionsOpen(): number {
    return this.#sessions.size;
  }

  /** Opens a session or takes over one that is open. See OpenSessionRequest. */
  async open(request: OpenSessionRequest): Promise<IngestSession> {
    this.#checkOpen();
    const { id: spaceId, dims } = await this.#options.resolve(request.space, request.dims);
    if (request.dims !== undefined && request.dims !== dims) {
      const message = `space ${request.space} holds vectors of ${dims} dimensions, not ${request.dims}; use another space for them`;
      throw new MillraceError("dimension_mismatch", message);
    }
    this.spaceState(spaceId, dims);
    // So that its first batch does not wait for the index.
    await this.workers.open(spaceId);
    return this.#sessions.open(request, { id: spaceId, dims }, this.#admission.state);
  }

  /** Takes observations out, by their ids; how many there were. Settles when it is durable and no search finds them. */
  async remove(space: number, ids: readonly string[]): Promise<number> {
    this.#checkOpen();
    const state = this.spaceState(space);
    await this.#sessions.searchable(space);
    const rows = await this.workers.remove(space, { ids, rows: [] });
    await this.upkeep.removed(state, rows);
    this.counts.removed += rows.length;
    return rows.length;
  }

  async ask(space: number, question: RecallQuestion): Promise<RecallAnswer> {
    this.spaceState(space);
    return this.workers.ask(space, question);
  }

  /** Spaces that have, or had, observations. */
  spaces(): number[] {
    return [...this.#spaces.keys()];
  }

  has(space: number): boolean {
    return (this.#spaces.get(space)?.rows ?? 0) > 0;
  }

  /** Opens the indexes of all spaces that have observations. */
  async warm(): Promise<void> {
    const filled = [...this.#spaces.values()].filter(({ rows }) => rows > 0);
    await Promise.all(filled.map(({ space }) => this.workers.open(space)));
  }

  /** `not_found` when there is no such space. */
  spaceState(space: number, dims?: number): SpaceState {
    const found = this.#spaces.get(space);
    if (found) {
      if (dims !== undefined) found.dims = dims;
      return found;
    }
    const known = dims ?? this.#options.dimsOf(space);
    if (known === undefined) throw new MillraceError("not_found", "the space was deleted");
    const made = new SpaceState(space, known);
    this.#spaces.set(space, made);
    return made;
  }

  /** Tells of the memory in use, in bytes. */
  setMemory(usedBytes: number): void {
    this.#admission.setMemory(usedBytes);
    // The low lane is paused while memory is short, and nothing else may come to wake it.
    if (this.#admission.waiting > 0) this.#pumpSoon();
  }

  /** Forgets a space that was deleted, with its sessions and what waits for it. */
  async dropSpace(space: number): Promise<void> {
    this.#sessions.end(new MillraceError("not_found", "the space was deleted"), space);
    for (const { item } of this.#admission.dropSpace(space)) {
      this.#memory.give(item.block);
      this.counts.dropped += item.add.count;
    }
    // What waited for its index to be opened is not for anybody any more.
    for (const task of this.workers.drop(space)) {
      task.isTexted = true;
      this.#added([task], [], 0);
    }
    this.letters.drop(space);
    this.upkeep.dropped(this.#spaces.get(space)?.rows ?? 0);
    const wasThere = this.#spaces.delete(space);
    this.#texts.drop(space);
    await this.#options.texts.drop(space);
    // A full disk may refuse it: a start drops what belongs to no space.
    if (wasThere) await this.#feed.append({ kind: "space-removed", space }).catch(() => {});
    this.#checkIdle();
  }

  /** Resolves when every row of the space is in the form that its index keeps. */
  settle(space: number): Promise<void> {
    return this.workers.settle(space);
  }

  /** Takes no more, waits for what was accepted, saves the indexes. */
  async drain(deadlineMs: number): Promise<IngestDrain> {
    this.#isClosing = true;
    const { clock } = this.#options;
    const late = new Promise<false>((resolve) => clock.after(deadlineMs, () => resolve(false)));
    const done = this.#allDone().then(() => true as const);
    const isComplete = await Promise.race([done, late]);
    const { accepted, dropped, durable, searchable } = this.counts;
    if (isComplete) await Promise.race([this.upkeep.saveAll().catch(() => {}), late]);
    return { isComplete, notDurable: accepted - dropped - durable, notSearchable: accepted - dropped - searchable };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#sessions.end(new MillraceError("unavailable", "the engine is closing"));
    this.#feed.close();
    this.#texts.close();
    await this.workers[Symbol.asyncDispose]();
  }

  #checkOpen(): void {
    if (this.#isClosing) throw new MillraceError("unavailable", "the engine is closing", { retryAfterMs: 1_000 });
  }

  #submit(session: HeldSession, sent: ObservationBatch): void {
    try {
      this.#checkOpen();
      const batch = renumber(session, sent);
      if (batch) this.#accept(session, batch);
    } catch (error) {
      const { code } = MillraceError.from(error);
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + sent.count);
      throw error;
    }
  }

  #accept(session: HeldSession, batch: ObservationBatch): void {
    const { count, lane, vectors, meta } = batch;
    session.checkCredits(count);
    const bytes = vectors.byteLength + meta.byteLength;
    const state = this.spaceState(session.spaceId);
    this.#admission.checkRows(state.space, state.rows + count);
    const block = this.#memory.take(bytes);
    if (!block) throw this.#noMemory(bytes);
    const { clock } = this.#options;
    const { space } = state;
    const task: Task = {
      add: {
        ...{ space, firstRow: 0, count, encoding: batch.encoding, vectorsAt: block.at, acceptedMs: clock.now() },
        ...{ metaAt: block.at + vectors.byteLength, metaBytes: meta.byteLength },
      },
      ...{ session, block, firstSeq: batch.firstSeq, acceptedAtMs: clock.monotonic() },
      batch: this.#copied(batch, block),
      ...{ deaths: 0, isDurable: false, isAdded: false, isLost: false, isTexted: meta.byteLength === 0 },
      isSearchable: false,
    };
    try {
      this.#admission.admit({ space, session: session.id, lane, count, bytes: block.bytes }, task);
    } catch (error) {
      this.#memory.give(block);
      throw error;
    }
    session.advance("accepted", count);
    this.counts.accepted += count;
    this.#sessions.toTell(session);
    this.#pumpSoon();
  }

  /** The batch as it lies in the block. */
  #copied(batch: ObservationBatch, { at }: Block): ObservationBatch {
    const { bytes } = this.#memory;
    const metaAt = at + batch.vectors.byteLength;
    bytes.set(batch.vectors, at);
    bytes.set(batch.meta, metaAt);
    return {
      ...batch,
      vectors: bytes.subarray(at, metaAt),
      meta: bytes.subarray(metaAt, metaAt + batch.meta.byteLength),
    };
  }

  #noMemory(bytes: number): MillraceError {
    const { usedBytes, capacityBytes } = this.#memory;
    const message = `${usedBytes} of ${capacityBytes} bytes hold batches under way, and ${bytes} more find no room; try again later, or choose a profile with more memory`;
    return new MillraceError("overloaded", message, { retryAfterMs: 50 });
  }

  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    const { idleMs } = this.#options.profile;
    const isWorthIt = this.#admission.waiting >= this.#sizer.size;
    if (idleMs === 0 || isWorthIt) setImmediate(() => this.#pump());
    else this.#options.clock.after(idleMs, () => this.#pump());
  }

  /** Hands over what waits, as far as workers have room: one message a worker, one record list for the log. */
  #pump(): void {
    this.#isPumpDue = false;
    for (;;) {
      const countMax = this.#sizer.next(this.#admission.waiting);
      const isReady = (space: number) => this.workers.isReady(space);
      const entries = this.#admission.take({ countMax, bytesMax: BATCH_BYTES_MAX, isReady });
      if (entries.length === 0) break;
      const nowMs = this.#options.clock.monotonic();
      const tasks = entries.map((entry) => {
        const task = entry.item;
        task.add = { ...task.add, firstRow: this.spaceState(entry.space).take(entry.count) };
        task.entry = entry;
        this.spaceState(entry.space).underWay.add(task);
        task.session.underWay.push(task);
        this.waitMicros.record((nowMs - task.acceptedAtMs) * 1_000);
        return task;
      });
      this.batchSizes.record(tasks.reduce((sum, { add }) => sum + add.count, 0));
      this.#feed.push(tasks);
      for (const task of tasks) if (!task.isTexted) void this.#putTexts(task);
      this.workers.send(tasks);
    }
    this.#checkIdle();
  }

  #durable(tasks: readonly Task[], positions: readonly LogPlace[]): void {
    const nowMs = this.#options.clock.monotonic();
    tasks.forEach((task, at) => {
      const { session, add } = task;
      const position = positions[at];
      if (position) this.#spaces.get(add.space)?.listed(task, position);
      task.isDurable = true;
      session.advance("durable", add.count);
      this.counts.durable += add.count;
      this.durableMicros.record((nowMs - task.acceptedAtMs) * 1_000);
      this.#sessions.toTell(session);
      if (task.isSearchable && task.isAdded) this.#finish(task);
    });
  }

  /** Batches of a space that its index had and the log has not: their memory is kept until an index has them again. */
  #notInLog(space: number): readonly Task[] {
    const missing = [...(this.#spaces.get(space)?.underWay ?? [])].filter(
      (task) => task.isAdded && !task.isDurable && !task.isLost && task.deaths <= DEATHS_MAX,
    );
    for (const task of missing) task.isAdded = false;
    return missing;
  }

  /** Words are entered while the vectors are. */
  async #putTexts(task: Task): Promise<void> {
    const { space, firstRow, count } = task.add;
    const texts = textsOf(firstRow, parseMeta(task.batch.meta));
    if (texts.length > 0) await this.#texts.put(space, texts, firstRow + count);
    task.isTexted = true;
    if (task.isAdded) this.#searchable(task);
  }

  #added(tasks: readonly Task[], poisoned: readonly Poisoned[], busyMs: number): void {
    let observations = 0;
    for (const task of tasks) {
      observations += task.add.count;
      task.isAdded = true;
      if (task.isSearchable && task.isDurable) this.#finish(task);
      else if (task.isTexted) this.#searchable(task);
    }
    this.#sizer.measured(observations, busyMs);
    for (const letter of poisoned) this.#poisoned(letter, tasks);
  }

  /** The mark moves over what is searchable without a gap: words may take longer than vectors. */
  #searchable({ session }: Task): void {
    const nowMs = this.#options.clock.monotonic();
    const { underWay } = session;
    const first = underWay.findIndex(({ isAdded, isTexted }) => !isAdded || !isTexted);
    for (const task of underWay.splice(0, first < 0 ? underWay.length : first)) {
      session.advance("searchable", task.add.count);
      this.counts.searchable += task.add.count;
      this.searchableMicros.record((nowMs - task.acceptedAtMs) * 1_000);
      task.isSearchable = true;
      this.#spaces.get(task.add.space)?.toIndex(task);
      if (task.isDurable) this.#finish(task);
    }
    // Where words took longer, the index has told already.
    const state = this.#spaces.get(session.spaceId);
    if (state) this.#markIndexed(state);
    this.#sessions.toTell(session);
  }

  #poisoned({ space, row, error }: Poisoned, tasks: readonly Task[]): void {
    const task = tasks.find(({ add }) => add.space === space && row >= add.firstRow && row < add.firstRow + add.count);
    const seq = task ? task.firstSeq + row - task.add.firstRow : 0;
    this.letters.add(space, { seq, row, session: task?.session.id ?? "", code: error.code, message: error.message });
    task?.session.letter({ seq, code: error.code, message: error.message });
    // So that no replay meets it again.
    const state = this.#spaces.get(space);
    if (state) this.upkeep.removed(state, [row]).catch(() => {});
  }

  /** Workers died of a batch: all of it goes to the dead letters. */
  #lost(task: Task, error: MillraceError): void {
    const { add } = task;
    task.isLost = true;
    const code = error.code;
    const message = `not indexed, since workers failed with it: ${error.message}`;
    const poisoned = Array.from({ length: add.count }, (_, at) => ({
      space: add.space,
      row: add.firstRow + at,
      error: { code, message, retryable: false },
    }));
    this.#added([task], poisoned, 0);
  }

  #progressed(progress: SpaceProgress): void {
    const state = this.#spaces.get(progress.space);
    if (!state) return;
    state.progress = progress;
    this.#markIndexed(state);
    // A replay may find the older record and no longer the newer one. Until it is written both are there, and a replay replaces again.
    if (progress.replaced.length > 0) this.upkeep.replaced(state, progress.replaced).catch(() => {});
    if (progress.expired.length > 0) this.upkeep.removed(state, progress.expired).catch(() => {});
    if (state.isSaveDue) void this.upkeep.save(state);
  }

  #markIndexed(state: SpaceState): void {
    for (const task of state.takeIndexed()) {
      task.session.advance("indexed", task.add.count);
      this.counts.indexed += task.add.count;
      this.#sessions.toTell(task.session);
    }
  }

  /** Durable and searchable: its memory is free again. */
  #finish(task: Task): void {
    this.#memory.give(task.block);
    const { entry } = task;
    this.#spaces.get(task.add.space)?.underWay.delete(task);
    if (entry) this.#admission.done(entry);
    this.#checkIdle();
  }

  #checkIdle(): void {
    const { accepted, dropped, durable, searchable } = this.counts;
    if (this.#idle.length === 0 || accepted - dropped > Math.min(durable, searchable)) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #allDone(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#checkIdle();
    });
  }
}
