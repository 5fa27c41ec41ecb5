/** Reads records back by their positions, from any thread. */
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import { fileName } from "./file-block.ts";
import { readBlock } from "./found-file.ts";
import { BLOCK_BYTES, READER_FILES_MAX } from "./limits.ts";
import { codeOf, type LogDisk, nodeLogDisk, type ReadableLogFile, toLogError } from "./log-disk.ts";
import type { LogRecord } from "./log-record.ts";
import { type RecordPlace, readStored, readStoredMeta, toLogRecord } from "./read-record.ts";

type OpenFile = { readonly handle: ReadableLogFile; readonly salt: number | undefined };

/**
 * A reader of a log that the same or another thread appends to. Everything it gives has its checksums. A few files stay open;
 * reclaiming may remove a file whose records were moved, after which positions in it are `gone`. Calls block for one read.
 */
export class LogReader implements Disposable {
  readonly #disk: LogDisk;
  readonly #directory: string;
  /** The one used last is the last. */
  readonly #files = new Map<number, OpenFile>();

  private constructor(directory: string, disk: LogDisk) {
    this.#directory = directory;
    this.#disk = disk;
  }

  static open(directory: string, disk: LogDisk = nodeLogDisk): LogReader {
    return new LogReader(directory, disk);
  }

  /**
   * The record there; its vectors and JSON are memory of their own. `storage_failed`, naming file and offset, when it is not as it was
   * written, `gone` when the file was reclaimed.
   */
  read(position: RecordPlace): LogRecord {
    const record = this.#in(position, (file) => toLogRecord(readStored(file, position)));
    if (record) return record;
    throw new MillraceError(
      "not_found",
      `no record of observations or removals is at ${position.offset} of file ${position.file}`,
    );
  }

  /** Only its JSON, by one read of header and JSON; errors as of `read`. */
  readMeta(position: RecordPlace & { readonly metaBytes: number }): Uint8Array {
    return this.#in(position, (file) => readStoredMeta(file, position));
  }

  [Symbol.dispose](): void {
    for (const { handle } of this.#files.values()) handle.close();
    this.#files.clear();
  }

  #in<Result>({ file, offset }: RecordPlace, read: (file: OpenFile) => Result): Result {
    try {
      return read(this.#file(file));
    } catch (error) {
      if (codeOf(error) === "ENOENT") {
        throw new MillraceError(
          "gone",
          `file ${file} of the observation log is no more: its records were moved or removed`,
        );
      }
      throw toLogError(error, `reading at ${offset} of file ${file} of the observation log`);
    }
  }

  #file(file: number): OpenFile {
    const known = this.#files.get(file);
    if (known) {
      this.#files.delete(file);
      this.#files.set(file, known);
      return known;
    }
    const opened = this.#open(file);
    this.#files.set(file, opened);
    for (const [oldest, { handle }] of this.#files) {
      if (this.#files.size <= READER_FILES_MAX) break;
      handle.close();
      this.#files.delete(oldest);
    }
    return opened;
  }

  #open(file: number): OpenFile {
    const handle = this.#disk.openRead(join(this.#directory, fileName(file)));
    try {
      const block = readBlock(handle, 0) ?? readBlock(handle, handle.size() - BLOCK_BYTES);
      return { handle, salt: block?.salt };
    } catch (error) {
      handle.close();
      throw error;
    }
  }
}
