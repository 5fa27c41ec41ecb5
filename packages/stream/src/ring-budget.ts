import { RINGS_BYTES_MAX } from "./limits.ts";
import type { LiveStream } from "./live-stream.ts";

/** Keeps the rings of all streams together below RINGS_BYTES_MAX: those written to least recently give up their frames first. */
export class RingBudget {
  readonly #bytesMax: number;
  /** Bytes of each ring when it was last written to, least recently written first. */
  readonly #counted = new Map<LiveStream, number>();
  #bytes = 0;

  constructor(bytesMax = RINGS_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of all rings. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Call after frames were added to or evicted from the stream's ring. */
  touch(live: LiveStream): void {
    this.forget(live);
    this.#counted.set(live, live.ring.bytes);
    this.#bytes += live.ring.bytes;
    for (const oldest of this.#counted.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === live) return;
      oldest.ring.evict(0, 0, oldest.durable + 1);
      this.#bytes += oldest.ring.bytes - (this.#counted.get(oldest) ?? 0);
      if (oldest.ring.bytes > 0) this.#counted.set(oldest, oldest.ring.bytes);
      else this.#counted.delete(oldest);
    }
  }

  /** The stream's ring is gone. */
  forget(live: LiveStream): void {
    this.#bytes -= this.#counted.get(live) ?? 0;
    this.#counted.delete(live);
  }
}
