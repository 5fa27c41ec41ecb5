/** What keeps the files of observations small and their reading short: saved indexes, reclaimed space, removals written down. */
import { type Clock, MillraceError } from "@millrace/core";
import type { ObservationLog } from "./log/observation-log.ts";
import type { ReclaimReport } from "./log/reclaim.ts";
import { positionAt } from "./log/record-columns.ts";
import type { LogFeed } from "./log-feed.ts";
import type { SpaceState } from "./space-state.ts";
import type { TextFeed } from "./text/text-feed.ts";

/** Saves under way at once: most of each is waiting for the disk. */
const SAVES_AT_ONCE = 8;

export type UpkeepOptions = {
  readonly spaces: ReadonlyMap<number, SpaceState>;
  readonly log: ObservationLog;
  readonly feed: LogFeed;
  readonly texts: TextFeed;
  readonly clock: Clock;
  readonly save: (space: number) => Promise<void>;
  readonly liveRows: (space: number, ranges: Uint32Array) => Promise<Uint32Array>;
};

export class Upkeep {
  readonly #options: UpkeepOptions;
  #rowsDropped = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Rows that were removed, replaced, or went with their space. */
  get rowsGone(): number {
    let rows = this.#rowsDropped;
    for (const { removedCount } of this.#options.spaces.values()) rows += removedCount;
    return rows;
  }

  /** A space went, with so many rows. */
  dropped(rows: number): void {
    this.#rowsDropped += rows;
  }

  /**
   * Rows that an index has no more are written down as removed. Settles once that is durable, and so is what was removed before: what
   * the disk refuses is kept, and written with the next removal or look. A full log takes removals of rows that it has ahead of what waits.
   */
  async removed(state: SpaceState, rows: readonly number[]): Promise<void> {
    this.#note(state, rows);
    const owed = [...state.unwritten.splice(0), ...rows];
    if (owed.length === 0) return state.written;
    const writing = this.#write(state, owed).catch((error: unknown) => {
      state.unwritten.push(...owed);
      throw error;
    });
    state.written = Promise.all([state.written.catch(() => {}), writing]).then(() => {});
    await state.written;
  }

  /** As `removed`, of rows that others took the place of: never ahead of those, or a crash between the two would leave neither. */
  async replaced(state: SpaceState, rows: readonly number[]): Promise<void> {
    this.#note(state, rows);
    for (const row of rows) state.replacing.add(row);
    await this.#writeReplaced(state);
  }

  #note(state: SpaceState, rows: readonly number[]): void {
    state.noteRemoved(rows);
    if (rows.length > 0) void this.#options.texts.remove(state.space, rows);
  }

  /** One write at a time: what comes meanwhile, and what was refused, goes with the next. */
  async #writeReplaced(state: SpaceState): Promise<void> {
    if (state.isReplacing || state.replacing.size === 0) return;
    state.isReplacing = true;
    const rows = [...state.replacing];
    try {
      await this.#options.feed.append(this.#recordOf(state, rows));
      for (const row of rows) state.replacing.delete(row);
    } finally {
      state.isReplacing = false;
    }
    await this.#writeReplaced(state);
  }

  async #write(state: SpaceState, rows: readonly number[]): Promise<void> {
    const { feed } = this.#options;
    if (!feed.isFull) {
      try {
        await feed.append(this.#recordOf(state, rows));
        return;
      } catch (error) {
        if (MillraceError.from(error).code !== "storage_full") throw error;
      }
    }
    // What the log does not have yet must not be removed from it ahead: its numbers may be given again.
    const durableRows = state.records.rows;
    const [ahead, behind] = [rows.filter((row) => row < durableRows), rows.filter((row) => row >= durableRows)];
    const writes: Promise<void>[] = [];
    if (ahead.length > 0) writes.push(feed.appendAhead(this.#recordOf(state, ahead)));
    if (behind.length > 0) writes.push(feed.append(this.#recordOf(state, behind)));
    await Promise.all(writes);
  }

  #recordOf({ space }: SpaceState, rows: readonly number[]) {
    return { kind: "removals", space, rows: Uint32Array.from(rows), acceptedMs: this.#options.clock.now() } as const;
  }

  async save(state: SpaceState): Promise<void> {
    const { rows } = state;
    state.isSaving = true;
    try {
      await this.#options.save(state.space);
      state.savedRows = rows;
    } catch {
      // The disk is full, or the worker died: the log has everything, and the next look tries again.
    } finally {
      state.isSaving = false;
    }
  }

  /** Saves indexes that were quiet since the last look, so that a start replays little of the log. */
  async saveQuiet(): Promise<void> {
    for (const state of [...this.#options.spaces.values()]) {
      if (state.unwritten.length > 0) await this.removed(state, []).catch(() => {});
      if (state.replacing.size > 0) await this.#writeReplaced(state).catch(() => {});
      if (state.isQuiet()) await this.save(state);
    }
  }

  async saveAll(): Promise<void> {
    const unsaved = [...this.#options.spaces.values()].filter(({ isUnsaved }) => isUnsaved);
    const next = unsaved.values();
    await Promise.all(
      Array.from({ length: SAVES_AT_ONCE }, async () => {
        for (const state of next) await this.save(state);
      }),
    );
  }

  /** Whether the log has no room for what was accepted. */
  get isLogFull(): boolean {
    return this.#options.feed.isFull;
  }

  /** Gives the space of removed observations in the log back, and tries again what a full log refused. */
  async reclaim(): Promise<ReclaimReport> {
    const { spaces, log, feed } = this.#options;
    const report = await log.reclaim({
      liveRowsOf: (space, ranges) => this.#liveRows(space, ranges),
      onMoved: (moved) => {
        for (let at = 0; at < moved.space.length; at++) {
          const record = { ...positionAt(moved, at), acceptedMs: moved.acceptedMs[at] ?? 0 };
          spaces.get(record.space)?.moved(record);
        }
      },
      onRemoved: (files) => {
        const gone = new Set(files);
        for (const state of spaces.values()) state.filesGone(gone);
      },
    });
    feed.retry();
    return report;
  }

  /** Of a space that cannot be asked now all are. So are rows that others took the place of, until those are durable. */
  async #liveRows(space: number, ranges: Uint32Array): Promise<Uint32Array> {
    const state = this.#options.spaces.get(space);
    if (!state) return new Uint32Array(ranges.length / 2);
    const all = () => Uint32Array.from({ length: ranges.length / 2 }, (_, at) => ranges[at * 2 + 1] ?? 0);
    const live = await this.#options.liveRows(space, ranges).catch(all);
    if (state.replacing.size === 0) return live;
    const replacing = Float64Array.from(state.replacing).sort();
    for (let at = 0; at < live.length; at++) {
      const firstRow = ranges[at * 2] ?? 0;
      const place = lowerBound(replacing, firstRow);
      const row = replacing[place];
      if (row !== undefined && row < firstRow + (ranges[at * 2 + 1] ?? 0)) live[at] = Math.max(1, live[at] ?? 0);
    }
    return live;
  }
}

/** The place of the first that is not below `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
