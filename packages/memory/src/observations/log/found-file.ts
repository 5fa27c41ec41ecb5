/** The files of a log as they are found, in the order of their records. Changes nothing. */
import { join } from "node:path";
import { decodeFileBlock, type FileBlock, fileName, fileOfName } from "./file-block.ts";
import type { Findings } from "./finding.ts";
import { BLOCK_BYTES } from "./limits.ts";
import type { LogDisk, ReadableLogFile } from "./log-disk.ts";
import { type Manifest, readManifest } from "./manifest.ts";

export type FoundFile = {
  readonly file: number;
  readonly path: string;
  readonly bytes: number;
  readonly orderFirst: number;
  readonly orderLast: number;
  /** Undefined when neither end tells: that of the first record. */
  readonly salt: number | undefined;
  readonly replaces: readonly number[];
  /** Where its index is, when it was closed. */
  readonly index: { readonly offset: number; readonly bytes: number } | undefined;
  /** The one that was being written when the log was last left, unless it was closed. */
  readonly isNewest: boolean;
  /** Its size is not that of the clean close: the records are not taken for granted. */
  readonly isResized: boolean;
};

export type FoundFiles = {
  /** In the order of their records; without those that another one replaced. */
  readonly files: readonly FoundFile[];
  /** Replaced by another file, not yet removed. */
  readonly replaced: readonly number[];
  /** Made, and left before anything was written. */
  readonly empty: readonly number[];
  /** The highest number that any file has. */
  readonly fileMax: number;
  readonly names: readonly string[];
};

export type FindOptions = {
  readonly findings: Findings;
  /** No others are looked at: a log may be writing to them. */
  readonly only?: ReadonlySet<number>;
};

export function findFiles(disk: LogDisk, directory: string, { findings, only }: FindOptions): FoundFiles {
  const names = disk.list(directory);
  const numbers = names
    .map(fileOfName)
    .filter((file) => file !== undefined)
    .filter((file) => only?.has(file) ?? true);
  const fileMax = numbers.reduce((max, file) => Math.max(max, file), 0);
  const manifest = readManifest(disk, directory);
  const ends = numbers.map((file) => readEnds(disk, join(directory, fileName(file)), file));
  const replaced = new Set(ends.flatMap(({ block }) => block?.replaces ?? []));
  const kept = ends.filter(({ file }) => !replaced.has(file));
  const newest = kept.reduce(
    (max, { file, block }) => (block && block.replaces.length > 0 ? max : Math.max(max, file)),
    0,
  );
  const empty: number[] = [];
  const files: FoundFile[] = [];
  for (const found of kept) {
    const isNewest = found.file === newest && !found.isClosed;
    if (!found.block && found.bytes <= BLOCK_BYTES && isNewest) empty.push(found.file);
    else if (!found.block && !isNewest) findings.add(unreadable(found));
    else files.push(toFound(found, { isNewest, manifest, findings }));
  }
  noteMissing(manifest, numbers, findings);
  files.sort((a, b) => a.orderFirst - b.orderFirst);
  return { files, replaced: numbers.filter((file) => replaced.has(file)), empty, fileMax, names };
}

type Ends = {
  readonly file: number;
  readonly path: string;
  readonly bytes: number;
  /** Of the last block when it is there, else of the first. */
  readonly block: FileBlock | undefined;
  readonly isClosed: boolean;
};

function readEnds(disk: LogDisk, path: string, file: number): Ends {
  const handle = disk.openRead(path);
  try {
    const bytes = handle.size();
    const last = bytes > BLOCK_BYTES ? readBlock(handle, bytes - BLOCK_BYTES) : undefined;
    const block = last?.file === file ? last : readBlock(handle, 0);
    return { file, path, bytes, block: block?.file === file ? block : undefined, isClosed: last?.file === file };
  } finally {
    handle.close();
  }
}

/** The block at `position`, if there is one. */
export function readBlock(file: ReadableLogFile, position: number): FileBlock | undefined {
  const bytes = new Uint8Array(BLOCK_BYTES);
  return file.read(bytes, position) === BLOCK_BYTES ? decodeFileBlock(bytes) : undefined;
}

type Circumstances = {
  readonly isNewest: boolean;
  readonly manifest: Manifest | undefined;
  readonly findings: Findings;
};

function toFound(
  { file, path, bytes, block, isClosed }: Ends,
  { isNewest, manifest, findings }: Circumstances,
): FoundFile {
  const expected = manifest?.get(file);
  const isResized = expected !== undefined && expected !== bytes;
  if (isResized) {
    const message = `file ${file} has ${bytes} bytes; it had ${expected} when the log was closed`;
    findings.add({ kind: "file-resized", file, offset: 0, bytes, message });
  }
  return {
    file,
    path,
    bytes,
    orderFirst: block?.orderFirst ?? file,
    orderLast: block?.orderLast ?? file,
    salt: block?.salt,
    replaces: block?.replaces ?? [],
    index: isClosed && block ? { offset: block.indexOffset, bytes: block.indexBytes } : undefined,
    isNewest,
    isResized,
  };
}

function unreadable({ file, bytes }: Ends): Parameters<Findings["add"]>[0] {
  const message = `file ${file}: neither its first nor its last block can be read; restore it from a backup`;
  return { kind: "file-damaged", file, offset: 0, bytes, message };
}

function noteMissing(manifest: Manifest | undefined, numbers: readonly number[], findings: Findings): void {
  const there = new Set(numbers);
  for (const [file, bytes] of manifest ?? []) {
    if (there.has(file)) continue;
    const message = `file ${file} of ${bytes} bytes was there when the log was closed and is not; restore it from a backup`;
    findings.add({ kind: "file-missing", file, offset: 0, bytes, message });
  }
}
