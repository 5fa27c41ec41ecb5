/** One space's observations as its index worker holds them: vectors, columns, ids. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { TransferListItem } from "node:worker_threads";
import { MillraceError, toErrorBody } from "@millrace/core";
import type { ObservationMeta } from "@millrace/protocol";
import { adoptIndex, createIndex, openIndex, type ReleasedIndex, type VectorIndex } from "@millrace/vector";
import { parseMeta } from "../check-batch.ts";
import { type ColumnsTransfer, ObservationColumns } from "../columns/observation-columns.ts";
import { LANES_ROWS_MAX, ROWS_BETWEEN_QUESTIONS } from "../limits.ts";
import type { LogReader } from "../log/log-reader.ts";
import { Associations, type AssociationsState } from "../recall/associations.ts";
import { VectorDecoder } from "../vectors.ts";
import type { AddEntry, Poisoned, SpaceIndexOptions, SpaceProgress, SpaceSpec } from "./messages.ts";
import { RecentMetas } from "./recent-metas.ts";
import { type ListedRecord, RecordList } from "./record-list.ts";

/** What another worker goes on with. */
export type ReleasedSpace = {
  readonly index: ReleasedIndex;
  readonly columns: ColumnsTransfer;
  readonly associations: AssociationsState;
  readonly recent: ReadonlyMap<number, { readonly count: number; readonly meta: Uint8Array }>;
  readonly rows: number;
  /** Not yet told. */
  readonly replaced: readonly number[];
  readonly expired: readonly number[];
};

export type SpaceSurroundings = {
  /** Of this space's index files. */
  readonly directory: string;
  readonly options: SpaceIndexOptions;
  readonly log: LogReader;
};

/** Time that opening takes of the thread before it lets others have a turn, ms. */
const TURN_MS = 5;

/** Time that a compaction takes of the thread for one space, ms. */
const COMPACT_MS = 20;
/** Rows between two looks at the clock where each takes little. */
const ROWS_A_LOOK = 1_024;
/** Looks at a record that is being moved. */
const MOVED_TRIES = 3;

type Parts = {
  readonly index: VectorIndex;
  readonly columns: ObservationColumns;
  readonly associations: Associations;
  readonly rows: number;
};

/**
 * Rows are numbered as in the log, so that a row is known again whether it comes from the saved index, the log or a batch: each is
 * added once, whatever order a crash left them in. The columns are always read from the log.
 */
export class SpaceIndex {
  readonly space: number;
  readonly dims: number;
  readonly index: VectorIndex;
  readonly columns: ObservationColumns;
  readonly associations: Associations;
  readonly records: RecordList;
  readonly log: LogReader;
  readonly #directory: string;
  readonly #decoder = new VectorDecoder();
  readonly #metas = new RecentMetas();
  /** What rows say that are not yet in the log, by the first row of their batch. */
  readonly #recent = new Map<number, { readonly count: number; readonly meta: Uint8Array }>();
  #rows: number;
  #toldIndexed = 0;
  #addedAtMs = performance.now();
  #replaced: number[] = [];
  #expired: number[] = [];
  /** Records of the log that could not be read when it was opened. */
  readonly damaged: Poisoned[] = [];

  private constructor({ space, dims, records }: SpaceSpec, { directory, log }: SpaceSurroundings, parts: Parts) {
    this.space = space;
    this.dims = dims;
    this.records = new RecordList(records);
    this.log = log;
    this.#directory = directory;
    this.index = parts.index;
    this.columns = parts.columns;
    this.associations = parts.associations;
    this.#rows = parts.rows;
  }

  /** From the saved index, if there is a whole one, and the log. */
  static async open(spec: SpaceSpec, surroundings: SpaceSurroundings): Promise<SpaceIndex> {
    const index = await openSaved(spec, surroundings);
    const wasSaved = index.size > 0;
    const opened = new SpaceIndex(spec, surroundings, {
      ...{ index, columns: new ObservationColumns(), associations: new Associations(), rows: 0 },
    });
    await opened.#replay(spec.removed, wasSaved);
    opened.columns.beginEra(spec.firstRemoval);
    return opened;
  }

  static adopt(spec: SpaceSpec, surroundings: SpaceSurroundings, released: ReleasedSpace): SpaceIndex {
    const adopted = new SpaceIndex(spec, surroundings, {
      index: adoptIndex(released.index),
      columns: ObservationColumns.from(released.columns),
      associations: new Associations(released.associations),
      rows: released.rows,
    });
    for (const [firstRow, recent] of released.recent) adopted.#recent.set(firstRow, recent);
    adopted.#replaced.push(...released.replaced);
    adopted.#expired.push(...released.expired);
    return adopted;
  }

