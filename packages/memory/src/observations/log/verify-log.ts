/** Looks through a whole log without changing it. */
import { setImmediate } from "node:timers/promises";
import { Findings, type LogFinding } from "./finding.ts";
import { type FoundFile, findFiles } from "./found-file.ts";
import { noteRecord } from "./load-index.ts";
import { type LogDisk, nodeLogDisk, toLogError } from "./log-disk.ts";
import type { FramedHeader } from "./record-header.ts";
import { walkRecords } from "./walk.ts";

export type LogReport = {
  readonly files: number;
  readonly records: number;
  /** Rows of whole records of observations, removed ones included. */
  readonly rows: number;
  readonly bytes: number;
  /** At most 1,000. */
  readonly findings: readonly LogFinding[];
  readonly findingCount: number;
  /** Everything that was ever acknowledged and not reclaimed can be read: no findings but missing rows and unfinished writes. */
  readonly isSound: boolean;
};

/** Milliseconds of work between turns of the event loop. */
const TURN_MS = 10;

/**
 * Checks every record of a log, and that no row number of a space is given twice or left out. A log that is written to meanwhile
 * can be verified; what is appended after the call counts as unfinished.
 */
export async function verifyLog(
  directory: string,
  options: { readonly signal?: AbortSignal; readonly disk?: LogDisk } = {},
): Promise<LogReport> {
  const disk = options.disk ?? nodeLogDisk;
  try {
    return await verify(directory, disk, options.signal);
  } catch (error) {
    throw toLogError(error, `verifying the observation log in ${directory}`);
  }
}

async function verify(directory: string, disk: LogDisk, signal: AbortSignal | undefined): Promise<LogReport> {
  const findings = new Findings();
  const rows = new RowOrder(findings);
  const { files } = findFiles(disk, directory, { findings });
  let records = 0;
  let since = performance.now();
  for (const file of files) {
    rows.begin(file);
    for (const header of checkedRecords(disk, file, findings)) {
      if (header.kind !== "index") records++;
      rows.add(header);
      if (performance.now() - since < TURN_MS) continue;
      signal?.throwIfAborted();
      await setImmediate();
      since = performance.now();
    }
  }
  const isSound = findings.harmful === 0;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return {
    files: files.length,
    records,
    rows: rows.rows,
    bytes,
    findings: findings.list,
    findingCount: findings.count,
    isSound,
  };
}

/** Whole records of a file; notes all that is not one. */
function* checkedRecords(disk: LogDisk, found: FoundFile, findings: Findings): Generator<FramedHeader> {
  const handle = disk.openRead(found.path);
  try {
    const end = found.index ? found.index.offset + found.index.bytes : found.bytes;
    for (const walked of walkRecords(handle, { salt: found.salt, end, isDeep: true })) {
      if (walked.kind === "record" && walked.isWhole) yield walked.header;
      else if (walked.kind === "record") noteRecord(found, walked.header, findings);
      else noteGap(found, walked, { end, findings });
    }
  } finally {
    handle.close();
  }
}

type Gap = { readonly offset: number; readonly bytes: number };

function noteGap(
  found: FoundFile,
  gap: Gap,
  { end, findings }: { readonly end: number; readonly findings: Findings },
): void {
  const { file } = found;
  const kind = found.isNewest && gap.offset + gap.bytes === end ? "torn" : "damaged";
  const told = kind === "torn" ? "are an unfinished write" : "are damaged";
  findings.add({
    kind,
    file,
    ...{ offset: gap.offset, bytes: gap.bytes },
    message: `file ${file}: ${gap.bytes} bytes at ${gap.offset} ${told}`,
  });
}

/** Row numbers of each space must go up by one; where records may have been reclaimed, they may skip. */
class RowOrder {
  rows = 0;
  readonly #findings: Findings;
  readonly #next = new Map<number, { readonly row: number; readonly era: number }>();
  /** Rises wherever records may have been reclaimed. */
  #era = 0;
  #orderNext: number | undefined;
  #file = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  begin({ file, orderFirst, orderLast, replaces }: FoundFile): void {
    if (replaces.length > 0 || orderFirst !== this.#orderNext) this.#era++;
    this.#orderNext = replaces.length > 0 ? undefined : orderLast + 1;
    this.#file = file;
  }

  add(header: FramedHeader): void {
    const { kind, space, firstRow, count } = header;
    if (kind === "space-removed") this.#next.delete(space);
    if (kind !== "observations") return;
    const before = this.#next.get(space);
    this.rows += count;
    this.#next.set(space, { row: Math.max(before?.row ?? 0, firstRow + count), era: this.#era });
    if (!before || before.row === firstRow) return;
    if (before.row > firstRow) this.#note("rows-repeated", header, before.row);
    else if (before.era === this.#era && this.#orderNext !== undefined) this.#note("rows-missing", header, before.row);
  }

  #note(
    kind: "rows-repeated" | "rows-missing",
    { offset, space, firstRow, count }: FramedHeader,
    expected: number,
  ): void {
    const message = `file ${this.#file}: the record at ${offset} has rows of space ${space} from ${firstRow}; ${expected} comes next`;
    this.#findings.add({ kind, file: this.#file, offset, bytes: 0, space, firstRow, count, message });
  }
}
