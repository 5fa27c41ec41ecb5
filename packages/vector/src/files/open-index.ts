import { join, resolve } from "node:path";
import { MillraceError } from "@millrace/core";
import { IdTable } from "../id-table.ts";
import type { IndexOptions } from "../index-options.ts";
import { MANIFEST_BYTES_MAX } from "../limits.ts";
import type { Segment } from "../segment/segment.ts";
import { createIndexOf, type VectorIndex } from "../vector-index.ts";
import { type DamagedPart, type LostRows, type Mended, refusal } from "./damage.ts";
import { type Disk, nodeDisk, readBytes, replaceBytes, toFileError } from "./disk.ts";
import { cleanAfter, type WrittenFile } from "./index-files.ts";
import { decodeManifest, MANIFEST_NAMES, type Manifest, type ManifestEntry, nameOf } from "./manifest.ts";
import { bitsIn, readSegmentFile } from "./segment-file.ts";

/** A row given again. */
export type RebuiltRow = { readonly id: number; readonly vector: Float32Array };

type RunTimeOptions = Omit<IndexOptions, "dims" | "metric" | "segmentRows">;

/**
 * What may differ from the index that was saved. `recall`, `graphRowsMin`, `m` and `efConstruction` are as saved unless given;
 * the others, which are the machine's, have the defaults of `createIndex`.
 */
export type OpenOptions = RunTimeOptions & {
  /**
   * Gives the rows of damaged files again, as from the log that they once came from. Other ids than those asked for are passed
   * over; of two rows of one id the later counts; an id that is not given is no longer in the index.
   */
  readonly rebuild?: Rebuild;
};

export type Rebuild = (lost: LostRows) => Iterable<RebuiltRow> | AsyncIterable<RebuiltRow>;

const KNOWN = [
  "recall",
  "workers",
  "builds",
  "graphs",
  "scanRowsMax",
  "graphRowsMin",
  "m",
  "efConstruction",
  "capacityBytesMax",
  "build",
  "rebuild",
];
/** Rows added again before the thread may do other things. */
const REBUILT_AT_ONCE = 64;

/**
 * The index that was saved to a directory, by one read of its files. Every byte is checked: what is damaged is mended where that is
 * possible, and `mended` tells of it; a later `save` writes it whole. Fails with `not_found` where none was saved,
 * `data_too_new` when a newer version wrote it, `invalid_argument` for an unknown option, and `storage_failed` when a file cannot be
 * read or rows are lost and there is no `rebuild`. A directory belongs to one index at a time.
 */
export function openIndex(directory: string, options: OpenOptions = {}): Promise<VectorIndex> {
  return openIndexOn(nodeDisk, directory, options);
}

/** As `openIndex`, on any disk. */
export async function openIndexOn(disk: Disk, path: string, options: OpenOptions): Promise<VectorIndex> {
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown) {
    const message = `unknown option "${unknown}"; known are ${KNOWN.join(", ")}; the others are those of the saved index`;
    throw new MillraceError("invalid_argument", message);
  }
  const directory = resolve(path);
  const { rebuild, ...others } = options;
  const loaded = await load(disk, directory);
  const { lost, mended } = loaded;
  if (lost.length > 0 && !rebuild) {
    throw refusal(
      directory,
      mended.filter(({ how }) => how === "rebuilt"),
    );
  }
  const { generation, entries, efConstruction, ...saved } = loaded.manifest;
  const { segments, files } = loaded;
  const known = { directory, generation, files };
  const kept = { ...saved, ...(efConstruction === undefined ? {} : { efConstruction }) };
  const index = createIndexOf({ ...kept, ...others }, { segments, mended, known, disk });
  if (rebuild && lost.length > 0) await addAgain(index, rebuild, loaded);
  if (await isMirrored(disk, directory, loaded)) await cleanAfter(disk, directory, entries);
  return index;
}

/** What a directory holds. */
type Loaded = {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  /** Names of the manifest's copies that are not as `bytes`. */
  readonly stale: readonly string[];
  readonly segments: Segment[];
  /** Files that are whole, so that a save need not write them again. */
  readonly files: Map<Segment, WrittenFile>;
  readonly lost: ManifestEntry[];
  readonly mended: Mended[];
};

