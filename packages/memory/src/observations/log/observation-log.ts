/** The log of all observations on disk: what is in it survives kill -9 and a loss of power. */
import { resolve } from "node:path";
import { type Clock, checkInteger, MillraceError, systemClock } from "@millrace/core";
import { WorkerClient } from "../../worker-client.ts";
import { observationLogWorkerUrl } from "../../worker-url.ts";
import { type BackupReport, backupLog } from "./backup-log.ts";
import { partsBytes, toParts } from "./commit.ts";
import {
  APPEND_BYTES_MAX,
  FILE_BYTES_DEFAULT,
  FILE_BYTES_MAX,
  FILE_BYTES_MIN,
  FILES_OF_LIMITED_MIN,
  PENDING_BYTES_MAX,
} from "./limits.ts";
import type { WriteMode } from "./log-disk.ts";
import type { AppendArgs, AppendReply, LogState, LogThreadData } from "./log-messages.ts";
import { checkRecords, type LogRecord, type RecordPosition } from "./log-record.ts";
import type { LogFigures } from "./log-writer.ts";
import { type ReclaimReport, type ReclaimRequest, reclaimFiles } from "./reclaim.ts";
import { type PackedLog, type RecoveredLog, unpackLog } from "./recovered-log.ts";

export type ObservationLogOptions = {
  /** Made when it is not there. A directory belongs to one log of one process at a time. */
  readonly directory: string;
  /** Bytes after which a new file is begun, 64 KiB to 4 GB; default 256 MiB, and at most an eighth of `bytesMax`. */
  readonly fileBytesMax?: number;
  /**
   * Bytes that all files together may have; beyond it appends fail as `storage_full`. A sixteenth of it, 16 MB at most, is kept for
   * removals. Default: no limit.
   */
  readonly bytesMax?: number;
  /** `direct` (default): past the page cache, where the file system can. */
  readonly mode?: WriteMode;
  readonly clock?: Clock;
};

/**
 * Appends become durable in the order in which they were made; all that wait go into one write. An append is there whole or not at
 * all, also after a crash. When one fails, so do those that were made before that was known: nothing durable has a hole before it.
 */
