import { join, resolve } from "node:path";
import { MillraceError } from "@millrace/core";
import type { CheckedOptions } from "../index-options.ts";
import { MANIFEST_BYTES_MAX } from "../limits.ts";
import type { Builders } from "../owner/builders.ts";
import type { SegmentSet } from "../owner/segment-set.ts";
import type { Segment } from "../segment/segment.ts";
import { type CapturedSegment, captureAll } from "./capture.ts";
import { clean, type Disk, nodeDisk, readBytes, replaceBytes, toFileError } from "./disk.ts";
import { isSameContent, type SegmentHeader } from "./format.ts";
import {
  decodeManifest,
  encodeManifest,
  type FileName,
  MANIFEST_NAMES,
  type Manifest,
  type ManifestEntry,
  nameOf,
} from "./manifest.ts";
import { writeSegmentFile } from "./segment-file.ts";

/** A segment file that is on disk and whole. */
export type WrittenFile = { readonly file: FileName; readonly header: SegmentHeader };

/** What is known to be in a directory. */
export type KnownFiles = {
  readonly directory: string;
  readonly generation: number;
  readonly files: ReadonlyMap<Segment, WrittenFile>;
};

const OURS = /^(segment-\d+-\d+\.mrv(\.tmp)?|manifest(\.copy)?\.tmp)$/;

/**
 * Saves an index. New files are written beside those of the last save; the manifest, which is replaced last, decides which count:
 * so after a crash at any step the directory holds the last save or this one. A segment that did not change keeps its file.
 */
export class IndexFiles {
  readonly #set: SegmentSet;
  readonly #options: CheckedOptions;
  readonly #builders: Builders | undefined;
  readonly #disk: Disk;
  #known: KnownFiles | undefined;
  #isSaving = false;

  constructor(
    index: { readonly set: SegmentSet; readonly options: CheckedOptions; readonly builders: Builders | undefined },
    known?: KnownFiles,
    disk: Disk = nodeDisk,
  ) {
    this.#set = index.set;
    this.#options = index.options;
    this.#builders = index.builders;
    this.#known = known;
    this.#disk = disk;
  }

  get isSaving(): boolean {
    return this.#isSaving;
  }

  /** What is known to be on disk. */
  get known(): KnownFiles | undefined {
    return this.#known;
  }

  async save(path: string): Promise<void> {
    if (this.#isSaving) {
      throw new MillraceError("conflict", `a save is running; await it before the one to ${path}`);
    }
    this.#isSaving = true;
    const directory = resolve(path);
    try {
      await this.#disk.makeDirectory(directory);
      await this.#saveTo(directory);
    } catch (error) {
      throw toFileError(error, `the index could not be saved to ${directory}`);
    } finally {
      this.#isSaving = false;
    }
  }

  async #saveTo(directory: string): Promise<void> {
    const before = this.#known?.directory === directory ? this.#known : await this.#survey(directory);
    const generation = before.generation + 1;
    // Counted even when it fails, since its names may be taken then.
    this.#known = { ...before, generation };
    const captured = await captureAll(this.#set, {
      builders: this.#builders,
      isOffered: this.#options.builds === "offered",
    });
    const { entries, files } = await this.#writeSegments(captured, { ...before, generation });
    await writeManifest(this.#disk, directory, { ...this.#options, generation, entries });
    this.#known = { directory, generation, files };
    await cleanAfter(this.#disk, directory, entries);
  }

  async #writeSegments(
    captured: readonly CapturedSegment[],
    before: KnownFiles,
  ): Promise<{ readonly entries: readonly ManifestEntry[]; readonly files: ReadonlyMap<Segment, WrittenFile> }> {
    const { directory, generation } = before;
    const files = new Map<Segment, WrittenFile>();
    const entries: ManifestEntry[] = [];
    const present = new Set(await this.#disk.list(directory));
    try {
      for (const [ordinal, one] of captured.entries()) {
        const known = before.files.get(one.segment);
        const isKept = known && isSameContent(known.header, one.header) && present.has(nameOf(known.file));
        const written = isKept ? known : await this.#write(one, directory, { generation, ordinal });
        files.set(one.segment, written);
        entries.push({ ...written, alive: one.alive, ids: one.ids });
      }
      await this.#disk.syncDirectory(directory);
    } catch (error) {
      await clean(this.#disk, directory, (name) => name.startsWith(`segment-${generation}-`));
      throw error;
    }
    return { entries, files };
  }

  async #write(one: CapturedSegment, directory: string, file: FileName): Promise<WrittenFile> {
    const { segment, header } = one;
    const path = join(directory, nameOf(file));
    return { file, header: await writeSegmentFile(this.#disk, path, { segment, header, image: one.image() }) };
  }

  /** What another index, or an earlier process, has left in the directory: nothing to keep, only the count of its saves. */
  async #survey(directory: string): Promise<KnownFiles> {
    let generation = 0;
    for (const name of MANIFEST_NAMES) {
      const bytes = await readBytes(this.#disk, join(directory, name), MANIFEST_BYTES_MAX);
      const manifest = bytes && decodeManifest(bytes);
      if (manifest) generation = Math.max(generation, manifest.generation);
    }
    for (const name of await this.#disk.list(directory)) {
      const written = /^segment-(\d+)-/.exec(name);
      if (written) generation = Math.max(generation, Number(written[1]));
    }
    return { directory, generation, files: new Map() };
  }
}

/** Replaces the manifest, then its copy. With the first of them the save is done. */
async function writeManifest(disk: Disk, directory: string, manifest: Manifest): Promise<void> {
  const bytes = encodeManifest(manifest);
  for (const name of MANIFEST_NAMES) await replaceBytes(disk, join(directory, name), bytes);
}

/** Removes what no manifest names, as of saves before and of those that were cut off. */
export async function cleanAfter(disk: Disk, directory: string, entries: readonly ManifestEntry[]): Promise<void> {
  const kept = new Set(entries.map(({ file }) => nameOf(file)));
  await clean(disk, directory, (name) => OURS.test(name) && !kept.has(name));
}
