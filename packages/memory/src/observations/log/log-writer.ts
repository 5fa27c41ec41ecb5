/**
 * Appends to the newest file of a log. What waits goes into one write (group commit); an append is there whole or not at all.
 *
 * Order: an append is durable only when all that were made before it are, or when their maker had learnt that they failed before it
 * made this one (`epoch`). Else what a session sent later could be kept while what it sent before is lost, and resuming it would
 * leave a hole.
 */
import { MillraceError } from "@millrace/core";
import { commitBytes, partsBytes, type RecordParts } from "./commit.ts";
import {
  BLOCK_BYTES,
  COMMIT_BYTES_MAX,
  FILE_RECORDS_MAX,
  REMOVALS_RESERVE_BYTES_MAX,
  REMOVALS_RESERVE_SHARE,
} from "./limits.ts";
import { type LogDisk, toLogError, type WriteMode } from "./log-disk.ts";
import { type ClosedFile, LogFile, type LogFilePlace } from "./log-file.ts";
import { Staging } from "./staging.ts";

export type WriterOptions = {
  readonly disk: LogDisk;
  readonly directory: string;
  readonly mode: WriteMode;
  readonly fileBytesMax: number;
  readonly bytesMax: number;
  readonly files: readonly ClosedFile[];
  readonly nextFile: number;
  /** A random 32-bit number for each file. */
  readonly salt: () => number;
};

export type Append = {
  /** How many failures its maker had learnt of. */
  readonly epoch: number;
  readonly records: readonly RecordParts[];
  readonly done: (outcome: AppendOutcome) => void;
};

/** The file and where in it each record lies; or why nothing of it was kept. */
export type AppendOutcome =
  | { readonly file: number; readonly offsets: readonly number[] }
  | { readonly error: MillraceError };

export type LogFigures = {
  /** Writes that made appends durable. */
  readonly commits: number;
  readonly appends: number;
  readonly records: number;
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
  readonly isDirect: boolean;
};

