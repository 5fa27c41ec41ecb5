/** What one file holds: a row for each record, and how far it brought sessions and rows. Kept while it is written, then stored at its end. */
import { crc32 } from "node:zlib";
import { type Marks, MarkTable, parseMarks } from "./mark-table.ts";
import { ColumnsBuilder, makeColumns, type PositionColumns } from "./record-columns.ts";
import { alignPlace, type FramedHeader, recordBytes } from "./record-header.ts";

/** Bytes of one row: 33, the number of the file left out. */
const ROW_BYTES = 33;
/** About what a session takes as JSON. */
const MARK_BYTES = 80;

export class FileIndex {
  readonly #rows = new ColumnsBuilder();
  readonly marks = new MarkTable();
  readonly file: number;
  /** Of the records; undefined before the first. */
  salt: number | undefined;

  constructor(file: number) {
    this.file = file;
  }

  get length(): number {
    return this.#rows.length;
  }

  get columns(): PositionColumns {
    return this.#rows.columns;
  }

  /** About what `encode` gives. */
  get bytes(): number {
    return this.length * ROW_BYTES + (this.marks.sessionCount + this.marks.spaceCount) * MARK_BYTES;
  }

  /** Adds a record that is in the file; `index` records say nothing. */
  add(header: FramedHeader, marks?: Marks): void {
    if (header.kind === "index") return;
    this.salt = header.salt;
    this.#rows.push({ ...header, file: this.file, bytes: recordBytes(header.metaBytes, header.bodyBytes) });
    if (header.kind === "space-removed") this.marks.forget(header.space);
    if (marks) this.marks.merge(marks);
    if (header.kind !== "observations") return;
    const { space, session, firstSeq, count, acceptedMs } = header;
    this.marks.noteRow(space, header.firstRow + count);
    if (session !== "") this.marks.noteSession(space, session, { lastSeq: firstSeq + count - 1, acceptedMs });
  }

  /** Body and JSON of the index record. */
  encode(): { readonly body: Uint8Array; readonly meta: Uint8Array } {
    const { kind, space, firstRow, count, place, bytes, metaBytes, acceptedMs } = this.columns;
    const body = new Uint8Array(alignPlace(this.length * ROW_BYTES));
    let at = 0;
    for (const column of [acceptedMs, space, firstRow, count, place, bytes, metaBytes, kind]) {
      body.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      at += column.byteLength;
    }
    return { body, meta: new TextEncoder().encode(JSON.stringify(this.marks.toMarks())) };
  }
}

/** What an index record says; undefined when it does not add up. */
export type DecodedIndex = { readonly columns: PositionColumns; readonly marks: Marks };

export function decodeIndex(
  header: FramedHeader,
  parts: { readonly body: Uint8Array; readonly meta: Uint8Array },
): DecodedIndex | undefined {
  const { body, meta } = parts;
  if (header.kind !== "index" || crc32(body) !== header.bodyCrc || crc32(meta) !== header.metaCrc) return undefined;
  const marks = parseMarks(meta);
  if (!marks || body.byteLength < header.count * ROW_BYTES) return undefined;
  const columns = makeColumns(header.count);
  const { kind, space, firstRow, count, place, bytes, metaBytes, acceptedMs } = columns;
  let at = 0;
  for (const column of [acceptedMs, space, firstRow, count, place, bytes, metaBytes, kind]) {
    new Uint8Array(column.buffer).set(body.subarray(at, at + column.byteLength));
    at += column.byteLength;
  }
  columns.file.fill(header.firstRow);
  return { columns, marks };
}
