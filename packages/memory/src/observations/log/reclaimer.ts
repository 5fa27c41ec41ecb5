/**
 * Gives the space of dead records back: files are written anew without them, a step at a time. A step is one rename: before it the old
 * files count, after it the new one, which names them as replaced.
 */
import { join } from "node:path";
import { assert, MillraceError } from "@millrace/core";
import { partsBytes, type RecordParts } from "./commit.ts";
import { fileName } from "./file-block.ts";
import { FileIndex } from "./file-index.ts";
import { Findings } from "./finding.ts";
import { findFiles } from "./found-file.ts";
import { COMMIT_BYTES_MAX, FILE_RECORDS_MAX, SESSION_KEPT_MS } from "./limits.ts";
import { loadFile } from "./load-index.ts";
import { LogContents, makeReclaimFile, type ReclaimFile } from "./log-contents.ts";
import type { LogDisk, ReadableLogFile, WriteMode } from "./log-disk.ts";
import { type ClosedFile, LogFile, type LogFilePlace } from "./log-file.ts";
import type { Marks } from "./mark-table.ts";
import { readStored, rowsOf } from "./read-record.ts";
import { abandon, type Plan, planFrom } from "./reclaim-plan.ts";
import { ColumnsBuilder, kindAt, type PositionColumns, positionAt, sliceColumns } from "./record-columns.ts";
import { NO_VECTORS } from "./record-header.ts";
import { Staging } from "./staging.ts";

export type ReclaimerOptions = {
  readonly disk: LogDisk;
  readonly directory: string;
  readonly mode: WriteMode;
  readonly fileBytesMax: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Closed files; no others are touched. */
  readonly files: readonly number[];
  /** A random 32-bit number for each file that is written. */
  readonly salt: () => number;
};

/** Records of observations in closed files, whose spaces were not removed: so many rows from the first. */
export type Survey = {
  readonly space: Uint32Array<ArrayBuffer>;
  readonly firstRow: Uint32Array<ArrayBuffer>;
  readonly count: Uint32Array<ArrayBuffer>;
};

export type ReclaimStep = {
  /** Files that are replaced; still there until `discard`. */
  readonly removed: readonly number[];
  readonly added?: ClosedFile;
  /** Where the observations of the removed files are that are left. */
  readonly moved: PositionColumns | undefined;
};

