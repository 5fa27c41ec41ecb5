import { crc32 } from "node:zlib";
import { COPY_BYTES } from "../limits.ts";
import { layoutOf, type SegmentLayout, type SegmentShape, UPPER_BYTES, writeHeader } from "../segment/layout.ts";
import { Segment } from "../segment/segment.ts";
import type { DamagedPart } from "./damage.ts";
import { codeOf, type Disk, type DiskFile, openIfThere, replaceFile } from "./disk.ts";
import {
  applyHeader,
  encodeHeader,
  SECTIONS,
  SEGMENT_HEADER_BYTES,
  type SectionName,
  type SegmentHeader,
  sectionBytesOf,
  stateOf,
  withoutGraph,
} from "./format.ts";
import { type GraphImage, isGraphSound } from "./graph-image.ts";
import type { ManifestEntry } from "./manifest.ts";

/** A segment as read: undefined when it lost rows. */
export type ReadSegment = { readonly segment: Segment | undefined; readonly damaged: readonly DamagedPart[] };

/**
 * Writes the rows of `segment` that the header tells of, with the graph of `image`. Rows are written once and then never changed,
 * so they are taken from the segment's memory as it is. Returns the header with the sections' checksums.
 */
export async function writeSegmentFile(
  disk: Disk,
  path: string,
  {
    segment,
    header,
    image,
  }: { readonly segment: Segment; readonly header: SegmentHeader; readonly image: GraphImage | undefined },
): Promise<SegmentHeader> {
  const bytes = new Uint8Array(segment.memory.buffer);
  const crcs: number[] = [];
  const sizes = sectionBytesOf(header);
  const write = async (file: DiskFile): Promise<void> => {
    let position = SEGMENT_HEADER_BYTES;
    for (const [at, { name, at: place }] of SECTIONS.entries()) {
      const from = segment.layout[place];
      const size = sizes[at] ?? 0;
      const section = partOf(image, name) ?? bytes.subarray(from, from + size);
      crcs.push(await writeSection(file, section.subarray(0, size), position));
      position += size;
    }
    await file.write(encodeHeader({ ...header, crcs }), 0);
  };
  await replaceFile(disk, path, write);
  return { ...header, crcs };
}

/**
 * Reads a segment straight into memory of its own: of its full capacity when it `isOpen` and takes more rows, else of just its
 * size. Every checksum is compared. A damaged graph is left out, damaged ids are taken from the manifest; other damage loses the rows.
 */
export async function readSegmentFile(
  disk: Disk,
  path: string,
  { entry, isOpen }: { readonly entry: ManifestEntry; readonly isOpen: boolean },
): Promise<ReadSegment> {
  const file = await openIfThere(disk, path);
  if (!file) return { segment: undefined, damaged: ["file"] };
  try {
    const { header } = entry;
    const capacity = isOpen && stateOf(header, "isSettled") === 0 ? header.shape.capacity : Math.max(1, header.rows);
    const memory = emptyMemory({ ...header.shape, capacity });
    const damaged = await readSections(file, header, memory);
    return { segment: assemble(memory, entry, damaged), damaged };
  } finally {
    await file.close();
  }
}

async function writeSection(file: DiskFile, bytes: Uint8Array, position: number): Promise<number> {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += COPY_BYTES) {
    const chunk = bytes.subarray(at, at + COPY_BYTES);
    crc = crc32(chunk, crc);
    await file.write(chunk, position + at);
  }
  return crc;
}

function partOf(image: GraphImage | undefined, name: SectionName): Uint8Array | undefined {
  return name === "links" || name === "upperOf" || name === "upper" ? image?.[name] : undefined;
}

type SegmentMemory = { readonly memory: WebAssembly.Memory; readonly layout: SegmentLayout };

function emptyMemory(shape: SegmentShape): SegmentMemory {
  const layout = layoutOf(shape);
  const memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared: true });
  writeHeader(new Uint32Array(memory.buffer), shape, layout);
  return { memory, layout };
}

/** Reads all sections; returns those that are not what was written. */
async function readSections(
  file: DiskFile,
  header: SegmentHeader,
  { memory, layout }: SegmentMemory,
): Promise<DamagedPart[]> {
  const bytes = new Uint8Array(memory.buffer);
  const damaged: DamagedPart[] = [];
  const head = new Uint8Array(SEGMENT_HEADER_BYTES);
  await readUpTo(file, head, 0);
  if (Buffer.compare(head, encodeHeader(header)) !== 0) damaged.push("header");
  const sizes = sectionBytesOf(header);
  let position = SEGMENT_HEADER_BYTES;
  for (const [at, { name, at: place }] of SECTIONS.entries()) {
    const size = sizes[at] ?? 0;
    const room = roomFor(layout, place);
    const into = size > room ? new Uint8Array(size) : bytes.subarray(layout[place], layout[place] + size);
    const crc = await readSection(file, into, position);
    if (crc !== header.crcs[at] || size > room) damaged.push(name);
    position += size;
  }
  if ((await file.size()) > position) damaged.push("length");
  return damaged;
}

/** Bytes that a section may take. Only upper lists can have too little room: a smaller segment has fewer. */
function roomFor(layout: SegmentLayout, place: keyof SegmentLayout): number {
  return place === "upperAt" ? layout.upperMax * UPPER_BYTES : Number.POSITIVE_INFINITY;
}

/** CRC-32 of what was read; undefined when it is not all there. */
async function readSection(file: DiskFile, into: Uint8Array, position: number): Promise<number | undefined> {
  let crc = 0;
  for (let at = 0; at < into.length; at += COPY_BYTES) {
    const chunk = into.subarray(at, at + COPY_BYTES);
    if ((await readUpTo(file, chunk, position + at)) < chunk.length) return undefined;
    crc = crc32(chunk, crc);
  }
  return crc;
}

/** As `read`; what the device cannot give counts as not there. */
async function readUpTo(file: DiskFile, into: Uint8Array, position: number): Promise<number> {
  try {
    return await file.read(into, position);
  } catch (error) {
    if (codeOf(error) === "EIO") return 0;
    throw error;
  }
}

/** The segment in memory that was read; undefined when rows are lost. Adds graphs that lead nowhere to the damaged sections. */
function assemble(
  { memory, layout }: SegmentMemory,
  entry: ManifestEntry,
  damaged: DamagedPart[],
): Segment | undefined {
  const { header, alive, ids } = entry;
  if (damaged.some(losesRows)) return undefined;
  const words = new Uint32Array(memory.buffer);
  if (damaged.includes("ids")) words.set(ids, layout.idsAt / 4);
  words.set(alive, layout.aliveAt / 4);
  applyHeader(header, words);
  const segment = new Segment(memory);
  if (!damaged.some(isGraphPart) && !isGraphSound(segment)) damaged.push("links");
  if (damaged.some(isGraphPart)) applyHeader(withoutGraph(header), words);
  segment.setState("dead", header.rows - bitsIn(alive));
  return segment;
}

function isGraphPart(part: DamagedPart): boolean {
  return SECTIONS.some(({ name, isGraph }) => name === part && isGraph);
}

/** Whether damage to the part loses what cannot be had from anything else. */
export function losesRows(part: DamagedPart): boolean {
  return part === "file" || SECTIONS.some(({ name, isGraph }) => name === part && name !== "ids" && !isGraph);
}

/** Bits set. */
export function bitsIn(words: Uint32Array): number {
  let count = 0;
  for (let at = 0; at < words.length; at++) for (let word = words[at] ?? 0; word !== 0; word &= word - 1) count++;
  return count;
}
