/** What the generator reads of HTTP/1.1: a response head, a body in chunks, and server-sent events in either. */
import { MillraceError } from "@millrace/core";
import type { Walk } from "./carry.ts";

export type ResponseHead = {
  readonly status: number;
  readonly isChunked: boolean;
  /** Of the body, when the head names it. */
  readonly length: number;
  /** Where the body begins. */
  readonly end: number;
};

/** The head that begins at `start`; undefined while it is not whole. */
export function readHead(bytes: Buffer, start: number, end: number): ResponseHead | undefined {
  const view = bytes.subarray(start, end);
  const at = view.indexOf("\r\n\r\n");
  if (at < 0) return undefined;
  const text = view.toString("latin1", 0, at);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
  if (!status)
    throw new MillraceError(
      "unavailable",
      `the server did not answer with HTTP but ${JSON.stringify(text.slice(0, 80))}`,
    );
  const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
  return { status, isChunked: /^transfer-encoding: *chunked/im.test(text), length, end: start + at + 4 };
}

/**
 * Walks over a body in chunks and gives each whole chunk on. A chunk's size line and the line break behind it are two more things that a read
 * can end in, so a chunk counts as whole with its line break.
 */
export function chunkWalk(take: (bytes: Buffer, start: number, end: number) => void): Walk {
  return (bytes, start, end) => {
    let at = start;
    for (;;) {
      let size = 0;
      let scan = at;
      for (; scan < end; scan++) {
        const digit = hexOf(bytes[scan] ?? 0);
        if (digit < 0) break;
        size = size * 16 + digit;
      }
      const from = scan + 2;
      if (from > end || from + size + 2 > end) return at;
      if (size > 0) take(bytes, from, from + size);
      at = from + size + 2;
    }
  };
}

/** Walks over server-sent events: all up to the last blank line are whole. */
export function eventWalk(take: (bytes: Buffer, start: number, end: number) => void): Walk {
  return (bytes, start, end) => {
    for (let at = end - 1; at > start; at--) {
      if (bytes[at] === 0x0a && bytes[at - 1] === 0x0a) {
        take(bytes, start, at + 1);
        return at + 1;
      }
    }
    return start;
  };
}

function hexOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
