/** Positions of many records, a typed array a field: 37 bytes a record. */
import { PLACE_BYTES } from "./limits.ts";
import type { RecordPosition } from "./log-record.ts";
import { RECORD_KINDS, type RecordKind } from "./record-header.ts";

/** Field by field, all of one length. */
export type PositionColumns = {
  /** Place in RECORD_KINDS. */
  readonly kind: Uint8Array<ArrayBuffer>;
  readonly space: Uint32Array<ArrayBuffer>;
  readonly firstRow: Uint32Array<ArrayBuffer>;
  readonly count: Uint32Array<ArrayBuffer>;
  readonly file: Uint32Array<ArrayBuffer>;
  /** Offset in the file ÷ 64. */
  readonly place: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint32Array<ArrayBuffer>;
  readonly metaBytes: Uint32Array<ArrayBuffer>;
  readonly acceptedMs: Float64Array<ArrayBuffer>;
};

export type PositionRow = RecordPosition & { readonly kind: RecordKind; readonly acceptedMs: number };

/** New columns of `length` zeros. */
export function makeColumns(length: number): PositionColumns {
  const words = (): Uint32Array<ArrayBuffer> => new Uint32Array(length);
  return {
    kind: new Uint8Array(length),
    space: words(),
    firstRow: words(),
    count: words(),
    file: words(),
    place: words(),
    bytes: words(),
    metaBytes: words(),
    acceptedMs: new Float64Array(length),
  };
}

/** Views of rows `from` to `to`, without a copy. */
export function sliceColumns(columns: PositionColumns, from: number, to: number): PositionColumns {
  const { kind, space, firstRow, count, file, place, bytes, metaBytes, acceptedMs } = columns;
  return {
    kind: kind.subarray(from, to),
    space: space.subarray(from, to),
    firstRow: firstRow.subarray(from, to),
    count: count.subarray(from, to),
    file: file.subarray(from, to),
    place: place.subarray(from, to),
    bytes: bytes.subarray(from, to),
    metaBytes: metaBytes.subarray(from, to),
    acceptedMs: acceptedMs.subarray(from, to),
  };
}

/** Copies one row. */
export function copyRow(
  from: PositionColumns,
  at: number,
  to: { readonly columns: PositionColumns; readonly at: number },
): void {
  const { columns, at: into } = to;
  columns.kind[into] = from.kind[at] ?? 0;
  columns.space[into] = from.space[at] ?? 0;
  columns.firstRow[into] = from.firstRow[at] ?? 0;
  columns.count[into] = from.count[at] ?? 0;
  columns.file[into] = from.file[at] ?? 0;
  columns.place[into] = from.place[at] ?? 0;
  columns.bytes[into] = from.bytes[at] ?? 0;
  columns.metaBytes[into] = from.metaBytes[at] ?? 0;
  columns.acceptedMs[into] = from.acceptedMs[at] ?? 0;
}

/** The buffers, to be moved to another thread. */
export function columnBuffers(columns: PositionColumns): ArrayBuffer[] {
  return Object.values(columns).map(({ buffer }) => buffer);
}

/** One row as an object. */
export function positionAt(columns: PositionColumns, at: number): RecordPosition {
  return {
    space: columns.space[at] ?? 0,
    firstRow: columns.firstRow[at] ?? 0,
    count: columns.count[at] ?? 0,
    file: columns.file[at] ?? 0,
    offset: (columns.place[at] ?? 0) * PLACE_BYTES,
    bytes: columns.bytes[at] ?? 0,
    metaBytes: columns.metaBytes[at] ?? 0,
  };
}

export function kindAt(columns: PositionColumns, at: number): RecordKind | undefined {
  return RECORD_KINDS[columns.kind[at] ?? -1];
}

/** Columns that grow. */
export class ColumnsBuilder {
  #columns: PositionColumns;
  #length = 0;

  constructor(capacity = 64) {
    this.#columns = makeColumns(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Views of what was pushed; valid until the next push. */
  get columns(): PositionColumns {
    return sliceColumns(this.#columns, 0, this.#length);
  }

  push(row: PositionRow): void {
    this.#reserve(1);
    const { columns, at } = { columns: this.#columns, at: this.#length++ };
    columns.kind[at] = RECORD_KINDS.indexOf(row.kind);
    columns.space[at] = row.space;
    columns.firstRow[at] = row.firstRow;
    columns.count[at] = row.count;
    columns.file[at] = row.file;
    columns.place[at] = row.offset / PLACE_BYTES;
    columns.bytes[at] = row.bytes;
    columns.metaBytes[at] = row.metaBytes;
    columns.acceptedMs[at] = row.acceptedMs;
  }

  pushAll(columns: PositionColumns): void {
    const { length } = columns.kind;
    this.#reserve(length);
    setColumns(this.#columns, columns, this.#length);
    this.#length += length;
  }

  /** Columns of just the length, of their own. */
  take(): PositionColumns {
    const taken = makeColumns(this.#length);
    setColumns(taken, this.columns, 0);
    return taken;
  }

  #reserve(more: number): void {
    const capacity = this.#columns.kind.length;
    if (this.#length + more <= capacity) return;
    const grown = makeColumns(Math.max(capacity * 2, this.#length + more));
    setColumns(grown, this.columns, 0);
    this.#columns = grown;
  }
}

function setColumns(to: PositionColumns, from: PositionColumns, at: number): void {
  to.kind.set(from.kind, at);
  to.space.set(from.space, at);
  to.firstRow.set(from.firstRow, at);
  to.count.set(from.count, at);
  to.file.set(from.file, at);
  to.place.set(from.place, at);
  to.bytes.set(from.bytes, at);
  to.metaBytes.set(from.metaBytes, at);
  to.acceptedMs.set(from.acceptedMs, at);
}
