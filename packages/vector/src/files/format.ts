/** A segment's description as files keep it, to the byte: docs/vector-files.md. All numbers are little-endian. */
import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { BEAM_MAX, DIMS_MAX, DIMS_MIN, SEGMENT_ROWS_MAX } from "../limits.ts";
import { METRICS } from "../metric.ts";
import { LINK_BYTES, layoutOf, type SegmentLayout, type SegmentShape, UPPER_BYTES, WORD } from "../segment/layout.ts";

/** "MRVS" and "MRVM". */
export const SEGMENT_MAGIC = 0x5356_524d;
export const MANIFEST_MAGIC = 0x4d56_524d;
/** Grows with every change of what the bytes mean, codes, links and state words included. */
export const FILE_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 512;
/** Levels above 0 of a graph: `levelOf` in assembly/graph/graph.ts gives no more. */
export const LEVELS_MAX = 7;

/** Pages of a memory with 32-bit addresses. */
const PAGES_MAX = 65_536;

/** Parts of a segment file, in order, with their place in a segment's memory. Those of the graph can be made again from the rows. */
export const SECTIONS = [
  { name: "mean", at: "meanAt", isGraph: false },
  { name: "flips", at: "flipsAt", isGraph: false },
  { name: "ids", at: "idsAt", isGraph: false },
  { name: "codes", at: "codesAt", isGraph: false },
  { name: "bytes", at: "bytesAt", isGraph: false },
  { name: "low", at: "lowAt", isGraph: false },
  { name: "links", at: "linksAt", isGraph: true },
  { name: "upperOf", at: "upperOfAt", isGraph: true },
  { name: "upper", at: "upperAt", isGraph: true },
] as const satisfies readonly { name: string; at: keyof SegmentLayout; isGraph: boolean }[];

export type SectionName = (typeof SECTIONS)[number]["name"];

/** Words of the header. State words stand where they stand in a segment's memory. */
const FIELD = {
  magic: 0,
  version: 1,
  dims: 2,
  metric: 3,
  capacity: 4,
  rows: 5,
  hasLow: 6,
  isRotated: 7,
  meanSquares: 8,
};
const CRCS_AT = 16;
const STATES_FROM = 32;
const STATES_TO = 96;
/** State words that are beam widths, eight each. */
const EFFORTS = ["graphEfforts", "scanEfforts", "fewEfforts"] as const;
const HEADER_CRC = SEGMENT_HEADER_BYTES / 4 - 1;

/** What a segment file says of its rows and graph. */
export type SegmentHeader = {
  readonly shape: SegmentShape;
  readonly rows: number;
  readonly isRotated: number;
  /** The bits of an f32. */
  readonly meanSquares: number;
  /** What the segment's building and measuring has come to: words 32–95 of its memory, without its rows and the removed ones. */
  readonly states: Uint32Array;
  /** CRC-32 of each of SECTIONS; empty until they are written. */
  readonly crcs: readonly number[];
};

/** The header for `rows` rows of a segment whose first words are `words`. */
export function headerOf(words: Uint32Array, shape: SegmentShape, rows: number): SegmentHeader {
  const states = words.slice(STATES_FROM, STATES_TO);
  // These change without the file: the manifest tells of them.
  for (const name of ["rows", "dead"] as const) states[WORD[name] - STATES_FROM] = 0;
  const isRotated = words[WORD.isRotated] ?? 0;
  return { shape, rows, isRotated, meanSquares: words[WORD.meanSquares] ?? 0, states, crcs: [] };
}

/** A state word of a header. */
export function stateOf({ states }: SegmentHeader, name: keyof typeof WORD): number {
  return states[WORD[name] - STATES_FROM] ?? 0;
}

/** The same rows without their graph, which is to be linked again by what it was linked by. */
export function withoutGraph(header: SegmentHeader): SegmentHeader {
  const states = header.states.slice();
  const reset = ["linked", "entry", "topLevel", "upperUsed", "graphMeasuredAt"] as const;
  for (const name of reset) states[WORD[name] - STATES_FROM] = 0;
  if (stateOf(header, "navigation") !== 0) states[WORD.isSettled - STATES_FROM] = 0;
  return { ...header, states };
}

/** Writes what a header says into the first words of a segment of its shape. */
export function applyHeader({ isRotated, meanSquares, states, rows }: SegmentHeader, words: Uint32Array): void {
  words[WORD.isRotated] = isRotated;
  words[WORD.meanSquares] = meanSquares;
  words.set(states, STATES_FROM);
  words[WORD.rows] = rows;
}