export class ObservationLog implements AsyncDisposable {
  /** What was there when it was opened. */
  readonly recovered: RecoveredLog;
  readonly directory: string;
  readonly #thread: WorkerClient;
  readonly #mode: WriteMode;
  readonly #fileBytesMax: number;
  readonly #clock: Clock;
  #pendingBytes = 0;
  #epoch = 0;
  #maintenance: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(thread: WorkerClient, packed: PackedLog, options: Required<ObservationLogOptions>) {
    this.#thread = thread;
    this.recovered = unpackLog(packed);
    this.directory = options.directory;
    this.#mode = options.mode;
    this.#fileBytesMax = options.fileBytesMax;
    this.#clock = options.clock;
  }

  /** Starts the thread, which recovers what is in the directory. `storage_failed`, `data_too_new`, `invalid_argument`. */
  static async open(options: ObservationLogOptions): Promise<ObservationLog> {
    const full = withDefaults(options);
    const { directory, mode, fileBytesMax, bytesMax } = full;
    const setup: LogThreadData = { role: "append", directory, mode, fileBytesMax, bytesMax };
    const thread = new WorkerClient(observationLogWorkerUrl, "observation-log", setup);
    try {
      return new ObservationLog(thread, await thread.call<PackedLog>("open", undefined), full);
    } catch (error) {
      await thread[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Resolves with the position of each record once all of them are durable. Vectors, JSON and rows in shared memory are taken by
   * reference: they must not change until it settles. Others are copied. Rejects, nothing of the append being kept, with
   * `storage_full`, `storage_failed`, `too_large`, `overloaded`, `invalid_argument`, `unavailable`.
   */
  async append(records: readonly LogRecord[]): Promise<readonly RecordPosition[]> {
    checkRecords(records);
    this.#checkOpen();
    const sizes = records.map((record) => partsBytes(toParts(record)));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    this.#checkRoom(bytes);
    const epoch = this.#epoch;
    this.#pendingBytes += bytes;
    try {
      const args: AppendArgs = { epoch, records: records.map(toPosted) };
      const { file, offsets } = await this.#thread.call<AppendReply>("append", args, buffersOf(args));
      return records.map((record, at) => positionOf(record, { file, offset: offsets[at] ?? 0, bytes: sizes[at] ?? 0 }));
    } catch (error) {
      this.#epoch = Math.max(this.#epoch, epoch + 1);
      throw error;
    } finally {
      this.#pendingBytes -= bytes;
    }
  }

  /** Bytes of appends that are not settled. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  figures(): Promise<LogFigures> {
    return this.#thread.call<LogFigures>("figures", undefined);
  }

  /**
   * Gives back the space of records none of whose rows is alive, in files that are closed: a file without live records is removed, one
   * more than half dead is written anew, small neighbours are merged. Appends go on meanwhile. A crash at any time loses nothing.
   * One reclaim or backup at a time: the next waits.
   */
  reclaim(request: ReclaimRequest): Promise<ReclaimReport> {
    const { directory } = this;
    const call = <Result>(op: string, args: unknown): Promise<Result> => this.#thread.call<Result>(op, args);
    const owner = { call, directory, mode: this.#mode, fileBytesMax: this.#fileBytesMax, clock: this.#clock };
    return this.#maintain(() => reclaimFiles(owner, request));
  }

  /**
   * Copies what is durable now into `target`, which must not exist or be empty. The copy can be opened as a log. `conflict`,
   * `storage_full`, `storage_failed`.
   */
  backup(target: string): Promise<BackupReport> {
    return this.#maintain(async () => {
      const state = await this.#thread.call<LogState>("state", undefined);
      return await backupLog(this.directory, state, resolve(target));
    });
  }

  /** Waits for appends under way, then leaves the files so that opening them again is fast. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#maintenance.catch(() => undefined);
    try {
      await this.#thread.call("close", undefined);
    } finally {
      await this.#thread[Symbol.asyncDispose]();
    }
  }

  #maintain<Result>(run: () => Promise<Result>): Promise<Result> {
    this.#checkOpen();
    const running = this.#maintenance.then(run, run);
    this.#maintenance = running.catch(() => undefined);
    return running;
  }

  #checkOpen(): void {
    if (this.#closing) throw new MillraceError("unavailable", "the observation log is closed");
  }

  #checkRoom(bytes: number): void {
    if (bytes > APPEND_BYTES_MAX) {
      const message = `the append has ${bytes} bytes; at most ${APPEND_BYTES_MAX} become durable together: append fewer records at once`;
      throw new MillraceError("too_large", message);
    }
    if (this.#pendingBytes === 0 || this.#pendingBytes + bytes <= PENDING_BYTES_MAX) return;
    const message = `${this.#pendingBytes} bytes wait to be written, and at most ${PENDING_BYTES_MAX} may; wait for appends to settle`;
    throw new MillraceError("overloaded", message, { retryAfterMs: 100 });
  }
}

function withDefaults(options: ObservationLogOptions): Required<ObservationLogOptions> {
  const { bytesMax = Number.POSITIVE_INFINITY, mode = "direct", clock = systemClock } = options;
  const least = FILES_OF_LIMITED_MIN * FILE_BYTES_MIN;
  if (bytesMax !== Number.POSITIVE_INFINITY)
    checkInteger("bytesMax", bytesMax, { min: least, max: Number.MAX_SAFE_INTEGER });
  const range = { min: FILE_BYTES_MIN, max: FILE_BYTES_MAX };
  const wanted = checkInteger("fileBytesMax", options.fileBytesMax ?? FILE_BYTES_DEFAULT, range);
  const fileBytesMax = Math.min(wanted, Math.floor(bytesMax / FILES_OF_LIMITED_MIN));
  return { directory: resolve(options.directory), fileBytesMax, bytesMax, mode, clock };
}

/** The record with memory that can be posted: shared as it is, other memory as a copy that is moved. */
function toPosted(record: LogRecord): LogRecord {
  if (record.kind === "space-removed") return { kind: record.kind, space: record.space };
  if (record.kind === "removals")
    return { ...record, rows: isShared(record.rows) ? record.rows : new Uint32Array(record.rows) };
  const { vectors, meta } = record;
  return { ...record, vectors: ownBytes(vectors), meta: ownBytes(meta) };
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  return isShared(bytes) ? bytes : new Uint8Array(bytes);
}

function isShared({ buffer }: { readonly buffer: ArrayBufferLike }): boolean {
  return buffer instanceof SharedArrayBuffer;
}

function buffersOf({ records }: AppendArgs): ArrayBuffer[] {
  const buffers = records.flatMap((record): ArrayBufferLike[] => {
    if (record.kind === "observations") return [record.vectors.buffer, record.meta.buffer];
    return record.kind === "removals" ? [record.rows.buffer] : [];
  });
  return buffers.filter((buffer) => buffer instanceof ArrayBuffer);
}

type Place = Pick<RecordPosition, "file" | "offset" | "bytes">;

function positionOf(record: LogRecord, place: Place): RecordPosition {
  const { space } = record;
  if (record.kind === "space-removed") return { space, firstRow: 0, count: 0, metaBytes: 0, ...place };
  if (record.kind === "removals") return { space, firstRow: 0, count: record.rows.length, metaBytes: 0, ...place };
  return { space, firstRow: record.firstRow, count: record.count, metaBytes: record.meta.byteLength, ...place };
}
