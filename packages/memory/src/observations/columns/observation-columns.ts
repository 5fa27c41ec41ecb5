import { assert, checkInteger, MillraceError } from "@millrace/core";
import type { ObservationMeta } from "@millrace/protocol";
import { Attributes, type AttributesState, type FieldFigures } from "./attributes.ts";
import { clearFrom, countBits, emptyBitmap, intersect, setBit } from "./bitmap.ts";
import { buffersOf } from "./buffers-of.ts";
import { checkMeta } from "./check-meta.ts";
import { ExpiryHeap, type ExpiryHeapState } from "./expiry-heap.ts";
import type { ObservationFilter } from "./filter.ts";
import { readFilter } from "./filter-read.ts";
import { runCondition } from "./filter-run.ts";
import { FINAL_ROWS_MAX, PAGE_ROWS, REMOVALS_KEPT, SHARE_STEPS } from "./limits.ts";
import { RemovalLog, type RemovalLogState } from "./removal-log.ts";
import { FLAGS } from "./row-page.ts";
import { RowPages, type RowPagesState } from "./row-pages.ts";
import { createHashKey, type HashKey } from "./text-hash.ts";
import { TextTable, type TextTableState } from "./text-table.ts";

const CONFIDENCE_DEFAULT = 1;
const IMPORTANCE_DEFAULT = 0.5;
const ROW_MAX = 2 ** 32 - 2;
const IN_PAGE = PAGE_ROWS - 1;
/** Expired rows that were removed before their time and still stand in the heap, above which it is cleaned. */
const STALE_EXPIRIES_MIN = 1_024;

/** What was visible at one time: rows below `rows`, less the first `removals` that were removed. */
export type Generation = { readonly rows: number; readonly removals: number };

export type FilterOptions = {
  /** What `recentMs` counts back from: milliseconds since 1970. */
  readonly nowMs: number;
  /** Rows from this one on are left out; default none. */
  readonly beforeRow?: number;
  /** Exactly what was visible then, rows removed since among it; default now. */
  readonly asOf?: Generation;
};

/** Bit `row & 7` of byte `row >> 3` is 1 for each of `count` rows. */
export type FilteredBitmap = { readonly bitmap: Uint8Array; readonly count: number };

/** Everything the columns know, of one moment: plain objects and typed arrays, fit for `postMessage` and `v8.serialize`. */
export type ColumnsState = {
  readonly key: HashKey;
  readonly pages: RowPagesState;
  readonly attributes: AttributesState;
  readonly ids: TextTableState;
  readonly expiries: ExpiryHeapState;
  readonly staleExpiries: number;
  readonly removals: RemovalLogState;
  readonly live: number;
};

/** Columns on their way to another thread. With `transfer` as transfer list nothing is copied; without, or left in it, all still arrives. */
export type ColumnsTransfer = { readonly state: ColumnsState; readonly transfer: readonly ArrayBuffer[] };

/**
 * What is known of each observation of a space besides its vector, by row: numbers in typed arrays, ids and labels as hashes and codes, no
 * text. Rows are given out once, in order, and never used again; a gap is a row that was given out and failed. One thread owns it.
 *
 * A generation `{rows, removals}` names what was visible at one time, and a filter pinned to it gives that for as long as none of the
 * removals after it are final (`takeFinal`); so whoever owns the vectors takes them out only then.
 *
 * Memory: 21 bytes a row in pages that are given back when nothing of them is left, 23–46 bytes an id, 8–12 bytes for each row that has
 * a label or field, 12 for each that expires, 4 for each removal that is not final.
 */
export class ObservationColumns {
  readonly #key: HashKey;
  #pages: RowPages;
  #attributes: Attributes;
  #ids: TextTable;
  #expiries: ExpiryHeap;
  #staleExpiries: number;
  #removals: RemovalLog;
  #live: number;
  readonly #isLive = (row: number) => this.#pages.isLive(row);
  readonly #isHeld = (row: number) => this.#pages.isHeld(row);

  /** As they were when `toTransferable` was called. */
  static from({ state }: Pick<ColumnsTransfer, "state">): ObservationColumns {
    return new ObservationColumns(state);
  }

  /** Empty, or as in a state, whose arrays it then owns. */
  constructor(state?: ColumnsState) {
    this.#key = state?.key ?? createHashKey();
    this.#pages = new RowPages(state?.pages);
    this.#attributes = new Attributes(this.#key, state?.attributes);
    this.#ids = new TextTable(this.#key, state?.ids);
    this.#expiries = new ExpiryHeap(state?.expiries);
    this.#staleExpiries = state?.staleExpiries ?? 0;
    this.#removals = new RemovalLog(state?.removals);
    this.#live = state?.live ?? 0;
  }

