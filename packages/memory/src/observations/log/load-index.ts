/** The records of one file: from the index at its end, or by walking over them. */

import { type DecodedIndex, decodeIndex, FileIndex } from "./file-index.ts";
import type { Findings } from "./finding.ts";
import type { FoundFile } from "./found-file.ts";
import { BLOCK_BYTES } from "./limits.ts";
import type { LogDisk, ReadableLogFile } from "./log-disk.ts";
import { type Marks, parseMarks } from "./mark-table.ts";
import { bodyStart, decodeHeader, type FramedHeader, RECORD_HEADER_BYTES, recordBytes } from "./record-header.ts";
import { walkRecords } from "./walk.ts";

export type LoadedFile = {
  readonly index: DecodedIndex | FileIndex;
  /** Where its records end: what lies behind is the index, or a torn write. */
  readonly recordsEnd: number;
  /** Its records were walked over. */
  readonly isWalked: boolean;
};

/** Never throws for damage: what cannot be read is among the findings. */
export function loadFile(disk: LogDisk, found: FoundFile, findings: Findings): LoadedFile {
  const file = disk.openRead(found.path);
  try {
    const stored = found.isResized ? undefined : readIndex(file, found);
    if (stored) return { index: stored, recordsEnd: found.index?.offset ?? 0, isWalked: false };
    if (found.index && !found.isResized) {
      const { offset, bytes } = found.index;
      const message = `file ${found.file}: its index cannot be read; its records were found by walking over them`;
      findings.add({ kind: "index-damaged", file: found.file, offset, bytes, message });
    }
    return found.isNewest ? walkNewest(file, found, findings) : walkClosed(file, found, findings);
  } finally {
    file.close();
  }
}

function readIndex(file: ReadableLogFile, { index, salt }: FoundFile): DecodedIndex | undefined {
  if (!index || index.bytes === 0) return undefined;
  const bytes = new Uint8Array(index.bytes);
  if (file.read(bytes, index.offset) !== index.bytes) return undefined;
  const header = decodeHeader(bytes, index.offset, salt);
  if (!header || recordBytes(header.metaBytes, header.bodyBytes) > index.bytes) return undefined;
  const start = bodyStart(header.metaBytes);
  const meta = bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + header.metaBytes);
  return decodeIndex(header, { body: bytes.subarray(start, start + header.bodyBytes), meta });
}

/** A file that was closed, or cut to its whole records: whatever is not a record is damage. */
function walkClosed(file: ReadableLogFile, found: FoundFile, findings: Findings): LoadedFile {
  const index = new FileIndex(found.file);
  const end = found.index?.offset || found.bytes;
  let recordsEnd = BLOCK_BYTES;
  const options = { salt: found.salt, end, isDeep: found.index === undefined || found.isResized };
  for (const walked of walkRecords(file, options)) {
    if (walked.kind === "gap") noteGap(found, walked, findings);
    else if (!walked.isWhole) noteRecord(found, walked.header, findings);
    else if (walked.header.kind !== "index") index.add(walked.header, marksAt(file, walked.header));
    if (walked.kind === "record") recordsEnd = walked.header.commitStart + walked.header.commitBytes;
  }
  return { index, recordsEnd, isWalked: true };
}

/** Records of the commit that the walk is in. */
type OpenCommit = {
  readonly start: number;
  readonly bytes: number;
  readonly headers: FramedHeader[];
  isWhole: boolean;
};

/**
 * The file that was being written. A commit begins only when the one before is durable, so that a crash leaves at most the last one
 * unfinished: that is cut off whole, for nothing of it was acknowledged. What is wrong before it is damage.
 */
function walkNewest(file: ReadableLogFile, found: FoundFile, findings: Findings): LoadedFile {
  const index = new FileIndex(found.file);
  let recordsEnd = BLOCK_BYTES;
  let commit: OpenCommit | undefined;
  const gaps: { readonly offset: number; readonly bytes: number }[] = [];
  const damaged: FramedHeader[] = [];
  const keep = ({ headers, start, bytes }: OpenCommit): void => {
    for (const header of headers) index.add(header, marksAt(file, header));
    recordsEnd = start + bytes;
  };
  for (const walked of walkRecords(file, { salt: found.salt, end: found.bytes, isDeep: true })) {
    if (walked.kind === "gap") {
      gaps.push(walked);
      if (commit && walked.offset < commit.start + commit.bytes) commit.isWhole = false;
      continue;
    }
    const { header } = walked;
    if (header.kind === "index") break;
    if (!commit || commit.start !== header.commitStart) {
      if (commit) keep(commit);
      const isWhole = header.offset === header.commitStart;
      commit = { start: header.commitStart, bytes: header.commitBytes, headers: [], isWhole };
    }
    if (walked.isWhole) commit.headers.push(header);
    else damaged.push(header);
    if (!walked.isWhole) commit.isWhole = false;
  }
  const unfinished = commit && !isComplete(commit, found.bytes) ? commit.headers.length : 0;
  if (commit && isComplete(commit, found.bytes)) keep(commit);
  noteTail({ found, findings, recordsEnd, gaps, damaged, unfinished });
  return { index, recordsEnd, isWalked: true };
}

function isComplete({ start, bytes, headers, isWhole }: OpenCommit, fileBytes: number): boolean {
  return isWhole && headers.at(-1)?.commitLeft === 0 && start + bytes <= fileBytes;
}

type Tail = {
  readonly found: FoundFile;
  readonly findings: Findings;
  readonly recordsEnd: number;
  readonly gaps: readonly { readonly offset: number; readonly bytes: number }[];
  readonly damaged: readonly FramedHeader[];
  /** Records of it that are whole. */
  readonly unfinished: number;
};

function noteTail({ found, findings, recordsEnd, gaps, damaged, unfinished }: Tail): void {
  for (const header of damaged) if (header.offset < recordsEnd) noteRecord(found, header, findings);
  for (const gap of gaps) if (gap.offset < recordsEnd) noteGap(found, gap, findings);
  const { file } = found;
  const bytes = found.bytes - recordsEnd;
  if (bytes <= 0) return;
  const message = `file ${file}: an unfinished write of ${bytes} bytes at ${recordsEnd}, ${unfinished} whole records in it, none of them acknowledged`;
  findings.add({ kind: "torn", file, offset: recordsEnd, bytes, message });
}

function noteGap(
  { file }: FoundFile,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
  findings: Findings,
): void {
  const message = `file ${file}: ${bytes} bytes at ${offset} are damaged; the records in them are passed over`;
  findings.add({ kind: "damaged", file, offset, bytes, message });
}

export function noteRecord({ file }: { readonly file: number }, header: FramedHeader, findings: Findings): void {
  const { kind, space, firstRow, count, offset, metaBytes, bodyBytes } = header;
  const message = `file ${file}: the record at ${offset} (${kind} of space ${space}, ${count} rows from ${firstRow}) is damaged; it is passed over`;
  findings.add({
    kind: "damaged",
    file,
    offset,
    bytes: recordBytes(metaBytes, bodyBytes),
    space,
    firstRow,
    count,
    message,
  });
}

/** What a record of marks says. */
function marksAt(file: ReadableLogFile, { kind, offset, metaBytes }: FramedHeader): Marks | undefined {
  if (kind !== "marks") return undefined;
  const bytes = new Uint8Array(metaBytes);
  file.read(bytes, offset + RECORD_HEADER_BYTES);
  return parseMarks(bytes);
}
