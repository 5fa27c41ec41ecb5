/** Which index worker has which space, and what each has in hand. */
import { assert, type Clock, MillraceError } from "@millrace/core";
import { abandonBuild, type SegmentBuild, type SharedIndex } from "@millrace/vector";
import type { ConsolidationWork } from "../consolidation/work.ts";
import { DEATHS_MAX, GIVEN_UP_MS, OPENING_WAIT_MS, OPENINGS_AT_ONCE, OPENINGS_MAX } from "../limits.ts";
import { createLease, type Lease, openedAnew } from "./lease.ts";
import type { AddEntry, Poisoned, SpaceProgress, SpaceSpec, WorkerReport, WorkerSetup } from "./messages.ts";
import type { RecallAnswer, RecallQuestion } from "./recall-question.ts";
import { rendezvous } from "./rendezvous.ts";
import { idlest, LATELY_MS, lateMs, type Seat } from "./seat.ts";
import { type ReleasedSpace, transferOf } from "./space-index.ts";
import { SpaceReaders } from "./space-readers.ts";
import { SpaceThread } from "./space-thread.ts";

/** A batch on its way into an index. */
export type IndexTask = {
  readonly add: AddEntry;
  /** Workers that died with it at the head of what they had in hand. */
  deaths: number;
};

export type SpaceWorkersOptions<Task extends IndexTask> = {
  readonly workers: number;
  readonly clock: Clock;
  readonly setup: Omit<WorkerSetup, "questions">;
  /** Observations in a worker's hands from which on an idle one takes a space over. */
  readonly stealDepth: number;
  /** Observations that a worker may have in hand. */
  readonly handMax: () => number;
  /** What a worker needs to open the space now. */
  readonly specOf: (space: number) => SpaceSpec;
  /** Batches that were added and that the log does not have yet: an index that is read anew lacks them. */
  readonly notInLog: (space: number) => readonly Task[];
  readonly onAdded: (tasks: readonly Task[], poisoned: readonly Poisoned[], busyMs: number) => void;
  readonly onProgress: (progress: SpaceProgress) => void;
  /** Records of the log could not be read when a space was opened. */
  readonly onDamaged: (damaged: readonly Poisoned[]) => void;
  /** Given up: workers died of it. */
  readonly onLost: (task: Task, error: MillraceError) => void;
  /** There may be room for more. */
  readonly onRoom: () => void;
  readonly onWorkerDown?: (worker: number, error: MillraceError) => void;
};

/** Least time between two spaces that are taken over: what one has brought is seen only then. */
const STEAL_PAUSE_MS = 200;
/** Rows from which on, and share of its time from which on, the worker of a space is spared searching it, if another has less to do. */
const READ_ELSEWHERE_ROWS = 20_000;
const READ_ELSEWHERE_LOAD = 0.2;
/**
 * One writer a space: a lease names the worker, and each time it goes to another its epoch grows, by which late reports are told
 * apart. A worker that dies is replaced; its spaces are opened anew from the saved index and the log, and what it had in hand is sent
 * again: rows that made it into the log or the index are passed over by their numbers.
 */
