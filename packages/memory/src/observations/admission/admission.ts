/** The door of ingest: what comes in, in which order it goes on, and what is told to who must wait. */
import { assert, type Clock, type MillraceError } from "@millrace/core";
import { LANES, type Lane } from "@millrace/protocol";
import type { LaneFigures, RefusalCounts } from "../session.ts";
import { type AdmissionLimits, checkAdmissionLimits } from "./admission-limits.ts";
import type { TakeOptions } from "./batch.ts";
import { type AdmitRequest, type Entry, QueuedEntry } from "./entry.ts";
import { LaneDepth } from "./lane-depth.ts";
import { Lanes } from "./lanes.ts";
import { IDLE_SPACES_KEPT, MEMORY_RETRY_MS, SOFT_BATCH_SHARE, STATE_DOWN } from "./limits.ts";
import { MemoryGauge } from "./memory-gauge.ts";
import { PressureGauge, type PressureState } from "./pressure.ts";
import {
  laneFull,
  memoryFull,
  type RefusalReason,
  retryAfterMs,
  rowsFull,
  shed,
  spaceQueued,
  spaceRate,
  tooLarge,
} from "./refusal.ts";
import { SpaceAccount } from "./space-account.ts";
import { checkQuotas, type SpaceQuotas } from "./space-quotas.ts";

export type AdmissionOptions = {
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  /** The state changed; called inside `admit`, `done`, `dropSpace` or `setMemory`, as the last they do. */
  readonly onState?: (state: PressureState, pressure: number) => void;
  /** Memory rose to its soft limit: asked once, and again only after it has fallen a tenth below. */
  readonly onCompact?: () => void;
  /** In [0, 1): which part of its jitter a wait gets; default at random. */
  readonly jitter?: () => number;
};

export type LaneState = LaneFigures & { readonly waiting: number; readonly drainPerS: number };

export type AdmissionFigures = {
  readonly state: PressureState;
  readonly pressure: number;
  readonly memoryBytes: number;
  /** Spaces that are remembered: those with something under way, and some that had. */
  readonly spaces: number;
  /** `depth` and `bytes`: admitted and not done; `waiting`: of them not taken; `drainPerS`: done per second of time with work. */
  readonly lanes: readonly LaneState[];
  /** Observations since the start: offered = admitted + all of refused; admitted = waiting + taken + dropped; done ≤ taken. */
  readonly offered: number;
  readonly admitted: number;
  readonly refused: RefusalCounts;
  readonly waiting: number;
  readonly taken: number;
  readonly dropped: number;
  readonly done: number;
};

/** `invalid_argument` when a limit is out of its range. */
export function createAdmission<T = void>(options: AdmissionOptions): Admission<T> {
  return new Admission(options);
}

/**
 * Three bounded lanes of batches, `T` being what their owner hangs on them. An entry counts towards the depth of its lane from `admit`
 * to `done`. Entries of one space in one lane are taken in the order in which they were admitted; `Lanes` has the order between lanes,
 * `LaneQueue` that between spaces. Everything is O(1) but `take`, which is O(entries taken + spaces not ready).
 */
export class Admission<T> {
  readonly #clock: Clock;
  readonly #jitter: () => number;
  readonly #onState: AdmissionOptions["onState"];
  readonly #onCompact: AdmissionOptions["onCompact"];
  readonly #quotas: SpaceQuotas;
  readonly #ownQuotas = new Map<number, SpaceQuotas>();
  readonly #accounts = new Map<number, SpaceAccount<T>>();
  readonly #lanes = new Lanes<T>();
  readonly #depths: Readonly<Record<Lane, LaneDepth>>;
  readonly #memory: MemoryGauge;
  readonly #gauge = new PressureGauge();
  /** Without the low lane, which must never be why another is refused. */
  readonly #upperGauge = new PressureGauge();
  readonly #refused = new Map<RefusalReason, number>();
  readonly #counts = { offered: 0, admitted: 0, taken: 0, dropped: 0, done: 0 };

