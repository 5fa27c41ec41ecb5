/** One shared memory in which batches lie from their acceptance until they are on disk and indexed: written once, read by all threads. */
import { assert } from "@millrace/core";

const WASM_PAGE_BYTES = 65_536;
/** Blocks are multiples of this, so that vectors lie aligned and few sizes of gaps come about. */
const GRAIN_BYTES = 4_096;

export type Block = { readonly at: number; readonly bytes: number };

/**
 * Blocks of one WebAssembly memory, the first gap that fits: O(gaps), of which there are about as many as batches in hand. Memory is
 * touched from its start, so that what was never needed never becomes resident.
 */
export class BlockMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  /** Gaps in order of their place; neighbours are merged. */
  readonly #gaps: { at: number; bytes: number }[];
  #usedBytes = 0;

  constructor(bytesMax: number) {
    const pages = Math.ceil(bytesMax / WASM_PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.#gaps = [{ at: 0, bytes: this.bytes.byteLength }];
  }

  get capacityBytes(): number {
    return this.bytes.byteLength;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** A block of at least so many bytes; undefined when no gap is large enough. */
  take(bytes: number): Block | undefined {
    const size = Math.max(GRAIN_BYTES, Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES);
    const found = this.#gaps.findIndex((gap) => gap.bytes >= size);
    const gap = this.#gaps[found];
    if (!gap) return undefined;
    const block = { at: gap.at, bytes: size };
    gap.at += size;
    gap.bytes -= size;
    if (gap.bytes === 0) this.#gaps.splice(found, 1);
    this.#usedBytes += size;
    return block;
  }

  give({ at, bytes }: Block): void {
    let place = this.#gaps.findIndex((gap) => gap.at > at);
    if (place < 0) place = this.#gaps.length;
    const before = this.#gaps[place - 1];
    const after = this.#gaps[place];
    assert(!before || before.at + before.bytes <= at, "a block is given back once");
    assert(!after || at + bytes <= after.at, "a block is given back once");
    this.#usedBytes -= bytes;
    const joinsBefore = before !== undefined && before.at + before.bytes === at;
    const joinsAfter = after !== undefined && at + bytes === after.at;
    if (joinsBefore && joinsAfter) {
      before.bytes += bytes + after.bytes;
      this.#gaps.splice(place, 1);
    } else if (joinsBefore) before.bytes += bytes;
    else if (joinsAfter) {
      after.at = at;
      after.bytes += bytes;
    } else this.#gaps.splice(place, 0, { at, bytes });
  }
}
