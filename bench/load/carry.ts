import { MillraceError } from "@millrace/core";
import { CARRY_BYTES_MAX } from "./limits.ts";

/** Takes whole messages from `start` on; returns where the first unfinished one begins. */
export type Walk = (bytes: Buffer, start: number, end: number) => number;

/**
 * Bytes of one socket that do not make a whole message yet. As long as reads end where messages end nothing is copied.
 */
export class Carry {
  #bytes = Buffer.alloc(0);
  #length = 0;

  /** Gives `walk` what was kept followed by the bytes just read, and keeps what it leaves. */
  read(bytes: Buffer, length: number, walk: Walk): void {
    if (this.#length === 0) {
      const rest = walk(bytes, 0, length);
      if (rest < length) this.#append(bytes, rest, length);
      return;
    }
    this.#append(bytes, 0, length);
    const rest = walk(this.#bytes, 0, this.#length);
    this.#bytes.copyWithin(0, rest, this.#length);
    this.#length -= rest;
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > CARRY_BYTES_MAX) {
      throw new MillraceError(
        "too_large",
        `a message has more than ${CARRY_BYTES_MAX} bytes; no server here sends such`,
      );
    }
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(1_024, 2 * length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }
}