  constructor({ limits, clock, onState, onCompact, jitter = Math.random }: AdmissionOptions) {
    const { lanes, memory, quotas } = checkAdmissionLimits(limits);
    this.#clock = clock;
    this.#jitter = jitter;
    this.#onState = onState;
    this.#onCompact = onCompact;
    this.#quotas = quotas ?? {};
    this.#depths = {
      high: new LaneDepth(lanes.high),
      normal: new LaneDepth(lanes.normal),
      low: new LaneDepth(lanes.low),
    };
    this.#memory = new MemoryGauge(memory);
  }

  get state(): PressureState {
    return this.#gauge.state;
  }

  /** 0..1: the fullest of lanes and memory. */
  get pressure(): number {
    return this.#gauge.pressure;
  }

  /** Observations that wait in all lanes; the depth for a `BatchSizer`. */
  get waiting(): number {
    return LANES.reduce((sum, lane) => sum + this.#lanes.queue(lane).waiting, 0);
  }

  get lanes(): LaneState[] {
    return LANES.map((lane) => ({
      lane,
      depth: this.#depths[lane].count,
      bytes: this.#depths[lane].bytes,
      waiting: this.#lanes.queue(lane).waiting,
      drainPerS: this.#depths[lane].drainPerS,
    }));
  }

  /**
   * Puts a batch into its lane. Throws `overloaded` with `retryAfterMs` when lane, memory or the space's queue are full or the lane
   * is shed, `rate_limited` when the space sends too fast, `too_large` when the batch could never fit.
   */
  admit(request: AdmitRequest, item: T): Entry<T> {
    const { count, bytes, lane } = request;
    assert(Number.isInteger(count) && count > 0 && bytes >= 0, `${count} observations of ${bytes} bytes are no batch`);
    const nowMs = this.#clock.monotonic();
    const account = this.#account(request.space, nowMs);
    this.#counts.offered += count;
    const refusal = this.#refuse(request, account, nowMs);
    if (refusal) {
      this.#forget(account, nowMs);
      throw refusal;
    }
    account.bucket?.take(count);
    account.count += count;
    account.bytes += bytes;
    this.#depths[lane].enter(count, bytes, nowMs);
    this.#counts.admitted += count;
    const entry = new QueuedEntry(request, item, { account, nowMs });
    this.#lanes.queue(lane).add(account.queue(lane), entry);
    this.#press();
    return entry;
  }

  /** Takes the next entries, fewer while memory is above its soft limit; empty when nothing that is ready waits. */
  take(options: TakeOptions<T>): Entry<T>[] {
    const share = this.#memory.isAboveSoft ? SOFT_BATCH_SHARE : 1;
    const countMax = Math.max(1, Math.floor(options.countMax * share));
    const bytesMax = Math.max(1, Math.floor(options.bytesMax * share));
    const entries = this.#lanes.take({ ...options, countMax, bytesMax }, this.#clock.monotonic());
    for (const entry of entries) {
      entry.stage = "taken";
      this.#counts.taken += entry.count;
    }
    return entries;
  }

  /** The entry, which was taken, has left the engine's queues: it is durable and searchable, or given up. Once for each. */
  done(entry: Entry<T>): void {
    assert(
      entry instanceof QueuedEntry && entry.stage === "taken",
      "only an entry that was taken can be done, and once",
    );
    const nowMs = this.#clock.monotonic();
    this.#depths[entry.lane].done(entry.count, entry.bytes, nowMs);
    this.#counts.done += entry.count;
    this.#settle(entry);
    this.#forget(entry.account, nowMs);
    this.#press();
  }

  /** The space was deleted: returns what waited of it, in the order of each lane. What was taken must still be `done`. */
  dropSpace(space: number): Entry<T>[] {
    this.#ownQuotas.delete(space);
    const account = this.#accounts.get(space);
    if (!account) return [];
    this.#accounts.delete(space);
    const dropped = account.lanes().flatMap((lane) => this.#lanes.queue(lane).drop(account.queue(lane)));
    for (const entry of dropped) {
      this.#depths[entry.lane].leave(entry.count, entry.bytes);
      this.#counts.dropped += entry.count;
      this.#settle(entry);
    }
    this.#press();
    return dropped;
  }

  /** Memory in use now, in bytes; to be told at least every second. */
  setMemory(usedBytes: number): void {
    const hasRisen = this.#memory.update(usedBytes);
    this.#lanes.isLowPaused = this.#memory.isAboveSoft;
    this.#press();
    if (hasRisen) this.#onCompact?.();
  }

  /** Quotas of one space instead of those of all; undefined: those of all again. `invalid_argument` when out of range. */
  setQuotas(space: number, quotas: SpaceQuotas | undefined): void {
    if (quotas === undefined) this.#ownQuotas.delete(space);
    else this.#ownQuotas.set(space, checkQuotas(quotas));
    this.#accounts.get(space)?.setQuotas(this.#quotasOf(space), this.#clock.monotonic());
  }

  /** Throws `too_large` when the space may not hold as many observations as `rows`. */
  checkRows(space: number, rows: number): void {
    const { rowsMax } = this.#quotasOf(space);
    if (rowsMax !== undefined && rows > rowsMax) throw rowsFull(space, rows, rowsMax);
  }

  /** Observations of a space that were admitted and are not done. */
  depthOf(space: number): number {
    return this.#accounts.get(space)?.count ?? 0;
  }

  figures(): AdmissionFigures {
    return {
      state: this.state,
      pressure: this.pressure,
      memoryBytes: this.#memory.usedBytes,
      spaces: this.#accounts.size,
      lanes: this.lanes,
      ...this.#counts,
      refused: Object.fromEntries(this.#refused),
      waiting: this.waiting,
    };
  }

  #account(space: number, nowMs: number): SpaceAccount<T> {
    const known = this.#accounts.get(space);
    if (known) return known;
    const account = new SpaceAccount<T>(space, this.#quotasOf(space), nowMs);
    this.#accounts.set(space, account);
    return account;
  }

  #quotasOf(space: number): SpaceQuotas {
    return this.#ownQuotas.get(space) ?? this.#quotas;
  }

  #settle(entry: QueuedEntry<T>): void {
    entry.stage = "gone";
    entry.account.count -= entry.count;
    entry.account.bytes -= entry.bytes;
  }

  /** Keeps the number of accounts in bounds. What a space still owed for its last turn is forgotten with it. */
  #forget(account: SpaceAccount<T>, nowMs: number): void {
    if (this.#accounts.size <= IDLE_SPACES_KEPT || !account.isForgettable(nowMs)) return;
    if (this.#accounts.get(account.space) !== account) return;
    this.#accounts.delete(account.space);
  }

  #press(): void {
    const { high, normal, low } = this.#depths;
    const upper = Math.max(high.fullness, normal.fullness, this.#memory.pressure);
    this.#upperGauge.update(upper);
    const hasChanged = this.#gauge.update(Math.max(upper, low.fullness));
    if (hasChanged) this.#onState?.(this.#gauge.state, this.#gauge.pressure);
  }

  #refuse(request: AdmitRequest, account: SpaceAccount<T>, nowMs: number): MillraceError | undefined {
    return (
      this.#refuseTooLarge(request, account) ??
      this.#refuseByMemory(request) ??
      this.#refuseByState(request, nowMs) ??
      this.#refuseByLane(request, nowMs) ??
      this.#refuseByQuota(request, account, nowMs)
    );
  }

  #refuseTooLarge(request: AdmitRequest, account: SpaceAccount<T>): MillraceError | undefined {
    const { countMax, bytesMax } = this.#depths[request.lane].limits;
    if (request.count > countMax || request.bytes > bytesMax) {
      const option = `lanes.${request.lane}.${request.count > countMax ? "countMax" : "bytesMax"}`;
      return this.#refusal("too_large", request, tooLarge(request, { countMax, bytesMax, option }));
    }
    const { queuedCountMax = countMax, queuedBytesMax = bytesMax } = account.quotas;
    if (request.count <= queuedCountMax && request.bytes <= queuedBytesMax) return undefined;
    const option = `quotas.${request.count > queuedCountMax ? "queuedCountMax" : "queuedBytesMax"}`;
    const limit = { countMax: queuedCountMax, bytesMax: queuedBytesMax, option };
    return this.#refusal("too_large", request, tooLarge(request, limit));
  }

  #refuseByMemory(request: AdmitRequest): MillraceError | undefined {
    if (!this.#memory.isAboveHard) return undefined;
    return this.#refusal("memory", request, memoryFull(this.#memory, this.#wait(MEMORY_RETRY_MS)));
  }

  /** Sheds low from critical on and normal when overloaded; high never. */
  #refuseByState(request: AdmitRequest, nowMs: number): MillraceError | undefined {
    const { lane } = request;
    if (lane === "high") return undefined;
    const gauge = lane === "low" ? this.#gauge : this.#upperGauge;
    const state = lane === "low" ? "critical" : "overloaded";
    if (!gauge.isAtLeast(state)) return undefined;
    const causes = lane === "low" ? LANES : LANES.slice(0, 2);
    const lowWater = STATE_DOWN[state];
    const memoryMs = this.#memory.pressure > lowWater ? MEMORY_RETRY_MS : 0;
    const waitsMs = causes.map((cause) => this.#depths[cause].waitMs(lowWater, nowMs));
    return this.#refusal("shed", request, shed(lane, gauge, this.#wait(Math.max(memoryMs, ...waitsMs))));
  }

  #refuseByLane(request: AdmitRequest, nowMs: number): MillraceError | undefined {
    const { count, bytes, lane } = request;
    const depth = this.#depths[lane];
    if (depth.hasRoom(count, bytes)) return undefined;
    const { countMax, bytesMax } = depth.limits;
    const lowWater = Math.min(STATE_DOWN.overloaded, 1 - count / countMax, 1 - bytes / bytesMax);
    return this.#refusal("lane_full", request, laneFull(request, depth, this.#wait(depth.waitMs(lowWater, nowMs))));
  }

  #refuseByQuota(request: AdmitRequest, account: SpaceAccount<T>, nowMs: number): MillraceError | undefined {
    const { count, bytes, lane } = request;
    const { queuedCountMax = Number.POSITIVE_INFINITY, queuedBytesMax = Number.POSITIVE_INFINITY } = account.quotas;
    if (account.count + count > queuedCountMax || account.bytes + bytes > queuedBytesMax) {
      const overCount = account.count + count - queuedCountMax;
      // Bytes leave with the observations that have them.
      const overBytes = (account.count * (account.bytes + bytes - queuedBytesMax)) / Math.max(1, account.bytes);
      const waitMs = Math.max(overCount, overBytes) / this.#depths[lane].drainPerMs(nowMs);
      return this.#refusal("space_queued", request, spaceQueued(request, account, this.#wait(waitMs)));
    }
    const waitMs = account.bucket?.waitMs(count, nowMs) ?? 0;
    if (!account.bucket || waitMs === 0) return undefined;
    return this.#refusal("space_rate", request, spaceRate(request, account.bucket.perSecond, this.#wait(waitMs)));
  }

  #wait(waitMs: number): number {
    return retryAfterMs(waitMs, this.#jitter());
  }

  #refusal(reason: RefusalReason, { count }: AdmitRequest, error: MillraceError): MillraceError {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + count);
    return error;
  }
}
