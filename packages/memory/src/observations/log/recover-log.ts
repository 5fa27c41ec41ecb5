/** Opens the files of a log: removes what a crash left, cuts a torn write off, and tells what is there. */
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import { fileName } from "./file-block.ts";
import { FileIndex } from "./file-index.ts";
import { Findings } from "./finding.ts";
import { type FoundFile, findFiles } from "./found-file.ts";
import { BLOCK_BYTES } from "./limits.ts";
import { type LoadedFile, loadFile } from "./load-index.ts";
import type { LogDisk, WriteMode } from "./log-disk.ts";
import { type ClosedFile, LogFile, type LogFilePlace } from "./log-file.ts";
import { MANIFEST, removeManifest } from "./manifest.ts";
import { readStored, rowsOf } from "./read-record.ts";
import { positionAt } from "./record-columns.ts";
import { LogGatherer, type PackedLog } from "./recovered-log.ts";
import { Staging } from "./staging.ts";

export type OpenedFiles = {
  readonly packed: PackedLog;
  readonly files: readonly ClosedFile[];
  readonly nextFile: number;
};

/** Recovering writes an index at most. */
const RECOVERY_STAGING_BYTES = 64 * 1024;

type RecoverOptions = { readonly disk: LogDisk; readonly directory: string; readonly mode: WriteMode };

export function recoverLog({ disk, directory, mode }: RecoverOptions): OpenedFiles {
  const findings = new Findings();
  disk.makeDirectory(directory);
  const found = findFiles(disk, directory, { findings });
  const unwanted = [...found.replaced, ...found.empty].map(fileName);
  clean(disk, directory, [...unwanted, ...found.names.filter(isTemporary)]);
  removeManifest(disk, directory);
  const gatherer = new LogGatherer();
  const files: ClosedFile[] = [];
  let filesWalked = 0;
  for (const file of found.files) {
    const loaded = loadFile(disk, file, findings);
    if (loaded.isWalked) filesWalked++;
    gather(gatherer, disk, { file, loaded, findings });
    const closed = file.isNewest
      ? closeNewest({ disk, directory, staging: new Staging(RECOVERY_STAGING_BYTES) }, { file, loaded, mode })
      : toClosed(file);
    if (closed) files.push(closed);
  }
  return { packed: gatherer.pack(findings, filesWalked), files, nextFile: found.fileMax + 1 };
}

/** Files that a write or a rewrite did not bring to their end. */
function isTemporary(name: string): boolean {
  return name === `${MANIFEST}.tmp` || /^observations-\d{10}\.log\.tmp$/.test(name);
}

function clean(disk: LogDisk, directory: string, names: readonly string[]): void {
  for (const name of names) disk.remove(join(directory, name));
  if (names.length > 0) disk.syncDirectory(directory);
}

type Gathered = { readonly file: FoundFile; readonly loaded: LoadedFile; readonly findings: Findings };

/** Adds a file's records to those before. */
export function gather(gatherer: LogGatherer, disk: LogDisk, { file, loaded, findings }: Gathered): void {
  const { index } = loaded;
  const handle = disk.openRead(file.path);
  try {
    const marks = index instanceof FileIndex ? index.marks.toMarks() : index.marks;
    gatherer.add({ columns: index.columns, marks }, (columns, at) => {
      try {
        return rowsOf(readStored({ handle, salt: file.salt }, positionAt(columns, at)).body);
      } catch (error) {
        const { offset, bytes } = positionAt(columns, at);
        const { message } = MillraceError.from(error, "storage_failed");
        findings.add({ kind: "damaged", file: file.file, offset, bytes, message });
        return undefined;
      }
    });
  } finally {
    handle.close();
  }
}

function toClosed({ file, orderFirst, orderLast, bytes }: FoundFile): ClosedFile {
  return { file, orderFirst, orderLast, bytes };
}

type Newest = { readonly file: FoundFile; readonly loaded: LoadedFile; readonly mode: WriteMode };

/** Cuts the newest file to its whole records and closes it, so that it need not be walked over again. Undefined when it has none. */
function closeNewest(place: LogFilePlace, { file, loaded, mode }: Newest): ClosedFile | undefined {
  const { index, recordsEnd } = loaded;
  if (!(index instanceof FileIndex)) return toClosed(file);
  if (recordsEnd <= BLOCK_BYTES) {
    clean(place.disk, place.directory, [fileName(file.file)]);
    return undefined;
  }
  const salt = file.salt ?? index.salt ?? 0;
  const block = { file: file.file, orderFirst: file.orderFirst, orderLast: file.orderLast, salt, replaces: [] };
  const reopened = LogFile.reopen(place, block, { bytes: recordsEnd, index, mode });
  try {
    return reopened.close();
  } catch {
    // No room for the index: the file is whole, and walked over again next time.
    reopened.rollBack();
    reopened.release();
    return { ...toClosed(file), bytes: recordsEnd };
  }
}