export class SpaceWorkers<Task extends IndexTask> implements AsyncDisposable {
  readonly #options: SpaceWorkersOptions<Task>;
  readonly #seats: Seat<Task>[];
  readonly #readers = new SpaceReaders((space) =>
    this.#request<SharedIndex>(space, (request) => ({ kind: "share", request, space })),
  );
  readonly #leases = new Map<number, Lease<Task>>();
  #nextBatch = 1;
  #nextBuild = 1;
  #isClosing = false;
  #isMoving = false;
  #stoleAtMs = 0;
  /** Spaces that went to another worker: because one had too much in hand, and because one died. */
  steals = 0;
  moves = 0;
  deaths = 0;
  /** Of the nearest ten to questions that were looked at again, how many their answers had, and of how many. */
  readonly recallChecked = { found: 0, of: 0 };
  /** Segments built by another worker than the one that has the space. */
  sharedBuilds = 0;

  constructor(options: SpaceWorkersOptions<Task>) {
    this.#options = options;
    this.#seats = Array.from({ length: options.workers }, (_, number) => ({
      thread: this.#start(number),
      hands: new Map(),
      builds: new Map(),
      depth: 0,
      busyMs: 0,
      lateMs: 0,
      lateAtMs: 0,
    }));
  }

  get figures() {
    return this.#seats.map(({ thread, depth, busyMs }) => ({
      depth,
      busyMs,
      questions: thread.questionsWaiting,
      spaces: [...this.#leases.values()].filter(({ worker }) => worker === thread.number).length,
    }));
  }

  /** Threads, for those who watch or end them. */
  get threads(): readonly SpaceThread[] {
    return this.#seats.map(({ thread }) => thread);
  }

  /** Whether the space is open and its worker has room. Opens it if need be. */
  isReady(space: number): boolean {
    const lease = this.#leaseOf(space);
    if (lease.state !== "ready") return false;
    return this.#seat(lease.worker).depth < this.#options.handMax();
  }

  /** Hands batches over, grouped by worker, in their order. Every space must be ready. */
  send(tasks: readonly Task[]): void {
    const byWorker = new Map<number, Task[]>();
    for (const task of tasks) {
      const lease = this.#leaseOf(task.add.space);
      if (lease.state !== "ready") {
        lease.again.push(task);
        continue;
      }
      const group = byWorker.get(lease.worker);
      if (group) group.push(task);
      else byWorker.set(lease.worker, [task]);
    }
    for (const [worker, group] of byWorker) this.#give(worker, group);
    this.#steal();
  }

  /** Resolves once the space is open; rejects when it cannot be. */
  async open(space: number): Promise<void> {
    const lease = this.#leaseOf(space);
    await lease.opened.promise;
  }

  /** Asked again once when the worker dies of something meanwhile. */
  async ask(space: number, question: RecallQuestion): Promise<RecallAnswer> {
    for (let tries = 0; ; tries++) {
      await this.open(space);
      try {
        const lease = this.#leaseOf(space);
        const reader = this.#otherReader(lease, question);
        const candidates = reader && (await this.#readers.nearest(space, reader, question));
        const asked = candidates ? { ...question, candidates } : question;
        return await this.#seat(lease.worker).thread.ask(space, asked, this.#options.clock.now());
      } catch (error) {
        if (tries > 2 || !(error instanceof MillraceError) || error.code !== "unavailable" || this.#isClosing)
          throw error;
      }
    }
  }

  /** Whether the space is large and its worker busy, and another is less so: that one may look for the nearest. */
  #otherReader({ worker, rows }: Lease<Task>, { vector, filter, asOf }: RecallQuestion): SpaceThread | undefined {
    if (!vector || filter || asOf || rows < READ_ELSEWHERE_ROWS) return undefined;
    const owner = this.#seat(worker);
    const seat = idlest(this.#seats, this.#nowMs);
    const load = lateMs(owner, this.#nowMs);
    // The way through another worker is twice as long.
    const isWorthIt =
      seat !== owner && load >= READ_ELSEWHERE_LOAD * LATELY_MS && load >= 2 * lateMs(seat, this.#nowMs);
    return isWorthIt ? seat.thread : undefined;
  }

  async remove(
    space: number,
    gone: { readonly ids: readonly string[]; readonly rows: readonly number[] },
  ): Promise<number[]> {
    await this.open(space);
    const { removed, progress } = await this.#request<{ removed: number[]; progress: SpaceProgress }>(
      space,
      (request) => ({
        kind: "remove",
        request,
        space,
        ...gone,
      }),
    );
    this.#options.onProgress(progress);
    return removed;
  }

  /** How many rows of each range (first row, count) are there. */
  async liveRows(space: number, ranges: Uint32Array): Promise<Uint32Array> {
    await this.open(space);
    return this.#request(space, (request) => ({ kind: "live", request, space, ranges }));
  }

  /** A part of a consolidation. `unavailable` when the worker dies of something meanwhile, or the space goes to another: ask again. */
  async consolidate<T>(space: number, work: ConsolidationWork): Promise<T> {
    await this.open(space);
    return this.#request(space, (request) => ({ kind: "consolidate", request, space, work }));
  }

  async save(space: number): Promise<void> {
    await this.open(space);
    await this.#request(space, (request) => ({ kind: "save", request, space }));
  }

  /** Resolves when every row there was is in its final form. */
  async settle(space: number): Promise<void> {
    await this.open(space);
    const progress = await this.#request<SpaceProgress>(space, (request) => ({ kind: "settle", request, space }));
    this.#options.onProgress(progress);
  }

  /** Forgets a space that was deleted; what waited for it to be open. */
  drop(space: number): readonly Task[] {
    const lease = this.#leases.get(space);
    if (!lease) return [];
    this.#leases.delete(space);
    lease.opened.reject(new MillraceError("not_found", "the space was deleted"));
    this.#seat(lease.worker).thread.tell({ kind: "drop", space });
    this.#readers.detach(space);
    return lease.again;
  }

  /** Memory is short: what was removed goes at once. */
  compact(): void {
    for (const { thread } of this.#seats) thread.tell({ kind: "compact" });
  }

  /** Has rows past their time to live taken out. */
  expire(nowMs: number): void {
    for (const { thread } of this.#seats) thread.tell({ kind: "expire", nowMs });
  }

  /** Ends the threads; what they have in hand is lost to the indexes, not to the log. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    for (const { opened } of this.#leases.values())
      opened.reject(new MillraceError("unavailable", "the engine is closing"));
    await Promise.all(this.#seats.map(({ thread }) => thread.end()));
  }

  #request<T>(space: number, orderOf: Parameters<SpaceThread["request"]>[0]): Promise<T> {
    return this.#seat(this.#leaseOf(space).worker).thread.request<T>(orderOf);
  }

  get #nowMs(): number {
    return this.#options.clock.monotonic();
  }

  #seat(worker: number): Seat<Task> {
    const seat = this.#seats[worker];
    assert(seat, "a lease names a worker that is");
    return seat;
  }

  #start(number: number): SpaceThread {
    const thread: SpaceThread = new SpaceThread({
      number,
      setup: this.#options.setup,
      onReport: (report) => this.#hear(number, report),
      onExit: (error) => this.#replace(number, error),
    });
    return thread;
  }

  #leaseOf(space: number): Lease<Task> {
    const found = this.#leases.get(space);
    if (found) return this.#triedAgain(found);
    const worker = rendezvous(space, [...this.#seats.keys()]) ?? 0;
    const lease = createLease<Task>(space, worker);
    this.#leases.set(space, lease);
    try {
      this.#open(lease, worker);
    } catch (error) {
      // The space was deleted: nobody is to wait for it.
      this.#leases.delete(space);
      throw error;
    }
    return lease;
  }

  /** A space that was given up is opened once more after a while; the first failure then gives it up again. */
  #triedAgain(lease: Lease<Task>): Lease<Task> {
    if (lease.state !== "failed" || this.#nowMs - lease.failedAtMs < GIVEN_UP_MS || this.#isClosing) return lease;
    lease.opened = openedAnew();
    lease.openings = OPENINGS_MAX;
    this.#open(lease, lease.worker);
    return lease;
  }

  #open(lease: Lease<Task>, worker: number, released?: ReleasedSpace): void {
    if (lease.state === "ready" && lease.catchUp === undefined) lease.opened = openedAnew();
    lease.catchUp = undefined;
    lease.worker = worker;
    lease.epoch++;
    lease.openings++;
    lease.state = "opening";
    // They come before what was in hand, whose rows are later.
    if (!released) lease.again.unshift(...this.#options.notInLog(lease.space));
    // An index that is read again is another one; one that was handed over keeps its readers.
    if (!released) this.#readers.detach(lease.space);
    const spec = this.#options.specOf(lease.space);
    const { thread } = this.#seat(worker);
    if (released) thread.tell({ kind: "adopt", lease: lease.epoch, spec, released }, transferOf(released));
    else thread.tell({ kind: "open", lease: lease.epoch, spec });
  }

  /** Returns the number of what is given. */
  #give(worker: number, tasks: readonly Task[]): number {
    const seat = this.#seat(worker);
    const observations = tasks.reduce((sum, { add }) => sum + add.count, 0);
    const batch = this.#nextBatch++;
    seat.hands.set(batch, { tasks, observations });
    seat.depth += observations;
    for (const { add } of tasks) this.#leaseOf(add.space).depth += add.count;
    seat.thread.tell({ kind: "add", batch, entries: tasks.map(({ add }) => add) });
    return batch;
  }

  #hear(worker: number, report: WorkerReport): void {
    if (report.kind === "added") this.#added(worker, report);
    else if (report.kind === "opened") this.#opened(report);
    else if (report.kind === "space-failed") this.#failed(report);
    else if (report.kind === "recall-checked") this.#checked(report);
    else if (report.kind === "built") this.#seat(worker).builds.delete(report.id);
    else if (report.kind === "builds") for (const order of report.orders) this.#build(worker, order);
    else if (report.kind === "progress") for (const progress of report.progress) this.#noted(progress);
  }

  #checked({ found, of }: { readonly found: number; readonly of: number }): void {
    this.recallChecked.found += found;
    this.recallChecked.of += of;
  }

  #added(worker: number, { batch, busyMs, poisoned, progress }: Extract<WorkerReport, { kind: "added" }>): void {
    const seat = this.#seat(worker);
    const hand = seat.hands.get(batch);
    if (!hand) return;
    seat.hands.delete(batch);
    seat.depth -= hand.observations;
    seat.busyMs += busyMs;
    seat.lateMs = lateMs(seat, this.#nowMs) + busyMs;
    for (const { add } of hand.tasks) {
      const lease = this.#leases.get(add.space);
      if (!lease) continue;
      lease.depth -= add.count;
      if (lease.catchUp !== batch) continue;
      lease.catchUp = undefined;
      lease.opened.resolve();
    }
    this.#options.onAdded(hand.tasks, poisoned, busyMs);
    for (const one of progress) this.#noted(one);
    this.#options.onRoom();
  }

  #noted(progress: SpaceProgress): void {
    const lease = this.#leases.get(progress.space);
    if (lease) lease.rows = progress.rows;
    this.#options.onProgress(progress);
  }

  /** A segment goes to the worker with least to do. */
  #build(owner: number, order: SegmentBuild): void {
    const least = idlest(this.#seats, this.#nowMs);
    if (least.thread.number !== owner) this.sharedBuilds++;
    const id = this.#nextBuild++;
    least.builds.set(id, order);
    least.thread.tell({ kind: "build", id, order });
  }

  #opened({ space, lease: epoch, progress, damaged }: Extract<WorkerReport, { kind: "opened" }>): void {
    const lease = this.#leases.get(space);
    if (!lease || lease.epoch !== epoch) return;
    this.#noted(progress);
    this.#options.onDamaged(damaged);
    this.#ready(lease);
  }

  #ready(lease: Lease<Task>): void {
    lease.state = "ready";
    lease.openings = 0;
    const again = lease.again.splice(0);
    if (again.length > 0) lease.catchUp = this.#give(lease.worker, again);
    else lease.opened.resolve();
    this.#options.onRoom();
  }

  #failed({ space, lease: epoch, error }: Extract<WorkerReport, { kind: "space-failed" }>): void {
    const lease = this.#leases.get(space);
    if (!lease || lease.epoch !== epoch) return;
    this.#giveUp(lease, new MillraceError(error.code, `the space cannot be opened: ${error.message}`));
  }

  #giveUp(lease: Lease<Task>, error: MillraceError): void {
    lease.state = "failed";
    lease.failedAtMs = this.#nowMs;
    lease.opened.reject(error);
    for (const task of lease.again.splice(0)) this.#options.onLost(task, error);
  }

  /** A thread has ended: another takes its seat, its spaces go to those hashing says, and what it had in hand is sent again. */
  #replace(number: number, error: MillraceError): void {
    if (this.#isClosing) return;
    const seat = this.#seat(number);
    this.deaths++;
    this.#options.onWorkerDown?.(number, error);
    const hands = [...seat.hands.values()];
    seat.hands.clear();
    seat.depth = 0;
    seat.thread = this.#start(number);
    for (const order of seat.builds.values()) abandonBuild(order);
    seat.builds.clear();
    const head = hands[0]?.tasks[0];
    if (head) head.deaths++;
    for (const { tasks } of hands) for (const task of tasks) this.#keepForLater(task, error);
    for (const lease of this.#leases.values()) {
      if (lease.worker !== number || lease.state === "failed" || lease.state === "moving") continue;
      lease.depth = 0;
      if (lease.openings > OPENINGS_MAX) {
        this.#giveUp(lease, error);
        continue;
      }
      this.moves++;
      const others = [...this.#seats.keys()].filter((one) => one !== number);
      this.#openAgain(lease, rendezvous(lease.space, others) ?? number);
    }
  }

  /** At once the first times; a space whose reading kills workers waits longer each time. */
  #openAgain(lease: Lease<Task>, worker: number): void {
    const waits = lease.openings - OPENINGS_AT_ONCE;
    if (waits <= 0) {
      this.#open(lease, worker);
      return;
    }
    lease.state = "moving";
    const { epoch } = lease;
    this.#options.clock.after(OPENING_WAIT_MS * 2 ** waits, () => {
      const isStillOurs = this.#leases.get(lease.space) === lease && lease.epoch === epoch;
      if (isStillOurs && !this.#isClosing) this.#open(lease, worker);
    });
  }

  #keepForLater(task: Task, error: MillraceError): void {
    const lease = this.#leases.get(task.add.space);
    if (!lease || task.deaths > DEATHS_MAX) this.#options.onLost(task, error);
    else lease.again.push(task);
  }

  /** A worker with too much in hand gives a whole space to one that has little, if it has others to go on with. */
  #steal(): void {
    const nowMs = this.#nowMs;
    if (this.#seats.length < 2 || this.#isMoving || nowMs - this.#stoleAtMs < STEAL_PAUSE_MS) return;
    const seats = [...this.#seats].sort((a, b) => a.depth - b.depth);
    const least = seats[0];
    const most = seats.at(-1);
    if (!least || !most || most.depth < this.#options.stealDepth || least.depth * 4 > most.depth) return;
    const busy = [...this.#leases.values()].filter(
      ({ worker, state, depth, catchUp }) =>
        worker === most.thread.number && state === "ready" && depth > 0 && catchUp === undefined,
    );
    if (busy.length < 2) return;
    const smallest = busy.reduce((a, b) => (b.depth < a.depth ? b : a));
    this.#stoleAtMs = nowMs;
    this.#isMoving = true;
    void this.#move(smallest, least.thread.number).finally(() => {
      this.#isMoving = false;
    });
  }

  async #move(lease: Lease<Task>, to: number): Promise<void> {
    const from = lease.worker;
    const { thread } = this.#seat(from);
    lease.state = "moving";
    lease.opened = openedAnew();
    try {
      const released = await thread.request<ReleasedSpace>((request) => ({
        kind: "release",
        request,
        space: lease.space,
      }));
      if (!this.#leases.has(lease.space)) return;
      this.steals++;
      this.#open(lease, to, released);
    } catch (error) {
      if (this.#isClosing || !this.#leases.has(lease.space)) return;
      // A save was running, so the space stays; or the worker died, and the space is read again by whoever has its seat now.
      if (error instanceof MillraceError && error.code === "conflict") this.#ready(lease);
      else this.#open(lease, from);
    }
  }
}
