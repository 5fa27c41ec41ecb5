import { BEAM_MAX, SCRATCH_SLOTS } from "../limits.ts";
import { METRICS, type Metric } from "../metric.ts";

/** "MRSG" in little-endian. */
export const MAGIC = 0x4753_524d;
export const LAYOUT_VERSION = 1;
export const HEADER_BYTES = 512;
export const PAGE_BYTES = 65_536;
/** Bytes of a row's links on level 0: a count and 47 links, three cache lines. */
export const LINK_BYTES = 192;
/** Bytes of a row's links on one upper level: a count and 31 links. */
export const UPPER_BYTES = 128;
/** Bytes before a row's sign bits: norm, sign factor, bias, byte scale, each f32. */
export const HEAD_BYTES = 16;
/** Random sign masks of the rotation, one for each of its rounds. */
export const ROTATION_ROUNDS = 4;

/** What a segment is made for; two segments of one shape differ only in their mean, rotation and rows. */
export type SegmentShape = {
  readonly dims: number;
  readonly metric: Metric;
  /** Rows it can hold. */
  readonly capacity: number;
  /** Whether rows keep a second byte a dimension (see `finish` in assembly/graph/engine.ts). */
  readonly hasLow: boolean;
};

/** Indexes of u32 words in the header; keep in step with assembly/graph/layout.ts. */
export const WORD = {
  magic: 0,
  version: 1,
  dims: 2,
  stride: 3,
  words: 4,
  codeStride: 5,
  capacity: 6,
  metric: 7,
  isRotated: 8,
  upperMax: 9,
  codesAt: 10,
  bytesAt: 11,
  lowAt: 12,
  idsAt: 13,
  linksAt: 14,
  upperOfAt: 15,
  upperAt: 16,
  aliveAt: 17,
  meanAt: 18,
  flipsAt: 19,
  queueAt: 20,
  /** f32. */
  meanSquares: 21,
  /** Rows published: a reader may look at rows below this. */
  rows: 32,
  linked: 33,
  /** Row + 1. */
  entry: 34,
  topLevel: 35,
  upperUsed: 36,
  /** What the graph was built by: a `Navigation`. */
  navigation: 37,
  /** What a scan goes by: a `Navigation`. */
  scanBy: 38,
  dead: 39,
  /** Rows when the efforts of the scan and of the graph were last measured. */
  scanMeasuredAt: 40,
  graphMeasuredAt: 41,
  /** Whether a search looks at low bytes. */
  usesLow: 44,
  /** Whether its mean and rotation were learned from rows before. */
  isLearned: 45,
  /** Whether the graph of the segment before needed bytes. */
  isHard: 46,
  /** 1 once nothing is left to do: full, linked, measured. */
  isSettled: 43,
  /** Beam widths of the graph and of the scan for each of RECALL_STEPS; 0 where none reached it. */
  graphEfforts: 48,
  scanEfforts: 56,
  /** As graphEfforts, for the FEW_NEIGHBOURS nearest. */
  fewEfforts: 64,
  /** From here on what files do not keep. Work of scans for lack of a graph, in SCAN_WORK (demand.ts); stays below 2^31. */
  scanned: 96,
  /** Whether the index wants a graph whatever was searched. */
  isWanted: 97,
  /** Rows from which on low bytes are not written; 0: all are. */
  lowRows: 98,
  /** Rows when it was last seen whether low bytes matter. */
  lowMeasuredAt: 99,
  /** Ticket of the thread that builds; 0: none; RUNNER_DIED: one that ended in the middle of a step (run-build.ts). */
  runner: 100,
  /** Whether who builds is to let go, and nobody is to begin. */
  stop: 101,
  /** Tickets given out. */
  tickets: 102,
} as const;

export type SegmentLayout = {
  readonly stride: number;
  readonly words: number;
  readonly codeStride: number;
  readonly upperMax: number;
  readonly meanAt: number;
  readonly flipsAt: number;
  readonly aliveAt: number;
  readonly idsAt: number;
  readonly codesAt: number;
  readonly bytesAt: number;
  readonly linksAt: number;
  readonly upperOfAt: number;
  readonly upperAt: number;
  readonly lowAt: number;
  readonly queueAt: number;
  readonly scratchAt: number;
  readonly scratchBytes: number;
  readonly pages: number;
};

