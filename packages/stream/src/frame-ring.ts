import { assert } from "@millrace/core";
import type { StoredFrame } from "./stored-frame.ts";

/** Slots of a fresh ring; a power of two. */
const CAPACITY_MIN = 16;

/**
 * The newest frames of a stream, by seq. Adding and evicting are amortised O(1); what stays is never copied but when the number of slots
 * doubles or halves. Bounds are applied by `evict`, which never touches frames from `pinnedFrom` on: the log cannot serve those yet.
 */
export class FrameRing {
  #frames: (StoredFrame | undefined)[] = new Array<undefined>(CAPACITY_MIN).fill(undefined);
  #first = 1;
  #next = 1;
  #bytes = 0;
  #evicted = 0;

  /** Seq of the oldest frame held; equal to `next` when empty. */
  get first(): number {
    return this.#first;
  }

  /** Seq the next frame must have. */
  get next(): number {
    return this.#next;
  }

  /** UTF-16 units of the JSON held, which for ASCII are its bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames evicted so far, for the metric. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Forgets everything; the next frame is `next`. */
  reset(next: number): void {
    this.#frames = new Array<undefined>(CAPACITY_MIN).fill(undefined);
    this.#first = next;
    this.#next = next;
    this.#bytes = 0;
  }

  push(frame: StoredFrame): void {
    assert(frame.seq === this.#next, "frames are added in order");
    if (this.#next - this.#first === this.#frames.length) this.#resize(this.#frames.length * 2);
    this.#frames[frame.seq & (this.#frames.length - 1)] = frame;
    this.#next++;
    this.#bytes += frame.json.length;
  }

  at(seq: number): StoredFrame | undefined {
    return seq >= this.#first && seq < this.#next ? this.#frames[seq & (this.#frames.length - 1)] : undefined;
  }

  /** Drops the oldest frames until both bounds hold, or the next to drop is pinned. */
  evict(framesMax: number, bytesMax: number, pinnedFrom: number): void {
    while (this.#first < pinnedFrom && (this.#next - this.#first > framesMax || this.#bytes > bytesMax)) this.#drop();
    const capacity = this.#frames.length;
    if (capacity > CAPACITY_MIN && (this.#next - this.#first) * 4 < capacity) this.#resize(capacity / 2);
  }

  #drop(): void {
    const slot = this.#first & (this.#frames.length - 1);
    this.#bytes -= this.#frames[slot]?.json.length ?? 0;
    this.#frames[slot] = undefined;
    this.#first++;
    this.#evicted++;
  }

  #resize(capacity: number): void {
    const frames = new Array<StoredFrame | undefined>(capacity).fill(undefined);
    for (let seq = this.#first; seq < this.#next; seq++) frames[seq & (capacity - 1)] = this.at(seq);
    this.#frames = frames;
  }
}