export class LogWriter {
  readonly #options: WriterOptions;
  readonly #place: LogFilePlace;
  readonly #files = new Map<number, ClosedFile>();
  #active: LogFile | undefined;
  #nextFile: number;
  #mode: WriteMode;
  #failed: { readonly epoch: number; readonly error: MillraceError } | undefined;
  #broken: MillraceError | undefined;
  #commits = 0;
  #appends = 0;
  #records = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#mode = options.mode;
    this.#nextFile = options.nextFile;
    this.#place = { disk: options.disk, directory: options.directory, staging: new Staging() };
    for (const file of options.files) this.#files.set(file.file, file);
  }

  get figures(): LogFigures {
    const files = this.#files.size + (this.#active ? 1 : 0);
    const isDirect = (this.#active?.mode ?? this.#mode) === "direct";
    const { commits, appends, records } = { commits: this.#commits, appends: this.#appends, records: this.#records };
    return { commits, appends, records, files, bytes: this.#bytes, isDirect };
  }

  /** Closed files in the order of their records. */
  get closed(): readonly ClosedFile[] {
    return [...this.#files.values()].sort((a, b) => a.orderFirst - b.orderFirst);
  }

  /** The file that is being written and how much of it is durable. */
  get active(): { readonly file: number; readonly bytes: number } | undefined {
    return this.#active && { file: this.#active.block.file, bytes: this.#active.bytes };
  }

  /** Makes the first of the appends durable, as many as fit one commit, and says so. Removes them from `queue`. */
  commitNext(queue: Append[]): void {
    const taken = this.#take(queue);
    if (taken.length === 0) return;
    try {
      const active = this.#open();
      const headers = active.append(taken.flatMap(({ records }) => records));
      this.#commits++;
      this.#appends += taken.length;
      this.#records += headers.length;
      let at = 0;
      for (const { records, done } of taken) {
        const offsets = headers.slice(at, at + records.length).map(({ offset }) => offset);
        at += records.length;
        done({ file: active.block.file, offsets });
      }
    } catch (error) {
      const failure = toLogError(error, `writing ${taken.length} appends to the observation log`);
      this.#rollBack();
      for (const append of taken) this.#refuse(append, failure);
    }
  }

  /** A number for a file that is not this writer's. */
  reserveFile(): number {
    return this.#nextFile++;
  }

  /** Another file took over from some: `added` when anything was left of them. */
  replaceFiles(removed: readonly number[], added?: ClosedFile): void {
    for (const file of removed) this.#files.delete(file);
    if (added) this.#files.set(added.file, added);
  }

  /** Closes the newest file; the next append makes another. */
  rotate(): void {
    const active = this.#active;
    if (!active) return;
    this.#files.set(active.block.file, active.close());
    this.#active = undefined;
  }

  /** Lets go of the newest file as it is: opening the log will look through it. */
  release(): void {
    this.#active?.release();
    this.#active = undefined;
  }

  get #bytes(): number {
    let bytes = this.#active?.bytesClosed ?? 0;
    for (const file of this.#files.values()) bytes += file.bytes;
    return bytes;
  }

  /** Appends for one commit: as many as fit the file, the commit and the log's size; refuses those that cannot be. */
  #take(queue: Append[]): Append[] {
    const taken: Append[] = [];
    let bytes = 0;
    let records = 0;
    for (let next = queue[0]; next; next = queue[0]) {
      const more = next.records.reduce((sum, record) => sum + partsBytes(record), 0);
      const refusal = this.#refusalOf(next, taken.length === 0 ? more : undefined);
      if (refusal) {
        queue.shift();
        this.#refuse(next, refusal);
        continue;
      }
      if (taken.length > 0) {
        if (bytes + more > COMMIT_BYTES_MAX) break;
        if (!this.#fits({ bytes: bytes + more, records: records + next.records.length })) break;
        if (this.#bytes + commitBytes(bytes + more) > this.#bytesMaxOf(next)) break;
      } else if (this.#active && !this.#fits({ bytes: more, records: next.records.length }) && !this.#tryRotate(next)) {
        queue.shift();
        continue;
      }
      queue.shift();
      taken.push(next);
      bytes += more;
      records += next.records.length;
    }
    return taken;
  }

  /** Why an append cannot be; its size is looked at when it is the first of a commit. */
  #refusalOf(append: Append, bytes: number | undefined): MillraceError | undefined {
    if (this.#broken) return this.#broken;
    if (this.#failed && append.epoch <= this.#failed.epoch) return this.#failed.error;
    if (bytes === undefined) return undefined;
    const bytesMax = this.#bytesMaxOf(append);
    const wanted = this.#bytes + commitBytes(bytes) + (this.#active ? 0 : 3 * BLOCK_BYTES);
    if (wanted <= bytesMax) return undefined;
    const told = `the observation log would have ${wanted} bytes, its limit is ${this.#options.bytesMax}, of which observations may fill ${this.#observationBytesMax}`;
    return new MillraceError("storage_full", `${told}: remove observations, or raise bytesMax`);
  }

  #bytesMaxOf({ records }: Append): number {
    const hasObservations = records.some(({ header }) => header.kind === "observations");
    return hasObservations ? this.#observationBytesMax : this.#options.bytesMax;
  }

  get #observationBytesMax(): number {
    const { bytesMax } = this.#options;
    if (bytesMax === Number.POSITIVE_INFINITY) return bytesMax;
    return Math.floor(bytesMax - Math.min(bytesMax * REMOVALS_RESERVE_SHARE, REMOVALS_RESERVE_BYTES_MAX));
  }

  #fits({ bytes, records }: { readonly bytes: number; readonly records: number }): boolean {
    const active = this.#active;
    const atBytes = active?.bytes ?? BLOCK_BYTES;
    if (atBytes + commitBytes(bytes) > this.#options.fileBytesMax && atBytes > BLOCK_BYTES) return false;
    return (active?.index.length ?? 0) + records <= FILE_RECORDS_MAX || (active?.index.length ?? 0) === 0;
  }

  #tryRotate(append: Append): boolean {
    try {
      this.rotate();
      return true;
    } catch (error) {
      const failure = toLogError(error, "closing a full file of the observation log");
      this.#rollBack();
      this.#refuse(append, failure);
      return false;
    }
  }

  #open(): LogFile {
    if (this.#active) return this.#active;
    const file = this.#nextFile++;
    const block = { file, orderFirst: file, orderLast: file, salt: this.#options.salt(), replaces: [] };
    const made = LogFile.create(this.#place, block, this.#mode);
    try {
      this.#options.disk.syncDirectory(this.#options.directory);
    } catch (error) {
      made.discard();
      throw error;
    }
    this.#mode = made.mode;
    this.#active = made;
    return made;
  }

  #rollBack(): void {
    try {
      this.#active?.rollBack();
    } catch (cause) {
      const message =
        "a failed write could not be taken back; the observation log takes nothing until it is opened again";
      this.#broken = new MillraceError("storage_failed", message, { cause, retryable: false });
    }
  }

  #refuse(append: Append, error: MillraceError): void {
    if (!this.#failed || append.epoch > this.#failed.epoch) this.#failed = { epoch: append.epoch, error };
    append.done({ error });
  }
}
