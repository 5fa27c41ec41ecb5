import { MillraceError } from "@millrace/core";
import type { Seq } from "./frame.ts";

/** A place in a stream: after frame `seq` of that `epoch` (I2). On the wire `<epoch>:<seq>`. */
export type Cursor = { readonly epoch: string; readonly seq: Seq };

const CURSOR = /^([a-z0-9]{1,40}):(0|[1-9][0-9]{0,15})$/;

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}:${cursor.seq}`;
}

/** Reads `<epoch>:<seq>`; anything else, or a seq of 2^53 or more, is `invalid_argument`. */
export function parseCursor(text: string): Cursor {
  const match = CURSOR.exec(text);
  const seq = Number(match?.[2]);
  if (match?.[1] === undefined || !Number.isSafeInteger(seq)) {
    const shown = JSON.stringify(text.slice(0, 80));
    throw new MillraceError(
      "invalid_argument",
      `the cursor ${shown} is not <epoch>:<seq>; send one that a frame carried`,
    );
  }
  return { epoch: match[1], seq: seq as Seq };
}
