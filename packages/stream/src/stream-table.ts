import { MillraceError } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import { ACTIVE_STREAMS_MAX, STREAMS_FOLLOWED_MAX } from "./limits.ts";
import { LiveStream } from "./live-stream.ts";

type Entry = { readonly live: LiveStream; readonly loading: Promise<void> };

/**
 * The streams open in memory. One that is held is never closed: whoever follows or appends sees the same LiveStream. Those nobody holds
 * are kept for the next use, up to ACTIVE_STREAMS_MAX streams in all, and closed in order of last use. Every step is O(1).
 */
export class StreamTable {
  readonly #load: (live: LiveStream) => Promise<void>;
  readonly #onDropped: (live: LiveStream) => void;
  readonly #entries = new Map<StreamId, Entry>();
  /** Streams without holds, least recently used first. */
  readonly #idle = new Set<LiveStream>();

  /** `load` reads a stream's state from the log; `onDropped` hears of each that is forgotten. */
  constructor(load: (live: LiveStream) => Promise<void>, onDropped: (live: LiveStream) => void = () => {}) {
    this.#load = load;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The stream if it is in memory. */
  find(name: StreamId): LiveStream | undefined {
    return this.#entries.get(name)?.live;
  }

  *opened(): Generator<LiveStream> {
    for (const { live } of this.#entries.values()) yield live;
  }

  /** The stream, read from the log on first use. Give it to `release` when done. */
  async hold(name: StreamId): Promise<LiveStream> {
    const { live, loading } = this.#entries.get(name) ?? this.#add(name);
    live.holds++;
    this.#idle.delete(live);
    try {
      await loading;
      return live;
    } catch (error) {
      this.drop(live);
      throw error;
    }
  }

  /** As `hold`, for a reader: `overloaded` when the stream is not in use and as many others are as may be. */
  async holdToFollow(name: StreamId): Promise<LiveStream> {
    const found = this.#entries.get(name);
    const isInUse = found !== undefined && !this.#idle.has(found.live);
    if (isInUse || this.#entries.size - this.#idle.size < STREAMS_FOLLOWED_MAX) return this.hold(name);
    const message = `${STREAMS_FOLLOWED_MAX} streams are followed, which is the limit; stop following one, or try again later`;
    throw new MillraceError("overloaded", message, { retryAfterMs: 1_000 });
  }

  release(live: LiveStream): void {
    live.holds--;
    if (live.holds > 0 || this.#entries.get(live.name)?.live !== live) return;
    this.#idle.add(live);
    this.#closeIdle();
  }

  /** Forgets the stream; the next hold reads it anew. Those who hold it keep what they have. */
  drop(live: LiveStream): void {
    if (this.#entries.get(live.name)?.live !== live) return;
    this.#entries.delete(live.name);
    this.#idle.delete(live);
    this.#onDropped(live);
  }

  /** Ends the stream for everyone who holds it, and forgets it. */
  end(name: StreamId, reason: MillraceError): void {
    const found = this.#entries.get(name)?.live;
    if (!found) return;
    this.drop(found);
    found.end(reason);
  }

  #add(name: StreamId): Entry {
    const live = new LiveStream(name);
    const entry = { live, loading: this.#load(live) };
    this.#entries.set(name, entry);
    this.#closeIdle();
    return entry;
  }

  #closeIdle(): void {
    const oldest = this.#idle.values().next().value;
    if (oldest && this.#entries.size > ACTIVE_STREAMS_MAX) this.drop(oldest);
  }
}
