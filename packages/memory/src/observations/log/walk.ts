/** Walks over the records of a file by their headers; what is not a record is passed over, up to the next one. */
import { crc32 } from "node:zlib";
import { BLOCK_BYTES, PLACE_BYTES, READ_CHUNK_BYTES, WALK_WINDOW_BYTES } from "./limits.ts";
import type { ReadableLogFile } from "./log-disk.ts";
import { bodyStart, decodeHeader, type FramedHeader, RECORD_HEADER_BYTES, recordBytes } from "./record-header.ts";

export type Walked =
  /** `isWhole`: JSON and body have their checksums; always true when they are not read. */
  | { readonly kind: "record"; readonly header: FramedHeader; readonly isWhole: boolean }
  | { readonly kind: "gap"; readonly offset: number; readonly bytes: number };

export type WalkOptions = {
  /** Undefined: that of the first record. */
  readonly salt: number | undefined;
  /** Where records end at the latest. */
  readonly end: number;
  /** Checks JSON and bodies too. */
  readonly isDeep: boolean;
};

export function* walkRecords(file: ReadableLogFile, options: WalkOptions): Generator<Walked> {
  const window = new FileWindow(file, options.isDeep ? READ_CHUNK_BYTES : WALK_WINDOW_BYTES);
  let { salt } = options;
  for (let offset = BLOCK_BYTES; offset < options.end; ) {
    const header = headerAt(window, offset, { ...options, salt });
    if (header) {
      salt ??= header.salt;
      yield { kind: "record", header, isWhole: !options.isDeep || isWhole(window, header) };
      offset = nextOffset(header);
      continue;
    }
    const found = findHeader(window, offset + PLACE_BYTES, { ...options, salt });
    yield { kind: "gap", offset, bytes: found - offset };
    offset = found;
  }
}

/** Whether JSON and body have the checksums of their header. */
export function isWhole(window: FileWindow, header: FramedHeader): boolean {
  const { offset, metaBytes, bodyBytes } = header;
  if (window.crc(offset + RECORD_HEADER_BYTES, metaBytes) !== header.metaCrc) return false;
  return window.crc(offset + bodyStart(metaBytes), bodyBytes) === header.bodyCrc;
}

function nextOffset({ offset, metaBytes, bodyBytes, commitStart, commitBytes, commitLeft }: FramedHeader): number {
  const end = offset + recordBytes(metaBytes, bodyBytes);
  return commitLeft === 0 ? Math.max(end, commitStart + commitBytes) : end;
}

function headerAt(window: FileWindow, offset: number, { salt, end }: WalkOptions): FramedHeader | undefined {
  const header = decodeHeader(window.view(offset, RECORD_HEADER_BYTES), offset, salt);
  return header && offset + recordBytes(header.metaBytes, header.bodyBytes) <= end ? header : undefined;
}

function findHeader(window: FileWindow, from: number, options: WalkOptions): number {
  for (let offset = from; offset < options.end; offset += PLACE_BYTES) {
    if (headerAt(window, offset, options)) return offset;
  }
  return options.end;
}

/** Reads a file through a piece of it that moves forward. */
export class FileWindow {
  readonly #file: ReadableLogFile;
  readonly #bytes: Uint8Array;
  #start = 0;
  #length = 0;

  constructor(file: ReadableLogFile, bytes: number) {
    this.#file = file;
    this.#bytes = new Uint8Array(bytes);
  }

  /** Bytes at `offset`, at most as many as the window has; fewer at the end of the file. Valid until the next call. */
  view(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#start + this.#length) {
      this.#start = offset;
      this.#length = this.#file.read(this.#bytes, offset);
    }
    const at = offset - this.#start;
    return this.#bytes.subarray(at, Math.min(at + length, this.#length));
  }

  crc(offset: number, length: number): number {
    let crc = 0;
    for (let at = 0; at < length; ) {
      const part = this.view(offset + at, Math.min(length - at, this.#bytes.byteLength));
      if (part.byteLength === 0) return -1;
      crc = crc32(part, crc);
      at += part.byteLength;
    }
    return crc;
  }
}