async function load(disk: Disk, directory: string): Promise<Loaded> {
  try {
    const loaded = await readManifest(disk, directory);
    for (const entry of loaded.manifest.entries) await loadSegment(disk, directory, { entry, loaded });
    return loaded;
  } catch (error) {
    throw toFileError(error, `the index in ${directory} could not be read`);
  }
}

/** The newest manifest that is whole. */
async function readManifest(disk: Disk, directory: string): Promise<Loaded> {
  const copies = await Promise.all(
    MANIFEST_NAMES.map(async (name) => {
      const bytes = await readBytes(disk, join(directory, name), MANIFEST_BYTES_MAX);
      return { name, bytes, manifest: bytes && decodeManifest(bytes) };
    }),
  );
  if (copies.every(({ bytes }) => bytes === undefined)) {
    throw new MillraceError("not_found", `there is no saved index in ${directory}; save one there first`);
  }
  const newest = Math.max(...copies.map(({ manifest }) => manifest?.generation ?? 0));
  const chosen = copies.find(({ manifest }) => manifest?.generation === newest);
  if (!chosen?.bytes || !chosen.manifest) {
    const message = `no copy of the list of segments in ${directory} is whole: restore the directory from a backup, or remove it and add the rows again`;
    throw new MillraceError("storage_failed", message, { retryable: false });
  }
  const { manifest, bytes } = chosen;
  const stale = copies.filter((copy) => !copy.bytes || Buffer.compare(copy.bytes, bytes) !== 0);
  // A copy that is older or not there yet is what a save that was cut off leaves.
  const damaged = stale.filter((copy) => !copy.manifest && (copy.bytes || copy.name === MANIFEST_NAMES[0]));
  const mended = damaged.map(({ name }): Mended => ({ file: name, part: "file", how: "copied", rows: 0, missing: 0 }));
  return { manifest, bytes, stale: stale.map(({ name }) => name), segments: [], files: new Map(), lost: [], mended };
}

async function loadSegment(
  disk: Disk,
  directory: string,
  { entry, loaded }: { readonly entry: ManifestEntry; readonly loaded: Loaded },
): Promise<void> {
  const name = nameOf(entry.file);
  const isOpen = entry === loaded.manifest.entries.at(-1);
  const { segment, damaged } = await readSegmentFile(disk, join(directory, name), { entry, isOpen });
  const rows = bitsIn(entry.alive);
  for (const part of damaged) {
    loaded.mended.push({ file: name, part, how: segment ? howMended(part) : "rebuilt", rows, missing: 0 });
  }
  if (segment) loaded.segments.push(segment);
  else loaded.lost.push(entry);
  if (segment && damaged.length === 0) loaded.files.set(segment, entry);
}

function howMended(part: DamagedPart): Mended["how"] {
  if (part === "ids" || part === "header") return "copied";
  return part === "length" ? "ignored" : "linked";
}

/** Adds what `rebuild` gives of the lost rows, and notes what it does not give. */
async function addAgain(index: VectorIndex, rebuild: Rebuild, { lost, mended }: Loaded): Promise<void> {
  const ids = Uint32Array.from(lost.flatMap((entry) => aliveIdsOf(entry)));
  const wanted = new IdTable();
  for (const id of ids) wanted.set(id, 0);
  try {
    let added = 0;
    for await (const { id, vector } of rebuild({ ids })) {
      if (wanted.get(id) === undefined) continue;
      index.add(id, vector);
      if (++added % REBUILT_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    await index.close();
    throw error;
  }
  for (const entry of lost) {
    const missing = aliveIdsOf(entry).filter((id) => !index.has(id)).length;
    for (const [at, one] of mended.entries()) if (one.file === nameOf(entry.file)) mended[at] = { ...one, missing };
  }
}

function aliveIdsOf({ alive, ids }: ManifestEntry): number[] {
  return Array.from(ids).filter((_, row) => (((alive[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 1);
}

/** Makes both copies of the manifest the same; whether they are, which they are not where this process may not write. */
async function isMirrored(disk: Disk, directory: string, { bytes, stale }: Loaded): Promise<boolean> {
  try {
    for (const name of stale) await replaceBytes(disk, join(directory, name), bytes);
    return true;
  } catch {
    return false;
  }
}
