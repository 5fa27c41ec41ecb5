import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { MANIFEST_BYTES_MAX, SEGMENTS_MAX } from "../limits.ts";
import { METRICS, type Metric } from "../metric.ts";
import type { RecallTarget } from "../search.ts";
import {
  checkVersion,
  decodeHeader,
  encodeHeader,
  FILE_VERSION,
  MANIFEST_MAGIC,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "./format.ts";

/** Two, so that no damage to one file loses the list of segments. */
export const MANIFEST_NAMES = ["manifest", "manifest.copy"] as const;

/** A segment file: its name is made of the save that wrote it and its number there. */
export type FileName = { readonly generation: number; readonly ordinal: number };

/** A segment as the manifest knows it: all but the rows' codes and the graph. */
export type ManifestEntry = {
  readonly file: FileName;
  readonly header: SegmentHeader;
  /** A bit for each row, 1 while it can be found. */
  readonly alive: Uint32Array;
  /** A second copy: with it what a damaged file loses is known, and can be asked for. */
  readonly ids: Uint32Array;
};

export type Manifest = {
  readonly dims: number;
  readonly metric: Metric;
  readonly segmentRows: number;
  readonly recall: RecallTarget;
  readonly graphRowsMin: number;
  readonly m: number;
  readonly efConstruction: number | undefined;
  /** Counts saves. */
  readonly generation: number;
  /** Oldest first; the last takes new rows. */
  readonly entries: readonly ManifestEntry[];
};

const HEAD_WORDS = 12;
/** Recall is kept in millionths; this many are `exact`. */
const EXACT = 1_000_000;
const NAME_WORDS = 2;
const HEADER_WORDS = SEGMENT_HEADER_BYTES / 4;

export function nameOf({ generation, ordinal }: FileName): string {
  return `segment-${generation}-${ordinal}.mrv`;
}

/** Bytes ending with their CRC-32. `too_large` above MANIFEST_BYTES_MAX. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { entries } = manifest;
  const total = entries.reduce((sum, entry) => sum + entryWords(entry.header.rows), HEAD_WORDS + 1);
  if (total * 4 > MANIFEST_BYTES_MAX) {
    const message = `the list of rows takes ${total * 4} bytes; the limit is ${MANIFEST_BYTES_MAX}: split the index`;
    throw new MillraceError("too_large", message);
  }
  const words = new Uint32Array(total);
  const bytes = new Uint8Array(words.buffer);
  words.set([MANIFEST_MAGIC, FILE_VERSION, total, ...headOf(manifest)]);
  let at = HEAD_WORDS;
  for (const { file, header, alive, ids } of entries) {
    words.set([file.generation, file.ordinal], at);
    bytes.set(encodeHeader(header), (at + NAME_WORDS) * 4);
    words.set(alive, at + NAME_WORDS + HEADER_WORDS);
    words.set(ids, at + NAME_WORDS + HEADER_WORDS + alive.length);
    at += entryWords(header.rows);
  }
  words[total - 1] = crc32(bytes.subarray(0, bytes.length - 4));
  return bytes;
}

/** The manifest in `bytes`; undefined when they are damaged. `data_too_new` when a newer version wrote them. */
export function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  if (bytes.length < (HEAD_WORDS + 1) * 4 || bytes.length % 4 !== 0) return undefined;
  const words = new Uint32Array(bytes.slice().buffer);
  const last = words.length - 1;
  if (words[0] !== MANIFEST_MAGIC || words[last] !== crc32(bytes.subarray(0, last * 4))) return undefined;
  checkVersion("the manifest", words[1] ?? 0);
  if (words[2] !== words.length) return undefined;
  const head = readHead(words);
  const entries = head && decodeEntries(words.subarray(HEAD_WORDS, last), words[HEAD_WORDS - 1] ?? 0);
  const isOfIndex = ({ header: { shape } }: ManifestEntry): boolean =>
    shape.dims === head?.dims && shape.metric === head?.metric;
  return head && entries?.every(isOfIndex) ? { ...head, entries } : undefined;
}

/** Words 3–11. */
function headOf(manifest: Manifest): readonly number[] {
  const { dims, metric, segmentRows, recall, graphRowsMin, m, efConstruction = 0, generation, entries } = manifest;
  const millionths = recall === "exact" ? EXACT : Math.round(recall * EXACT);
  const index = [dims, METRICS.indexOf(metric), segmentRows, millionths, graphRowsMin, m, efConstruction];
  return [...index, generation, entries.length];
}

function readHead(words: Uint32Array): Omit<Manifest, "entries"> | undefined {
  const [
    dims = 0,
    metricAt = 0,
    segmentRows = 0,
    millionths = 0,
    graphRowsMin = 0,
    m = 0,
    width,
    generation = 0,
    count = 0,
  ] = words.subarray(3, HEAD_WORDS);
  const metric = METRICS[metricAt];
  if (!metric || count > SEGMENTS_MAX) return undefined;
  const recall = millionths === EXACT ? "exact" : millionths / EXACT;
  return { dims, metric, segmentRows, recall, graphRowsMin, m, efConstruction: width || undefined, generation };
}

/** Words that an entry of so many rows takes. */
function entryWords(rows: number): number {
  return NAME_WORDS + HEADER_WORDS + Math.ceil(rows / 32) + rows;
}

function decodeEntries(words: Uint32Array, count: number): ManifestEntry[] | undefined {
  const entries: ManifestEntry[] = [];
  let at = 0;
  while (entries.length < count) {
    const aliveAt = at + NAME_WORDS + HEADER_WORDS;
    if (aliveAt > words.length) return undefined;
    const header = decodeHeader(new Uint8Array(words.slice(at + NAME_WORDS, aliveAt).buffer));
    if (!header) return undefined;
    const end = at + entryWords(header.rows);
    if (end > words.length) return undefined;
    const idsAt = end - header.rows;
    const file = { generation: words[at] ?? 0, ordinal: words[at + 1] ?? 0 };
    entries.push({ file, header, alive: words.subarray(aliveAt, idsAt), ids: words.subarray(idsAt, end) });
    at = end;
  }
  return at === words.length ? entries : undefined;
}
