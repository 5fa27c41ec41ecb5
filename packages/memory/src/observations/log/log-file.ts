/** The one file that is being written: records are appended until it is closed with an index, after which it never changes. */
import { join } from "node:path";
import { type CommitTarget, type RecordParts, writeCommit } from "./commit.ts";
import { encodeFileBlock, type FileBlock, fileName } from "./file-block.ts";
import { FileIndex } from "./file-index.ts";
import { BLOCK_BYTES } from "./limits.ts";
import { codeOf, type LogDisk, type WritableLogFile, type WriteMode } from "./log-disk.ts";
import { type Marks, parseMarks } from "./mark-table.ts";
import { type FramedHeader, NO_VECTORS } from "./record-header.ts";
import type { Staging } from "./staging.ts";

export type LogFilePlace = { readonly disk: LogDisk; readonly directory: string; readonly staging: Staging };

/** A file as the log knows it once it is closed. */
export type ClosedFile = {
  readonly file: number;
  readonly orderFirst: number;
  readonly orderLast: number;
  /** Of the whole file. */
  readonly bytes: number;
};

/** What a file that is made says of itself; `name` differs while it is not yet to count. */
export type NewFile = Omit<FileBlock, "indexOffset" | "indexBytes"> & { readonly name?: string };

export class LogFile {
  readonly block: Omit<FileBlock, "indexOffset" | "indexBytes">;
  readonly index: FileIndex;
  readonly #place: LogFilePlace;
  readonly #path: string;
  #handle: WritableLogFile;
  #mode: WriteMode;
  #bytes: number;

  private constructor(
    place: LogFilePlace,
    block: NewFile,
    opened: Opened & { readonly bytes: number; readonly index: FileIndex },
  ) {
    this.#place = place;
    this.block = block;
    this.index = opened.index;
    this.#path = join(place.directory, block.name ?? fileName(block.file));
    this.#handle = opened.handle;
    this.#mode = opened.mode;
    this.#bytes = opened.bytes;
  }

  /** Makes the file with its first block, durable but for its name. Throws what the file system does, and leaves nothing. */
  static create(place: LogFilePlace, block: NewFile, mode: WriteMode): LogFile {
    const path = join(place.directory, block.name ?? fileName(block.file));
    const opened = openOrFallBack(place.disk, path, mode);
    const made = new LogFile(place, block, { ...opened, bytes: 0, index: new FileIndex(block.file) });
    try {
      made.#bytes = made.#writeDurably(() => made.#writeBlock({ indexOffset: 0, indexBytes: 0 }, 0));
      return made;
    } catch (error) {
      made.discard();
      throw error;
    }
  }

  /** Goes on with a file whose records end at `bytes`; what lies behind is cut off. */
  static reopen(
    place: LogFilePlace,
    block: NewFile,
    found: { readonly bytes: number; readonly index: FileIndex; readonly mode: WriteMode },
  ): LogFile {
    const path = join(place.directory, fileName(block.file));
    const opened = openOrFallBack(place.disk, path, found.mode, false);
    const file = new LogFile(place, block, { ...opened, ...found, mode: opened.mode });
    file.rollBack();
    return file;
  }

  /** What was written and is kept, a multiple of a block. */
  get bytes(): number {
    return this.#bytes;
  }

  get mode(): WriteMode {
    return this.#mode;
  }

  /** Bytes that the closed file will have, about. */
  get bytesClosed(): number {
    return this.#bytes + this.index.bytes + 2 * BLOCK_BYTES;
  }

  /** Appends records as one commit, durable when it returns. Throws what the file system does; then call `rollBack`. */
  append(records: readonly RecordParts[]): readonly FramedHeader[] {
    const target = (): CommitTarget => ({ file: this.#handle, salt: this.block.salt, start: this.#bytes });
    let headers: FramedHeader[] = [];
    const end = this.#writeDurably(() => {
      headers = writeCommit(this.#place.staging, target(), records);
      return this.#bytes + (headers[0]?.commitBytes ?? 0);
    });
    for (const [at, header] of headers.entries()) this.index.add(header, marksOf(records[at]));
    this.#bytes = end;
    return headers;
  }

  /** Takes back what a failed append left in the file. Throws when that fails too. */
  rollBack(): void {
    this.#handle.truncate(this.#bytes);
    this.#handle.sync();
  }

  /** Writes the index and the last block, and lets go of the file. Throws what the file system does; then the file can go on. */
  close(): ClosedFile {
    const { body, meta } = this.index.encode();
    const header = { ...NO_VECTORS, kind: "index", firstRow: this.block.file, space: 0, acceptedMs: 0 } as const;
    const record = { header: { ...header, count: this.index.length }, body, meta };
    const end = this.#writeDurably(() => {
      const target = { file: this.#handle, salt: this.block.salt, start: this.#bytes };
      const length = writeCommit(this.#place.staging, target, [record])[0]?.commitBytes ?? 0;
      return this.#writeBlock({ indexOffset: this.#bytes, indexBytes: length }, this.#bytes + length);
    });
    this.#handle.close();
    const { file, orderFirst, orderLast } = this.block;
    return { file, orderFirst, orderLast, bytes: end };
  }

  /** Lets go of the file as it is. */
  release(): void {
    this.#handle.close();
  }

  /** Lets go of the file and removes it; what cannot be removed is without records. */
  discard(): void {
    try {
      this.#handle.close();
    } finally {
      this.#place.disk.remove(this.#path);
    }
  }

  #writeBlock(index: { readonly indexOffset: number; readonly indexBytes: number }, position: number): number {
    this.#place.staging.begin(this.#handle, position);
    this.#place.staging.put(encodeFileBlock({ ...this.block, ...index }));
    return this.#place.staging.end();
  }

  /** Runs a write and syncs it. A file system that takes direct writes when it opens a file and not when it is written to gets buffered ones. */
  #writeDurably(write: () => number): number {
    try {
      return this.#writeAndSync(write);
    } catch (error) {
      if (this.#mode === "buffered" || codeOf(error) !== "EINVAL") throw error;
      this.rollBack();
      this.#handle.close();
      this.#mode = "buffered";
      this.#handle = this.#place.disk.openWrite(this.#path, { mode: "buffered", isNew: false });
      return this.#writeAndSync(write);
    }
  }

  #writeAndSync(write: () => number): number {
    const end = write();
    if (this.#mode === "buffered") this.#handle.sync();
    return end;
  }
}

type Opened = { readonly handle: WritableLogFile; readonly mode: WriteMode };

function openOrFallBack(disk: LogDisk, path: string, mode: WriteMode, isNew = true): Opened {
  try {
    return { handle: disk.openWrite(path, { mode, isNew }), mode };
  } catch (error) {
    if (mode === "buffered" || codeOf(error) !== "EINVAL") throw error;
  }
  // Linux makes the file before it finds that the file system refuses O_DIRECT.
  if (isNew) removeIfThere(disk, path);
  return { handle: disk.openWrite(path, { mode: "buffered", isNew }), mode: "buffered" };
}

function removeIfThere(disk: LogDisk, path: string): void {
  try {
    disk.remove(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function marksOf(record: RecordParts | undefined): Marks | undefined {
  return record?.header.kind === "marks" ? parseMarks(record.meta) : undefined;
}
