/** What the main thread knows of a space's observations: numbers given, where they lie in the log, what is not yet in its final form. */
import { assert, MillraceError } from "@millrace/core";
import type { Task } from "./ingest.ts";
import { REMOVALS_PER_MS, SAVE_QUIET_ROWS, SAVE_ROWS, SPACE_ROWS_MAX } from "./limits.ts";
import { positionAt } from "./log/record-columns.ts";
import type { RecoveredSpace } from "./log/recovered-log.ts";
import type { SpaceProgress, SpaceSpec } from "./workers/messages.ts";
import { type ListedRecord, RecordList } from "./workers/record-list.ts";

/** Where a record of the log is. */
export type LogPlace = Pick<ListedRecord, "file" | "offset" | "bytes">;

export class SpaceState {
  readonly space: number;
  dims: number;
  readonly records = new RecordList();
  /** Rows that were removed and that the log may still have, in order. */
  removed: number[] = [];
  /** Rows that were ever removed. */
  removedCount = 0;
  /** Of them, those that the disk refused to write down. */
  readonly unwritten: number[] = [];
  /** Rows that others took the place of, until their removal is written, behind those others. */
  readonly replacing = new Set<number>();
  /** Whether a write of them is under way. */
  isReplacing = false;
  /** Settles with the last removal that was to be written down. */
  written: Promise<void> = Promise.resolve();
  /** Batches handed over that are not both durable and searchable. */
  readonly underWay = new Set<Task>();
  rows = 0;
  progress: SpaceProgress | undefined;
  /** Rows that the saved index has. */
  savedRows = 0;
  isSaving = false;
  #lookedRows = 0;
  #firstRemoval = 0;
  /** Batches that are searchable and not all in their final form, in order. */
  #unindexed: Task[] = [];

  constructor(space: number, dims: number) {
    this.space = space;
    this.dims = dims;
  }

  /** As the log has it. */
  static recovered({ space, nextRow, positions, removedRows }: RecoveredSpace): SpaceState {
    const state = new SpaceState(space, 0);
    for (let at = 0; at < positions.space.length; at++) {
      state.records.push({ ...positionAt(positions, at), acceptedMs: positions.acceptedMs[at] ?? 0 });
    }
    state.noteRemoved(removedRows);
    state.rows = nextRow;
    // Unknown; what is saved again unchanged costs little.
    state.savedRows = nextRow;
    return state;
  }

  /** What a worker needs to open the space at a time of the engine's clock. */
  spec(nowMs: number): SpaceSpec {
    const { space, dims, records, removed } = this;
    // No index has a thousand removals a millisecond.
    this.#firstRemoval = Math.max(this.#firstRemoval + 1, nowMs * REMOVALS_PER_MS);
    assert(dims > 0, "a space is opened once its dimensions are known");
    const firstRemoval = this.#firstRemoval;
    return { space, dims, records: records.buffer, removed: Uint32Array.from(removed), firstRemoval };
  }

  /** Numbers for so many rows: the first of them. */
  take(count: number): number {
    const firstRow = this.rows;
    if (firstRow + count > SPACE_ROWS_MAX) {
      throw new MillraceError(
        "too_large",
        `the space has ${firstRow} rows; ${SPACE_ROWS_MAX} is the limit: use another space`,
      );
    }
    this.rows += count;
    return firstRow;
  }

  /** A batch is in the log. */
  listed({ add }: Task, place: LogPlace): void {
    const { firstRow, count, metaBytes, acceptedMs } = add;
    this.records.push({ ...place, firstRow, count, metaBytes, acceptedMs });
  }

  /** A batch is searchable. */
  toIndex(task: Task): void {
    this.#unindexed.push(task);
  }

  /** The batches that are in their final form since this was last asked, as far as the index has told. */
  takeIndexed(): readonly Task[] {
    const indexed = this.progress?.indexed ?? 0;
    const first = this.#unindexed.findIndex(({ add }) => add.firstRow + add.count > indexed);
    return this.#unindexed.splice(0, first < 0 ? this.#unindexed.length : first);
  }

  /** A record lies elsewhere in the log now. */
  moved(record: ListedRecord): void {
    const place = this.records.placeOf(record.firstRow);
    if (place !== undefined) this.records.replace(place, record);
  }

  /** Rows that are no more. */
  noteRemoved(rows: Iterable<number>): void {
    for (const row of rows) {
      this.removed.push(row);
      this.removedCount++;
    }
  }

  /** Files of the log are no more: the records that were in them go, and removals of their rows need not be known any longer. */
  filesGone(files: ReadonlySet<number>): void {
    if (this.records.dropFiles(files) > 0) this.removed = this.removed.filter((row) => !this.#isGone(row));
  }

  #isGone(row: number): boolean {
    const place = this.records.placeOf(row);
    return place !== undefined && this.records.record(place).bytes === 0;
  }

  get isUnsaved(): boolean {
    return this.rows > this.savedRows && !this.isSaving;
  }

  get isSaveDue(): boolean {
    return this.rows - this.savedRows >= SAVE_ROWS && !this.isSaving;
  }

  /** Whether it is worth saving and nothing came since the last time this was asked. */
  isQuiet(): boolean {
    const isQuiet = this.rows === this.#lookedRows;
    this.#lookedRows = this.rows;
    return isQuiet && !this.isSaving && this.rows - this.savedRows >= SAVE_QUIET_ROWS;
  }
}
