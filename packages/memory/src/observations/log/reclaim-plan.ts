/** Which neighbouring files to write anew as one, and which of their records go along. */
import { DEAD_SHARE_MIN, MERGE_FILES_MAX, MERGE_FILES_MIN, SMALL_FILE_SHARE } from "./limits.ts";
import type { LogContents, ReclaimFile } from "./log-contents.ts";
import type { Marks } from "./mark-table.ts";
import { kindAt } from "./record-columns.ts";

export type PlannedFile = {
  readonly file: ReclaimFile;
  /** Records to keep, by their place among the file's. */
  readonly kept: readonly number[];
  readonly keptBytes: number;
  readonly bytes: number;
  /** Observations that go. */
  readonly dropped: readonly number[];
};

export type Plan = {
  readonly files: readonly PlannedFile[];
  /** What the records that go said of sessions and rows, and no other file says. */
  readonly marks: Marks;
};

export type PlanOptions = {
  readonly fileBytesMax: number;
  /** Sessions that ended before are forgotten once their records are gone. */
  readonly forgetBeforeMs: number;
  /** Rows of a record of removals; undefined when it is damaged. */
  readonly readRows: (file: ReclaimFile, at: number) => Uint32Array | undefined;
};

/**
 * The next plan from file `from` on, or where to go on when it is fine as it is. A file is written anew when more than half of it is
 * dead, small neighbours along with it, and when there are several small ones in a row. Observations that a plan drops count as gone
 * from then on; `abandon` takes that back.
 */
export function planFrom(contents: LogContents, from: number, options: PlanOptions): Plan | undefined {
  const files: PlannedFile[] = [];
  let bytes = 0;
  let isWorth = false;
  for (let at = from; at < contents.files.length && files.length < MERGE_FILES_MAX; at++) {
    const file = contents.files[at];
    if (!file || file.isFixed) break;
    const planned = weigh(contents, file, { ...options, first: files[0]?.file ?? file });
    const isDead = planned.bytes - planned.keptBytes > planned.bytes * DEAD_SHARE_MIN;
    const isSmall = planned.keptBytes <= options.fileBytesMax * SMALL_FILE_SHARE;
    if ((!isDead && !isSmall) || bytes + planned.keptBytes > options.fileBytesMax) {
      abandon(contents, [planned]);
      break;
    }
    isWorth ||= isDead;
    bytes += planned.keptBytes;
    files.push(planned);
  }
  const marks = contents.marksOnlyIn(
    files.map(({ file }) => file),
    options.forgetBeforeMs,
  );
  if ((isWorth || files.length >= MERGE_FILES_MIN) && isGain(files, marks)) return { files, marks };
  abandon(contents, files);
  return undefined;
}

/** What was to go stays. */
export function abandon(contents: LogContents, files: readonly PlannedFile[]): void {
  for (const { file, dropped } of files) for (const at of dropped) contents.setThere(file, at, true);
}

/** A lone file that holds nothing but marks, all of them needed, would come out as it went in. */
function isGain(files: readonly PlannedFile[], marks: Marks): boolean {
  const [only] = files;
  if (!only || files.length > 1 || only.kept.length > 0) return files.length > 0;
  const { columns, marks: before } = only.file;
  const isOnlyMarks = columns.kind.every((_, at) => kindAt(columns, at) === "marks");
  const isSame = marks.sessions.length === before.sessions.length && marks.nextRows.length === before.nextRows.length;
  return !(isOnlyMarks && isSame && columns.kind.length <= 1);
}

type WeighOptions = PlanOptions & { readonly first: ReclaimFile };

function weigh(contents: LogContents, file: ReclaimFile, { first, readRows }: WeighOptions): PlannedFile {
  const { columns } = file;
  const dropped: number[] = [];
  for (let at = 0; at < columns.kind.length; at++) {
    if (kindAt(columns, at) !== "observations") continue;
    if (file.live[at] !== 0 && !contents.isRemoved(file, at)) continue;
    contents.setThere(file, at, false);
    dropped.push(at);
  }
  const isGone = new Set(dropped);
  const kept: number[] = [];
  let keptBytes = 0;
  let bytes = 0;
  for (let at = 0; at < columns.kind.length; at++) {
    bytes += columns.bytes[at] ?? 0;
    if (isGone.has(at) || !isNeeded(contents, file, { at, first, readRows })) continue;
    kept.push(at);
    keptBytes += columns.bytes[at] ?? 0;
  }
  return { file, kept, keptBytes, bytes, dropped };
}

type Candidate = { readonly at: number; readonly first: ReclaimFile; readonly readRows: PlanOptions["readRows"] };

/** Marks are gathered anew from the index, so that the records of them never are. */
function isNeeded(contents: LogContents, file: ReclaimFile, { at, first, readRows }: Candidate): boolean {
  const kind = kindAt(file.columns, at);
  const space = file.columns.space[at] ?? 0;
  if (kind === "observations") return true;
  if (kind === "space-removed") return contents.isNamedBefore(space, first);
  if (kind !== "removals" || contents.isRemoved(file, at)) return false;
  const rows = readRows(file, at);
  return rows === undefined || contents.hasAnyRow(space, rows);
}
