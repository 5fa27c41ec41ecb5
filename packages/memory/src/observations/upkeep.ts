/** What keeps the files of observations small and their reading short: saved indexes, reclaimed space, removals written down. */
import type { Clock } from "@millrace/core";
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
   * the disk refuses is kept, and written with the next removal or look.
   */
  async removed(state: SpaceState, rows: readonly number[]): Promise<void> {
    const { space, unwritten } = state;
    state.noteRemoved(rows);
    const { texts, feed, clock } = this.#options;
    if (rows.length > 0) void texts.remove(space, rows);
    const owed = [...unwritten.splice(0), ...rows];
    if (owed.length === 0) return state.written;
    const recordOf = (some: readonly number[]) =>
      ({ kind: "removals", space, rows: Uint32Array.from(some), acceptedMs: clock.now() }) as const;
    const kept = (some: readonly number[], writing: Promise<void>) =>
      writing.catch((error: unknown) => {
        unwritten.push(...some);
        throw error;
      });
    if (!feed.isFull) {
      state.written = kept(owed, feed.append(recordOf(owed)));
      return state.written;
    }
    // What the log does not have yet must not be removed from it ahead: its numbers may be given again.
    const durableRows = state.records.rows;
    const [ahead, behind] = [owed.filter((row) => row < durableRows), owed.filter((row) => row >= durableRows)];
    const writes: Promise<void>[] = [];
    if (ahead.length > 0) writes.push(kept(ahead, feed.appendAhead(recordOf(ahead))));
    if (behind.length > 0) writes.push(kept(behind, feed.append(recordOf(behind))));
    state.written = Promise.all(writes).then(() => {});
    await state.written;
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
    const { spaces, log, liveRows, feed } = this.#options;
    const report = await log.reclaim({
      liveRowsOf: (space, ranges) => (spaces.has(space) ? liveRows(space, ranges) : new Uint32Array(ranges.length / 2)),
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
}