export class Reclaimer {
  readonly findings = new Findings();
  readonly #options: ReclaimerOptions;
  readonly #place: LogFilePlace;
  readonly #contents: LogContents;
  #cursor = 0;
  #unwanted: readonly number[] = [];
  #opened: { readonly file: number; readonly handle: ReadableLogFile } | undefined;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
    const { disk, directory } = options;
    this.#place = { disk, directory, staging: new Staging() };
    const { files } = findFiles(disk, directory, { findings: this.findings, only: new Set(options.files) });
    this.#contents = new LogContents(files.map((found) => this.#load(found)));
  }

  survey(): Survey {
    const rows = [...this.#observations()];
    const column = (of: (row: { readonly columns: PositionColumns; readonly at: number }) => number | undefined) =>
      Uint32Array.from(rows, ({ file: { columns }, at }) => of({ columns, at }) ?? 0);
    return {
      space: column(({ columns, at }) => columns.space[at]),
      firstRow: column(({ columns, at }) => columns.firstRow[at]),
      count: column(({ columns, at }) => columns.count[at]),
    };
  }

  /** How many rows of each record of the survey are alive. */
  decide(live: Uint32Array): void {
    let next = 0;
    for (const { file, at } of this.#observations()) file.live[at] = live[next++] ?? 0;
    assert(next === live.length, "there is a number for each record of the survey");
  }

  /** Does the next step, into a file of the number given; undefined when there is no more to do. Throws what the file system does. */
  step(newFile: number): ReclaimStep | undefined {
    while (this.#cursor < this.#contents.files.length) {
      const plan = this.#plan();
      const step = plan && this.#carryOut(plan, newFile);
      if (step) return step;
      if (!plan) this.#cursor++;
    }
    return undefined;
  }

  /** Removes the files that the last step replaced. */
  discard(): void {
    this.close();
    const { disk, directory } = this.#options;
    for (const file of this.#unwanted) {
      disk.remove(join(directory, fileName(file)));
      // The one after may hold what makes the rows of this one dead.
      disk.syncDirectory(directory);
    }
    this.#unwanted = [];
  }

  close(): void {
    this.#opened?.handle.close();
    this.#opened = undefined;
  }

  #load(found: ReturnType<typeof findFiles>["files"][number]): ReclaimFile {
    const before = this.findings.count;
    const { index } = loadFile(this.#options.disk, found, this.findings);
    const { columns } = index;
    const file = makeReclaimFile(found, {
      columns,
      marks: index instanceof FileIndex ? index.marks.toMarks() : index.marks,
    });
    file.isFixed = this.findings.count > before;
    return file;
  }

  *#observations(): Generator<{ readonly file: ReclaimFile; readonly at: number }> {
    for (const file of this.#contents.files) {
      for (let at = 0; at < file.columns.kind.length; at++) {
        if (kindAt(file.columns, at) === "observations" && !this.#contents.isRemoved(file, at)) yield { file, at };
      }
    }
  }

  #plan(): Plan | undefined {
    const { fileBytesMax, nowMs } = this.#options;
    return planFrom(this.#contents, this.#cursor, {
      fileBytesMax,
      forgetBeforeMs: nowMs - SESSION_KEPT_MS,
      readRows: (file, at) => this.#readRows(file, at),
    });
  }

  #carryOut(plan: Plan, newFile: number): ReclaimStep | undefined {
    const files = plan.files.map(({ file }) => file);
    const removed = files.map(({ found }) => found.file);
    const isEmpty =
      plan.marks.sessions.length +
        plan.marks.nextRows.length +
        plan.files.reduce((sum, { kept }) => sum + kept.length, 0) ===
      0;
    try {
      const written = isEmpty ? undefined : this.#rewrite(plan, newFile);
      this.#contents.replace(files, written?.file);
      this.#unwanted = removed;
      if (written) this.#cursor++;
      return {
        removed,
        moved: written && observationsOf(written.file.columns),
        ...(written ? { added: written.closed } : {}),
      };
    } catch (error) {
      abandon(this.#contents, plan.files);
      // A damaged record: its file stays as it is, to be restored, and those around it are looked at again.
      if (files.some(({ isFixed }) => isFixed)) return undefined;
      throw error;
    }
  }

  #rewrite(plan: Plan, newFile: number): { readonly file: ReclaimFile; readonly closed: ClosedFile } {
    const { disk, directory, mode } = this.#options;
    const found = plan.files.map(({ file }) => file.found);
    const orderFirst = found[0]?.orderFirst ?? newFile;
    const block = {
      file: newFile,
      orderFirst,
      orderLast: found.at(-1)?.orderLast ?? newFile,
      salt: this.#options.salt(),
    };
    const name = `${fileName(newFile)}.tmp`;
    const replaces = found.map(({ file }) => file);
    const file = LogFile.create(this.#place, { ...block, replaces, name }, mode);
    try {
      for (const records of this.#commits(plan)) file.append(records);
      const marks = uncovered(plan.marks, file.index);
      if (marks) file.append([marks]);
      const closed = file.close();
      disk.rename(join(directory, name), join(directory, fileName(newFile)));
      disk.syncDirectory(directory);
      const now = { ...closed, path: join(directory, fileName(newFile)), salt: block.salt, replaces };
      const index = { columns: file.index.columns, marks: file.index.marks.toMarks() };
      const made = makeReclaimFile({ ...now, index: undefined, isNewest: false, isResized: false }, index);
      made.isFixed = true;
      return { file: made, closed };
    } catch (error) {
      discardQuietly(file);
      throw error;
    }
  }

  /** The records that a plan keeps, read and checked, a commit at a time. */
  *#commits(plan: Plan): Generator<RecordParts[]> {
    let commit: RecordParts[] = [];
    let bytes = 0;
    for (const { file, kept } of plan.files) {
      for (const at of kept) {
        const record = this.#read(file, at);
        if (commit.length > 0 && (bytes + partsBytes(record) > COMMIT_BYTES_MAX || commit.length >= FILE_RECORDS_MAX)) {
          yield commit;
          commit = [];
          bytes = 0;
        }
        commit.push(record);
        bytes += partsBytes(record);
      }
    }
    if (commit.length > 0) yield commit;
  }

  #readRows(file: ReclaimFile, at: number): Uint32Array | undefined {
    try {
      return rowsOf(this.#read(file, at).body);
    } catch (error) {
      if (file.isFixed) return undefined;
      throw error;
    }
  }

  /** A record as it was written; a file with a damaged one is fixed from then on. */
  #read(file: ReclaimFile, at: number): RecordParts {
    const { found, columns } = file;
    if (this.#opened?.file !== found.file) {
      this.#opened?.handle.close();
      this.#opened = undefined;
      this.#opened = { file: found.file, handle: this.#options.disk.openRead(found.path) };
    }
    try {
      return readStored({ handle: this.#opened.handle, salt: found.salt }, positionAt(columns, at));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      file.isFixed = true;
      const { offset, bytes } = positionAt(columns, at);
      this.findings.add({ kind: "damaged", file: found.file, offset, bytes, message: error.message });
      throw error;
    }
  }
}

/** A record of the marks that the file does not have by its own records; undefined when it has all. */
function uncovered({ sessions, nextRows }: Marks, { marks }: FileIndex): RecordParts | undefined {
  const left: Marks = {
    sessions: sessions.filter(([space, session, lastSeq]) => (marks.session(space, session)?.lastSeq ?? 0) < lastSeq),
    nextRows: nextRows.filter(([space, nextRow]) => marks.nextRow(space) < nextRow),
  };
  if (left.sessions.length + left.nextRows.length === 0) return undefined;
  const acceptedMs = left.sessions.reduce((max, [, , , ms]) => Math.max(max, ms), 0);
  const meta = new TextEncoder().encode(JSON.stringify(left));
  return { header: { ...NO_VECTORS, kind: "marks", space: 0, count: 0, acceptedMs }, meta, body: new Uint8Array(0) };
}

function observationsOf(columns: PositionColumns): PositionColumns {
  const rows = new ColumnsBuilder();
  for (let at = 0; at < columns.kind.length; at++) {
    if (kindAt(columns, at) === "observations") rows.pushAll(sliceColumns(columns, at, at + 1));
  }
  return rows.take();
}

function discardQuietly(file: LogFile): void {
  try {
    file.discard();
  } catch {
    // It is under a temporary name, which the next opening removes.
  }
}