/** Where everything of a segment lies. Memory that is never written is never committed, so room costs addresses only. */
export function layoutOf(shape: SegmentShape): SegmentLayout {
  const { dims, capacity } = shape;
  const stride = roundUp(dims, 16);
  const words = Math.ceil(stride / 64);
  const codeStride = codeStrideOf(words);
  const upperMax = Math.ceil(capacity / 12) + 64;
  let end = HEADER_BYTES;
  const take = (bytes: number): number => {
    const at = roundUp(end, 64);
    end = at + bytes;
    return at;
  };
  const meanAt = take(stride * 4);
  const flipsAt = take(stride * 4 * ROTATION_ROUNDS);
  const aliveAt = take(bitmapBytes(capacity));
  const idsAt = take(capacity * 4);
  const codesAt = take(capacity * codeStride);
  const bytesAt = take(capacity * stride);
  const linksAt = take(capacity * LINK_BYTES);
  const upperOfAt = take(capacity * 4);
  const upperAt = take(upperMax * UPPER_BYTES);
  const lowAt = shape.hasLow ? take(capacity * stride) : 0;
  const queueAt = take(capacity * 4);
  const scratchBytes = roundUp(scratchBytesOf(stride, words, capacity), 64);
  const scratchAt = take(scratchBytes * SCRATCH_SLOTS);
  const pages = Math.ceil(end / PAGE_BYTES);
  const places = { meanAt, flipsAt, aliveAt, idsAt, codesAt, bytesAt, linksAt, upperOfAt, upperAt, lowAt, queueAt };
  return { stride, words, codeStride, upperMax, ...places, scratchAt, scratchBytes, pages };
}

/** Bytes that each row costs at most: what memory grows by when rows are added. */
export function bytesPerRow(shape: SegmentShape): number {
  const { stride, codeStride } = layoutOf({ ...shape, capacity: 1 });
  return stride * (shape.hasLow ? 2 : 1) + codeStride + LINK_BYTES + UPPER_BYTES / 12 + 8.125;
}

/** Writes the words that never change. */
export function writeHeader(words: Uint32Array, shape: SegmentShape, layout: SegmentLayout): void {
  const { dims, capacity, metric } = shape;
  const { pages: _pages, scratchAt: _at, scratchBytes: _bytes, ...fixed } = layout;
  words[WORD.magic] = MAGIC;
  words[WORD.version] = LAYOUT_VERSION;
  words[WORD.dims] = dims;
  words[WORD.capacity] = capacity;
  words[WORD.metric] = METRICS.indexOf(metric);
  for (const [name, value] of Object.entries(fixed)) words[WORD[name as keyof typeof fixed]] = value;
}

/** Reads the shape back from a header. */
export function shapeOf(words: Uint32Array): SegmentShape {
  const metric = METRICS[words[WORD.metric] ?? 0] ?? "cosine";
  return {
    dims: words[WORD.dims] ?? 0,
    metric,
    capacity: words[WORD.capacity] ?? 0,
    hasLow: (words[WORD.lowAt] ?? 0) !== 0,
  };
}

/** Places in one thread's scratch space, relative to its begin; keep in step with `configure`. */
export function scratchPlaces(layout: SegmentLayout, capacity: number): ScratchPlaces {
  const { stride, words } = layout;
  const found = stride * 10 + words * 32 + 1024;
  return { input: 0, found, beam: found + BEAM_BYTES * 2, allowed: found + BEAM_BYTES * 3 + bitmapBytes(capacity) };
}

export type ScratchPlaces = {
  readonly input: number;
  readonly found: number;
  readonly beam: number;
  readonly allowed: number;
};

/** Bytes of a bitmap of rows. */
export function bitmapBytes(capacity: number): number {
  return roundUp(capacity, 128) / 8;
}

const BEAM_BYTES = (BEAM_MAX + 8) * 8;

function scratchBytesOf(stride: number, words: number, capacity: number): number {
  return stride * 10 + words * 32 + 1024 + BEAM_BYTES * 3 + bitmapBytes(capacity) * 2;
}

/** A row's head and bits: whole cache lines when it needs more than one, so that it never spans one more than it must. */
function codeStrideOf(words: number): number {
  const bytes = HEAD_BYTES + words * 8;
  return bytes <= 64 ? roundUp(bytes, 16) : roundUp(bytes, 64);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
