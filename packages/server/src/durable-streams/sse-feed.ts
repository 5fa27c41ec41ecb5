import type { ServerResponse } from "node:http";
import { type Clock, MillraceError } from "@millrace/core";
import { StallWatch, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import { HEARTBEAT_MS } from "../limits.ts";
import { nextCursor } from "./live-cursor.ts";
import { controlEvent, pageEvents } from "./sse-events.ts";
import type { StreamReader } from "./stream-reader.ts";

export type SseFeedOptions = {
  readonly reader: StreamReader;
  readonly response: ServerResponse;
  /** Aborts when the reader leaves or the engine closes. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The cursor the reader sent. */
  readonly cursor: string | undefined;
  /** Called with the messages of each hand-over. */
  readonly onDelivered: (messages: number) => void;
};

/**
 * Follows a stream as server-sent events. It pulls: what the peer has not taken yet stays below the subscriber's budget, and the rest stays
 * in the log (I6). Every data event is followed by a control event that says where the reader is.
 */
export class SseFeed implements Disposable {
  readonly #options: SseFeedOptions;
  #wakeDrain = () => {};
  readonly #stall: StallWatch;
  #isStalled = false;

  constructor(options: SseFeedOptions) {
    this.#options = options;
    this.#stall = new StallWatch(options.clock, () => {
      this.#isStalled = true;
      this.#wakeDrain();
    });
  }

  /** Settles when the stream has ended and that was said, or when `signal` aborts; rejects with why the stream gives no more. */
  async run(from: number): Promise<void> {
    const { reader, signal, cursor, onDelivered } = this.#options;
    let position = from;
    let isTold = false;
    while (!signal.aborted) {
      await this.#room();
      const page = await reader.page(position);
      position = page.next;
      if (page.frames.length > 0) {
        // A cursor that the reader sent is answered with one of its own; without, all have the same.
        this.#write(pageEvents(reader.stream.mode, page, this.#control(position), cursor === undefined));
        onDelivered(page.frames.length);
        isTold = true;
      } else if (!isTold || reader.isEnd(position)) {
        this.#write(this.#control(position));
        isTold = true;
      }
      if (reader.isEnd(position)) return;
      if (position < reader.tail) continue;
      await reader.change(position, HEARTBEAT_MS, signal);
      // A reader that heard nothing for that long is told that it missed nothing.
      if (reader.tail === position) isTold = reader.isEnd(position);
    }
  }

  [Symbol.dispose](): void {
    this.#stall[Symbol.dispose]();
  }

  #control(position: number): string {
    const { reader, clock, cursor } = this.#options;
    const streamNextOffset = reader.stream.offset(position);
    if (reader.isEnd(position)) return controlEvent({ streamNextOffset, streamClosed: true });
    const streamCursor = nextCursor(cursor, clock.now(), Math.random());
    const here = { streamNextOffset, streamCursor };
    return controlEvent(position === reader.tail ? { ...here, upToDate: true } : here);
  }

  /** The callback comes when the socket has taken the bytes: then there may be room again. */
  #write(bytes: Buffer | string): void {
    this.#options.response.write(bytes, () => {
      this.#stall.progressed();
      this.#wakeDrain();
    });
  }

  /** Settles when the peer is below its budget; rejects with `slow_consumer` when it takes nothing for too long. */
  async #room(): Promise<void> {
    const { response, signal } = this.#options;
    while (response.writableLength > SUBSCRIBER_BYTES_MAX && !signal.aborted) {
      if (this.#isStalled)
        throw new MillraceError(
          "slow_consumer",
          `the reader took nothing of ${response.writableLength} bytes; reconnect`,
        );
      this.#stall.start();
      await this.#drained(signal);
    }
    this.#stall[Symbol.dispose]();
  }

  async #drained(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#wakeDrain = wake;
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
  }
}