  /** Rows that were ever added. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Adds a batch from the block memory; rows that are there already are passed over. `between` is called every few rows. Returns what
   * could not be indexed.
   */
  add(entry: AddEntry, memory: Uint8Array, between: () => void): Poisoned[] {
    const skipped = Math.max(0, this.#rows - entry.firstRow);
    this.#addedAtMs = performance.now();
    if (skipped >= entry.count) return [];
    const { encoding, count, metaAt, metaBytes, acceptedMs } = entry;
    const vectors = this.#decoder.decode(memory.subarray(entry.vectorsAt), { encoding, dims: this.dims, count });
    if (metaBytes > 0) {
      const meta = memory.slice(metaAt, metaAt + metaBytes);
      this.#recent.set(entry.firstRow, { count, meta });
      this.#describe(entry.firstRow, { count, skipped, acceptedMs, meta });
    } else this.#describe(entry.firstRow, { count, skipped, acceptedMs });
    const poisoned: Poisoned[] = [];
    for (let at = skipped; at < count; at += ROWS_BETWEEN_QUESTIONS) {
      const end = Math.min(count, at + ROWS_BETWEEN_QUESTIONS);
      this.#insert(entry.firstRow + at, vectors.subarray(at * this.dims, end * this.dims), poisoned);
      between();
    }
    return poisoned;
  }

  /** Rows that are not in the form that the index keeps. */
  get pending(): number {
    return this.index.size - this.index.indexed;
  }

  /** Whether nothing was added for so long, ms. */
  isQuiet(forMs: number): boolean {
    return performance.now() - this.#addedAtMs >= forMs;
  }

  /** Whether more, or fewer, rows are in their final form than was told last. */
  get hasMoved(): boolean {
    return this.indexedRows !== this.#toldIndexed;
  }

  /** Rows below are in the form that the index keeps, but for those removed. */
  get indexedRows(): number {
    return this.#rows - this.pending;
  }

  /** Takes rows out; those that were there, in order. */
  remove(ids: readonly string[], rows: readonly number[]): number[] {
    const removed: number[] = [];
    for (const id of ids) {
      const row = this.rowOf(id);
      if (row !== undefined) removed.push(row);
    }
    removed.push(...rows);
    return removed.filter((row) => this.columns.remove(row));
  }

  /** Takes out what is past its time to live: the rows. */
  expire(nowMs: number, countMax: number = Number.POSITIVE_INFINITY): readonly number[] {
    const expired = this.columns.expired(nowMs, countMax);
    for (const row of expired) {
      this.columns.remove(row);
      this.associations.remove(row);
      this.#expired.push(row);
    }
    return expired;
  }

  rowOf(id: string): number | undefined {
    if (!id.startsWith("~")) return this.columns.rowOf(id);
    const row = Number.parseInt(id.slice(1), 36);
    return row < this.#rows && this.columns.isLive(row) && idOf(row) === id ? row : undefined;
  }

  /** What was said of a row beside its vector. */
  metaOf(row: number): ObservationMeta | null {
    const place = this.records.placeOf(row);
    if (place === undefined) return this.#recentMetaOf(row);
    for (let tries = 1; ; tries++) {
      const record = this.records.record(place);
      if (record.metaBytes === 0) return null;
      try {
        const key = `${record.file}:${record.offset}`;
        const said = this.#metas.element(key, row - record.firstRow, () => this.log.readMeta(record));
        return (said ?? null) as ObservationMeta | null;
      } catch (error) {
        // Its record may have been moved between two looks.
        if (tries === MOVED_TRIES) throw error;
      }
    }
  }

  /** How many rows of each range (first row, count) are there. */
  liveRows(ranges: Uint32Array): Uint32Array {
    return Uint32Array.from({ length: ranges.length / 2 }, (_, range) => {
      const firstRow = ranges[range * 2] ?? 0;
      const end = firstRow + (ranges[range * 2 + 1] ?? 0);
      let count = 0;
      for (let row = firstRow; row < end; row++) if (row >= this.#rows || this.columns.isLive(row)) count++;
      return count;
    });
  }

  progress(): SpaceProgress {
    const [replaced, expired] = [this.#replaced, this.#expired];
    [this.#replaced, this.#expired] = [[], []];
    this.#forgetRecent();
    this.tidy();
    const { bytes } = this.index;
    this.#toldIndexed = this.indexedRows;
    return {
      space: this.space,
      rows: this.#rows,
      indexed: this.#toldIndexed,
      live: this.columns.live,
      bytes: bytes + this.columns.bytes + this.associations.bytes,
      ...{ replaced, expired },
    };
  }

  async save(): Promise<void> {
    await this.index.save(this.#directory);
  }

  /** Gives everything up, for another worker to go on with. */
  release(): ReleasedSpace {
    // First, since it is refused while a save runs, and then all must be as it was.
    const index = this.index.release();
    const columns = this.columns.toTransferable();
    const { state: associations } = this.associations.toTransferable();
    const told = { replaced: this.#replaced, expired: this.#expired };
    return { index, columns, associations, recent: this.#recent, rows: this.#rows, ...told };
  }

  close(): Promise<void> {
    return this.index.close();
  }

  #insert(firstRow: number, vectors: Float32Array, poisoned: Poisoned[]): void {
    const count = vectors.length / this.dims;
    const rows = Uint32Array.from({ length: count }, (_, at) => firstRow + at);
    try {
      this.index.addMany(rows, vectors);
    } catch (error) {
      if (count === 1) {
        poisoned.push({ space: this.space, row: firstRow, error: toErrorBody(error) });
        this.columns.remove(firstRow);
        return;
      }
      for (let at = 0; at < count; at++) {
        this.#insert(firstRow + at, vectors.subarray(at * this.dims, (at + 1) * this.dims), poisoned);
      }
    }
  }

  /** Enters what is known of rows beside their vectors. A row whose id was there replaces the older one. */
  #describe(
    firstRow: number,
    batch: {
      readonly count: number;
      readonly skipped: number;
      readonly acceptedMs: number;
      readonly meta?: Uint8Array;
    },
  ): void {
    const metas = batch.meta ? parseMeta(batch.meta) : undefined;
    for (let at = batch.skipped; at < batch.count; at++) {
      const row = firstRow + at;
      const replaced = this.columns.append(row, metas?.[at] ?? null, batch.acceptedMs);
      this.#rows = row + 1;
      this.#link(row, metas?.[at]?.links);
      if (replaced === undefined) continue;
      this.associations.remove(replaced);
      this.#replaced.push(replaced);
    }
  }

  /** Links to observations that are not there, or not yet, are passed over. */
  #link(row: number, ids: readonly string[] | undefined): void {
    if (!ids) return;
    const rows = ids.map((id) => this.rowOf(id)).filter((target) => target !== undefined);
    this.associations.link(row, rows);
  }

  /** Takes the vectors of rows out that no generation can be asked for any more; until then searches pass over them. */
  tidy(keep?: number): void {
    for (const row of this.columns.takeFinal(keep)) this.index.remove(row);
  }

  /** Takes out all that was removed, as far as a moment allows: older generations cannot be asked for any more. */
  compact(): void {
    const sinceMs = performance.now();
    while (this.index.size > this.columns.live && performance.now() - sinceMs < COMPACT_MS) this.tidy(0);
  }

  async #replay(removed: Uint32Array, wasSaved: boolean): Promise<void> {
    let since = performance.now();
    const gone = new Set(removed);
    const pause = async () => {
      if (performance.now() - since < TURN_MS) return;
      await turn();
      since = performance.now();
    };
    for (let place = 0; place < this.records.length; place++) {
      this.#replayRecord(place, gone);
      await pause();
    }
    for (const row of removed) this.columns.remove(row);
    // A save may be ahead of the log: what was lost with the process is not to be found, and its numbers are given again. And it may
    // have rows of which the log has nothing any more, or that were removed after it.
    const end = this.#rows + (wasSaved ? LANES_ROWS_MAX : 0);
    for (let row = 0; row < end; row++) {
      if (!this.columns.isLive(row)) this.index.remove(row);
      if (row % ROWS_A_LOOK === 0) await pause();
    }
    this.#replaced = [];
  }

  #replayRecord(place: number, gone: ReadonlySet<number>): void {
    for (let tries = 1; ; tries++) {
      const record = this.records.record(place);
      try {
        // What is in the log no more has no row that is alive.
        if (record.bytes === 0) this.#rows = record.firstRow + record.count;
        else this.#replayWhole(record, gone);
        return;
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        const now = this.records.record(place);
        const isMoved = now.file !== record.file || now.offset !== record.offset;
        if (isMoved && tries < MOVED_TRIES) continue;
        if (error.code === "storage_failed") {
          this.#replayDamaged(record, error);
          return;
        }
        // It may have been moved, or given up, between two looks; nothing of it was entered.
        if (error.code !== "gone" || tries === MOVED_TRIES) throw error;
      }
    }
  }

  /**
   * Of a record that cannot be read whole. With its JSON the rows whose vectors the saved index has are there, and the others still
   * replace those of the same id; without it none is there, for its id, labels and time to live are not known.
   */
  #replayDamaged(record: ListedRecord, error: MillraceError): void {
    const { firstRow, count, metaBytes, acceptedMs } = record;
    const meta = metaBytes > 0 ? this.#readableMeta(record) : undefined;
    const lost: number[] = [];
    if (metaBytes > 0 && !meta) this.#rows = firstRow + count;
    else this.#describe(firstRow, { count, skipped: 0, acceptedMs, ...(meta ? { meta } : {}) });
    for (let row = firstRow; row < firstRow + count; row++) {
      const isKept = this.columns.isLive(row) && this.index.has(row);
      if (isKept) continue;
      lost.push(row);
      this.columns.remove(row);
      this.index.remove(row);
    }
    const message = `${lost.length} of the rows ${firstRow} to ${firstRow + count - 1} are lost: ${error.message}`;
    this.damaged.push({ space: this.space, row: lost[0] ?? firstRow, error: { ...toErrorBody(error), message } });
  }

  #readableMeta(record: ListedRecord): Uint8Array | undefined {
    try {
      return this.log.readMeta(record);
    } catch {
      return undefined;
    }
  }