/** Bytes of each of SECTIONS. */
export function sectionBytesOf(header: SegmentHeader): readonly number[] {
  const { shape, rows } = header;
  const { stride, codeStride } = layoutOf(shape);
  const linked = stateOf(header, "linked");
  const low = shape.hasLow ? rows * stride : 0;
  const rowParts = [stride * 4, stride * 16, rows * 4, rows * codeStride, rows * stride, low];
  return [...rowParts, linked * LINK_BYTES, linked * 4, stateOf(header, "upperUsed") * UPPER_BYTES];
}

/** Whether two headers tell of the same rows and graph, so that a file of one is a file of the other. */
export function isSameContent(one: SegmentHeader, other: SegmentHeader): boolean {
  const isSameShape = one.rows === other.rows && one.shape.hasLow === other.shape.hasLow;
  return isSameShape && one.states.every((word, at) => word === other.states[at]);
}

/** SEGMENT_HEADER_BYTES bytes; the last four are the CRC-32 of the others. */
export function encodeHeader({ shape, rows, isRotated, meanSquares, states, crcs }: SegmentHeader): Uint8Array {
  const words = new Uint32Array(SEGMENT_HEADER_BYTES / 4);
  words[FIELD.magic] = SEGMENT_MAGIC;
  words[FIELD.version] = FILE_VERSION;
  words[FIELD.dims] = shape.dims;
  words[FIELD.metric] = METRICS.indexOf(shape.metric);
  words[FIELD.capacity] = shape.capacity;
  words[FIELD.rows] = rows;
  words[FIELD.hasLow] = shape.hasLow ? 1 : 0;
  words[FIELD.isRotated] = isRotated;
  words[FIELD.meanSquares] = meanSquares;
  words.set(crcs, CRCS_AT);
  words.set(states, STATES_FROM);
  const bytes = new Uint8Array(words.buffer);
  words[HEADER_CRC] = crc32(bytes.subarray(0, HEADER_CRC * 4));
  return bytes;
}

/** A header whose every number is within its bounds; undefined when the bytes are damaged. `data_too_new` for a newer version. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | undefined {
  const words = new Uint32Array(bytes.slice().buffer);
  const word = (at: number): number => words[at] ?? 0;
  if (word(FIELD.magic) !== SEGMENT_MAGIC) return undefined;
  if (word(HEADER_CRC) !== crc32(bytes.subarray(0, HEADER_CRC * 4))) return undefined;
  checkVersion("a segment file", word(FIELD.version));
  const metric = METRICS[word(FIELD.metric)];
  if (!metric || word(FIELD.hasLow) > 1 || word(FIELD.isRotated) > 1) return undefined;
  const header: SegmentHeader = {
    shape: { dims: word(FIELD.dims), metric, capacity: word(FIELD.capacity), hasLow: word(FIELD.hasLow) === 1 },
    rows: word(FIELD.rows),
    isRotated: word(FIELD.isRotated),
    meanSquares: word(FIELD.meanSquares),
    states: words.slice(STATES_FROM, STATES_TO),
    crcs: SECTIONS.map((_, at) => word(CRCS_AT + at)),
  };
  return isWithinBounds(header) ? header : undefined;
}

/** Refuses what a newer Millrace wrote. Magic, version and CRC have the same places in all versions. */
export function checkVersion(what: string, version: number): void {
  if (version <= FILE_VERSION) return;
  const message = `${what} has version ${version}; this Millrace reads up to ${FILE_VERSION}: use the newer one`;
  throw new MillraceError("data_too_new", message);
}

function isWithinBounds(header: SegmentHeader): boolean {
  const { shape, rows } = header;
  const { dims, capacity } = shape;
  if (dims < DIMS_MIN || dims > DIMS_MAX || capacity < 1 || capacity > SEGMENT_ROWS_MAX) return false;
  const { pages, upperMax } = layoutOf(shape);
  if (pages > PAGES_MAX || rows > capacity) return false;
  const linked = stateOf(header, "linked");
  const entry = stateOf(header, "entry");
  if (linked > rows || entry > linked || linked > 0 !== entry > 0) return false;
  if (stateOf(header, "upperUsed") > upperMax || stateOf(header, "topLevel") > LEVELS_MAX) return false;
  if (stateOf(header, "navigation") > 2 || stateOf(header, "scanBy") > 2) return false;
  const from = (name: (typeof EFFORTS)[number]): number => WORD[name] - STATES_FROM;
  return EFFORTS.every((name) => header.states.slice(from(name), from(name) + 8).every((width) => width <= BEAM_MAX));
}
