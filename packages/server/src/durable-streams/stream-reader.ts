import { type Clock, MillraceError } from "@millrace/core";
import type { Batch, LiveStream, Sequencer, Storage, StoredFrame } from "@millrace/stream";
import type { DurableStream } from "./durable-stream.ts";
import { PAGE_BYTES_MAX, PAGE_FRAMES_MAX } from "./limits.ts";
import { type Place, positionOf } from "./offset.ts";
import type { Segment } from "./record.ts";

type Parts = { readonly sequencer: Sequencer; readonly storage: Storage; readonly clock: Clock };
/** Frames of one log, as the log's own module gives them. */
type Range = (args: { stream: string; after: number; limit: number; bytesMax: number }) => {
  readonly rows: readonly StoredFrame[];
};

/** Messages that follow one another. */
export type Page = {
  readonly frames: readonly StoredFrame[];
  /** The batch that the frames are of: readers at the same place share it, and the bytes made of it. */
  readonly batch: Batch | undefined;
  /** Where the next page begins. */
  readonly next: number;
};

/**
 * Reads one durable stream for one request. It shows what is durable and nothing else. Dispose it: it keeps the stream open in memory.
 */
export class StreamReader implements Disposable {
  readonly stream: DurableStream;
  readonly #parts: Parts;
  readonly #live: LiveStream;

  private constructor(stream: DurableStream, live: LiveStream, parts: Parts) {
    this.stream = stream;
    this.#live = live;
    this.#parts = parts;
  }

  /** `overloaded` when too many streams are followed. */
  static async open(stream: DurableStream, parts: Parts): Promise<StreamReader> {
    const live = await parts.sequencer.follow(stream.record.name);
    return new StreamReader(stream, live, parts);
  }

  [Symbol.dispose](): void {
    this.#parts.sequencer.release(this.#live);
  }

  /** Positions of the messages there are: 0 … tail. */
  get tail(): number {
    return this.stream.record.base + this.#live.durable;
  }

  /** Whether nothing will follow `position`. */
  isEnd(position: number): boolean {
    return this.stream.isClosed && position === this.tail;
  }

  /** The position of `place`: see `positionOf`. What was there before retention is skipped by who reads from the start, and `gone` for others. */
  positionOf(place: Place): number {
    const position = positionOf(place, this.stream.record.generation, this.tail);
    const firstKept = this.stream.segments.length > 1 ? 0 : this.#live.first - 1;
    if (position >= firstKept) return position;
    if (position === 0) return firstKept;
    throw this.#pastRetention(position, firstKept);
  }

  /** The messages after `position`, up to a page's limits and across the sources of a fork; none at the tail. Throws why the stream has ended. */
  async page(position: number): Promise<Page> {
    this.#checkAlive();
    let page: Page = { frames: [], batch: undefined, next: position };
    for (const segment of this.stream.segments) {
      if (page.next >= segment.to) continue;
      if (page.next >= this.tail) break;
      const part = await this.#read(segment, page.next, position === 0);
      page = page.frames.length === 0 ? part : join(page, part);
      const isFull = page.next < Math.min(segment.to, this.tail) || page.frames.length >= PAGE_FRAMES_MAX;
      if (isFull) break;
    }
    return page;
  }

  /**
   * Settles when there may be something after `position` or it is the end, when the stream has ended, when `timeoutMs` are over or `signal`
   * aborts; the one who waits looks again.
   */
  change(position: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const isChanged = () => this.tail > position || this.isEnd(position) || this.#refusal() !== undefined;
    if (isChanged() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const stops: (() => void)[] = [];
      const finish = () => {
        for (const stop of stops) stop();
        resolve();
      };
      const look = () => {
        if (isChanged()) finish();
      };
      stops.push(this.#live.onChange(look), this.stream.onChange(look));
      stops.push(this.#parts.clock.after(timeoutMs, finish));
      signal.addEventListener("abort", finish, { once: true });
      stops.push(() => signal.removeEventListener("abort", finish));
    });
  }

  /** Messages of one segment. What retention has taken is skipped by who reads from the start, which may be all there was. */
  async #read(segment: Segment, position: number, isFromStart: boolean): Promise<Page> {
    const after = position - segment.from;
    const end = Math.min(segment.to, this.tail) - segment.from;
    const limit = Math.min(PAGE_FRAMES_MAX, end - after);
    const batch = segment.name === this.#live.name ? this.#live.batchAfter(after, limit) : undefined;
    const found = batch?.frames ?? (await this.#readLog(segment, after, limit));
    // What follows a fork's share of its source is not the fork's.
    const isPast = (found.at(-1)?.seq ?? 0) > end;
    const frames = isPast ? found.filter(({ seq }) => seq <= end) : found;
    const isWhole = frames[0]?.seq === after + 1;
    if (!isWhole && !isFromStart) throw this.#pastRetention(position, segment.from + (found[0]?.seq ?? end) - 1);
    return { frames, batch, next: segment.from + (frames.at(-1)?.seq ?? end) };
  }

  async #readLog({ name }: Segment, after: number, limit: number): Promise<readonly StoredFrame[]> {
    const args = { stream: name, after, limit, bytesMax: PAGE_BYTES_MAX };
    const { rows } = await this.#parts.storage.read<Range>("log.range", args);
    return rows;
  }

  #pastRetention(position: number, firstKept: number): MillraceError {
    const [from, kept] = [this.stream.offset(position), this.stream.offset(firstKept)];
    return new MillraceError("gone", `what follows ${from} is past retention; the first offset kept is ${kept}`);
  }

  #checkAlive(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  #refusal(): MillraceError | undefined {
    const { stream } = this;
    if (stream.isHidden) return new MillraceError("gone", `the stream ${stream.record.path} was deleted`);
    if (this.#live.ended) return this.#live.ended;
    // Another object has taken its place, and would be the one to hear of the stream's end.
    return stream.isStale
      ? new MillraceError("unavailable", "the stream was read anew; ask again", { retryAfterMs: 100 })
      : undefined;
  }
}

function join(page: Page, part: Page): Page {
  return { frames: [...page.frames, ...part.frames], batch: undefined, next: part.next };
}