  #replayWhole(record: ListedRecord, gone: ReadonlySet<number>): void {
    const { firstRow, count, metaBytes } = record;
    const isMissing = (row: number) => !gone.has(row) && !this.index.has(row);
    let missing = 0;
    for (let row = firstRow; row < firstRow + count; row++) if (isMissing(row)) missing++;
    if (missing === 0) {
      const meta = metaBytes > 0 ? { meta: this.log.readMeta(record) } : {};
      this.#describe(firstRow, { count, skipped: 0, acceptedMs: record.acceptedMs, ...meta });
      return;
    }
    const read = this.log.read(record);
    if (read.kind !== "observations") throw new MillraceError("storage_failed", `row ${firstRow} is not in its record`);
    const meta = metaBytes > 0 ? { meta: read.meta } : {};
    this.#describe(firstRow, { count, skipped: 0, acceptedMs: read.acceptedMs, ...meta });
    const vectors = this.#decoder.decode(read.vectors, { encoding: read.encoding, dims: this.dims, count });
    for (let at = 0; at < count; at++) {
      if (!isMissing(firstRow + at) || !this.columns.isLive(firstRow + at)) continue;
      this.#insert(firstRow + at, vectors.subarray(at * this.dims, (at + 1) * this.dims), []);
    }
  }

  #recentMetaOf(row: number): ObservationMeta | null {
    for (const [firstRow, { count, meta }] of this.#recent) {
      if (row >= firstRow && row < firstRow + count) return parseMeta(meta)[row - firstRow] ?? null;
    }
    return null;
  }

  #forgetRecent(): void {
    const { rows } = this.records;
    for (const [firstRow, { count }] of this.#recent) {
      if (firstRow + count > rows) return;
      this.#recent.delete(firstRow);
    }
  }
}

/** What of it is moved, not copied, when it is posted. */
export function transferOf({ index, columns }: ReleasedSpace): TransferListItem[] {
  return [...index.ports, ...columns.transfer];
}

/** The id of a row whose producer gave none. */
export function idOf(row: number): string {
  return `~${row.toString(36)}`;
}

/** The index as it was saved; an empty one where there is none that can be read: the log has everything. */
async function openSaved({ dims }: SpaceSpec, { directory, options }: SpaceSurroundings): Promise<VectorIndex> {
  const { segmentRows, ...others } = options;
  const isSaved = existsSync(join(directory, "manifest"));
  try {
    // Rows that cannot be had back from the files are added from the log with all others that are missing.
    if (isSaved) return await openIndex(directory, { ...others, builds: "offered", rebuild: () => [] });
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code === "data_too_new") throw error;
  }
  return createIndex({ dims, metric: "cosine", builds: "offered", ...options });
}
