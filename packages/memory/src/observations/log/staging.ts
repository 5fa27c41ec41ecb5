/** Page-aligned memory in which commits are put together: direct writes ask for it, and one copy is cheaper than many writes. */
import { assert } from "@millrace/core";
import { BLOCK_BYTES, STAGING_BYTES } from "./limits.ts";
import type { WritableLogFile } from "./log-disk.ts";

/** A page of WebAssembly memory. */
const PAGE_BYTES = 65_536;

/** Carries bytes to one place of one file, a block-aligned write at a time. */
export class Staging {
  readonly #size: number;
  #made: Uint8Array | undefined;
  #file: WritableLogFile | undefined;
  #position = 0;
  #used = 0;

  /** Takes the memory when it is first used. */
  constructor(bytes = STAGING_BYTES) {
    this.#size = bytes;
  }

  get #bytes(): Uint8Array {
    if (this.#made) return this.#made;
    const pages = Math.ceil(this.#size / PAGE_BYTES);
    this.#made = new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
    return this.#made;
  }

  /** What is put from now on goes to the file from `position` on, a multiple of a block. */
  begin(file: WritableLogFile, position: number): void {
    assert(position % BLOCK_BYTES === 0, "a write begins on a block");
    this.#file = file;
    this.#position = position;
    this.#used = 0;
  }

  put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const part = Math.min(bytes.byteLength - at, this.#bytes.byteLength - this.#used);
      this.#bytes.set(part === bytes.byteLength ? bytes : bytes.subarray(at, at + part), this.#used);
      at += part;
      this.#moved(part);
    }
  }

  /** Puts zeros up to a multiple of `unit`, which divides a block. */
  pad(unit: number): void {
    const count = (unit - (this.#used % unit)) % unit;
    this.#bytes.fill(0, this.#used, this.#used + count);
    this.#moved(count);
  }

  /** Pads to a block and writes what is left. Returns the position after it. */
  end(): number {
    this.pad(BLOCK_BYTES);
    this.#flush();
    return this.#position;
  }

  #moved(count: number): void {
    this.#used += count;
    if (this.#used === this.#bytes.byteLength) this.#flush();
  }

  #flush(): void {
    assert(this.#file, "begin comes first");
    for (let at = 0; at < this.#used; ) {
      const count = this.#file.write(this.#bytes.subarray(at, this.#used), this.#position + at);
      if (count <= 0) throw Object.assign(new Error("the file system wrote nothing"), { code: "EIO" });
      at += count;
    }
    this.#position += this.#used;
    this.#used = 0;
  }
}