  /** The next row that can be appended, or one above it. */
  get rows(): number {
    return this.#pages.rows;
  }

  /** Rows that are there. */
  get live(): number {
    return this.#live;
  }

  /** Whether every row below `rows` is there, so that what is visible now needs no bitmap. */
  get isDense(): boolean {
    return this.#live === this.rows;
  }

  /** What is visible now. */
  get generation(): Generation {
    return { rows: this.rows, removals: this.#removals.count };
  }

  /** Removals of the oldest generation that can still be asked for. */
  get removalsGone(): number {
    return this.#removals.dropped;
  }

  get bytes(): number {
    return this.#pages.bytes + this.#attributes.bytes + this.#ids.bytes + this.#expiries.bytes + this.#removals.bytes;
  }

  /** Labels and payload fields that can be filtered by. */
  get fields(): readonly FieldFigures[] {
    return this.#attributes.figures;
  }

  /**
   * Takes an observation as `row`, which is not below `rows`, and removes the one it replaces, whose row it returns. Fails with
   * `invalid_argument` before anything changed. About 40 ns without meta, 1 µs with an id, two labels and two fields (measured).
   */
  append(row: number, meta: ObservationMeta | null, acceptedMs: number): number | undefined {
    const isNext = row >= this.rows && row <= ROW_MAX;
    // The message is not built for every row.
    if (!isNext) assert(isNext, `row ${row} cannot follow ${this.rows} rows`);
    if (meta !== null) checkMeta(meta);
    this.#pages.append(row, {
      whenMs: meta?.whenMs ?? acceptedMs,
      acceptedMs,
      confidence: meta?.confidence ?? CONFIDENCE_DEFAULT,
      importance: meta?.importance ?? IMPORTANCE_DEFAULT,
      flags: meta === null ? 0 : flagsOf(meta),
    });
    this.#live++;
    if (meta === null) return undefined;
    this.#attributes.append(row, meta);
    if (meta.ttlMs !== undefined) this.#expiries.push(row, acceptedMs + meta.ttlMs);
    return meta.id === undefined ? undefined : this.#replace(meta.id, row);
  }

  isLive(row: number): boolean {
    return this.#pages.isLive(row);
  }

  /** The row that a client's id stands for now. */
  rowOf(id: string): number | undefined {
    const row = this.#ids.get(id);
    return row !== undefined && this.isLive(row) ? row : undefined;
  }

  /** Whether the client gave the row its id. */
  hasId(row: number): boolean {
    return this.#pages.flag(row, FLAGS.hasId);
  }

  /** Milliseconds since 1970; NaN for a row of which nothing is held any more. */
  whenMs(row: number): number {
    return this.#pages.pageOf(row)?.whenMs[row & IN_PAGE] ?? Number.NaN;
  }

  acceptedMs(row: number): number {
    return this.#pages.pageOf(row)?.acceptedMs[row & IN_PAGE] ?? Number.NaN;
  }

  /** 0 to 1, to four decimals. */
  confidence(row: number): number {
    return (this.#pages.pageOf(row)?.confidence[row & IN_PAGE] ?? Number.NaN) / SHARE_STEPS;
  }

  /** 0 to 1, to four decimals. */
  importance(row: number): number {
    return (this.#pages.pageOf(row)?.importance[row & IN_PAGE] ?? Number.NaN) / SHARE_STEPS;
  }

  /**
   * What no row exceeds: the greatest confidence and importance, and the age of the youngest. For the bound of a reranking, which without them
   * must think every row not seen as good as can be. O(rows / 65,536).
   */
  ceilings(nowMs: number): { readonly confidence: number; readonly importance: number; readonly ageMs: number } {
    const { whenMs, confidence, importance } = this.#pages.maxima;
    return { confidence: confidence / SHARE_STEPS, importance: importance / SHARE_STEPS, ageMs: nowMs - whenMs };
  }

  hasText(row: number): boolean {
    return this.#pages.flag(row, FLAGS.hasText);
  }

  /** Whether it was there. */
  remove(row: number): boolean {
    if (!this.isLive(row)) return false;
    this.#pages.remove(row);
    this.#removals.push(row);
    this.#live--;
    if (this.#pages.flag(row, FLAGS.hasTtl)) this.#countStaleExpiry();
    return true;
  }

  /**
   * At most `countMax` rows whose time to live is over, the longest over first. Each is told once: the caller removes them. O(1) when there
   * is none. Until then they are seen, so ask often, and before a recall that must not return one.
   */
  expired(nowMs: number, countMax: number): number[] {
    const rows: number[] = [];
    while (rows.length < countMax && this.#expiries.nextMs <= nowMs) {
      const row = this.#expiries.pop();
      if (this.isLive(row)) {
        this.#pages.clearFlag(row, FLAGS.hasTtl);
        rows.push(row);
      } else this.#staleExpiries--;
    }
    return rows;
  }

  /**
   * Makes removals final, the oldest first and `countMax` at most, until only `keep` are left that are not: the rows, whose vectors can be
   * taken out now. Generations before them are gone. Call it between batches; a call may also tidy one column, about 5 ns an entry.
   */
  takeFinal(keep: number = REMOVALS_KEPT, countMax: number = FINAL_ROWS_MAX): Uint32Array {
    const count = Math.min(countMax, this.#removals.kept - keep);
    if (count <= 0) return new Uint32Array(0);
    const rows = this.#removals.drop(count);
    for (const row of rows) this.#pages.finish(row);
    this.#attributes.compact(this.#isHeld, this.#live + this.#removals.kept);
    return rows;
  }

  /**
   * Makes all removals final and numbers those to come from `firstRemoval` on, above any number that an earlier reading of the same rows
   * had: its generations are `gone`, for the order of its removals is not known. No removed row may be in the index.
   */
  beginEra(firstRemoval: number): void {
    this.takeFinal(0, Number.MAX_SAFE_INTEGER);
    this.#removals.countFrom(firstRemoval);
  }

  /**
   * Rows that a filter lets through. `invalid_argument` names what is wrong with the filter; `too_large`: it names a field of which not all is
   * known; `gone`: `asOf` is older than the removals kept. O(rows / 8) and about 1 ns for each row that has a field asked for.
   */
  filter(filter: ObservationFilter, { nowMs, beforeRow, asOf }: FilterOptions): FilteredBitmap {
    const condition = readFilter(filter, nowMs);
    const rows = Math.min(beforeRow ?? this.rows, asOf?.rows ?? this.rows, this.rows);
    const bitmap = this.#visible(asOf ?? this.generation, rows);
    if (condition.kind !== "and" || condition.of.length > 0) {
      intersect(bitmap, runCondition(condition, { pages: this.#pages, attributes: this.#attributes, beforeRow: rows }));
    }
    return { bitmap: bitmap.subarray(0, Math.ceil(rows / 8)), count: countBits(bitmap) };
  }

  /** What it knows, as it is now; a view that changes with it. Clone, serialise or move it before anything else is called. */
  get state(): ColumnsState {
    return {
      key: this.#key,
      pages: this.#pages.state,
      attributes: this.#attributes.state,
      ids: this.#ids.state,
      expiries: this.#expiries.state,
      staleExpiries: this.#staleExpiries,
      removals: this.#removals.state,
      live: this.#live,
    };
  }

  /** Gives all of it up, to be moved to another thread: post it with its own `transfer` as transfer list; this is empty then. */
  toTransferable(): ColumnsTransfer {
    const { state } = this;
    this.#pages = new RowPages();
    this.#attributes = new Attributes(this.#key);
    this.#ids = new TextTable(this.#key);
    this.#expiries = new ExpiryHeap();
    this.#staleExpiries = 0;
    this.#removals = new RemovalLog();
    this.#live = 0;
    return { state, transfer: buffersOf(state) };
  }

  #replace(id: string, row: number): number | undefined {
    const old = this.#ids.set(id, row, { counts: this.#isLive, countMax: this.#live });
    return old !== undefined && this.remove(old) ? old : undefined;
  }

  #countStaleExpiry(): void {
    this.#staleExpiries++;
    if (this.#staleExpiries * 2 <= this.#expiries.size || this.#staleExpiries < STALE_EXPIRIES_MIN) return;
    this.#expiries.purge(this.#isLive);
    this.#staleExpiries = 0;
  }

  #visible({ rows, removals }: Generation, beforeRow: number): Uint8Array {
    checkInteger("asOf.removals", removals, { min: 0, max: this.#removals.count });
    if (removals < this.#removals.dropped) {
      throw new MillraceError(
        "gone",
        `the generation asked for has ${removals} removals; the oldest kept has ${this.#removals.dropped}, recall without asOf or pin a newer one`,
      );
    }
    checkInteger("asOf.rows", rows, { min: 0, max: this.rows });
    const bitmap = emptyBitmap(beforeRow);
    this.#pages.copyLive(bitmap, beforeRow);
    for (const row of this.#removals.since(removals)) if (row < beforeRow) setBit(bitmap, row);
    clearFrom(bitmap, beforeRow);
    return bitmap;
  }
}

function flagsOf(meta: ObservationMeta): number {
  return (
    (meta.text === undefined ? 0 : FLAGS.hasText) |
    (meta.id === undefined ? 0 : FLAGS.hasId) |
    (meta.ttlMs === undefined ? 0 : FLAGS.hasTtl)
  );
}
