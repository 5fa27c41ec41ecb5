import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import { Carry, type Walk } from "./carry.ts";
import { chunkWalk, eventWalk, readHead } from "./http-wire.ts";
import { connectRaw } from "./raw-socket.ts";
import type { LinkEvents } from "./socket-link.ts";

/** One response of server-sent events, in chunks or as it comes; each group of whole events is given on as one message. */
export class EventLink {
  readonly #events: LinkEvents;
  /** Bytes of the connection, and of the body behind its chunks. */
  readonly #outer = new Carry();
  readonly #inner = new Carry();
  readonly #open = Promise.withResolvers<void>();
  readonly #eventWalk: Walk;
  readonly #chunkWalk: Walk;
  #body: Walk | undefined;
  #socket: Socket | undefined;

  constructor(events: LinkEvents) {
    this.#events = events;
    // Nobody waits for it when the connection itself fails.
    this.#open.promise.catch(() => {});
    this.#eventWalk = eventWalk((bytes, start, end) => events.message(bytes, start, end));
    this.#chunkWalk = chunkWalk((bytes, start, end) => {
      // A view only when a chunk does not begin where the read did: the inner carry reads from the start of what it is given.
      this.#inner.read(bytes.subarray(start, end), end - start, this.#eventWalk);
    });
  }

  /** Settles once the server has answered. */
  async open(url: URL, path: string): Promise<void> {
    this.#socket = await connectRaw(url, {
      read: (bytes, length) => this.#read(bytes, length),
      closed: (error) => this.#closed(error),
    });
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\n\r\n`);
    await this.#open.promise;
  }

  /** Bytes taken from the connection, its head included. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #read(bytes: Buffer, length: number): void {
    this.#events.beforeRead?.();
    this.#outer.read(bytes, length, this.#walk);
    this.#events.afterRead?.();
  }

  readonly #walk: Walk = (bytes, start, end) => {
    if (this.#body) return this.#body(bytes, start, end);
    const head = readHead(bytes, start, end);
    if (!head) return start;
    if (head.status !== 200) throw new MillraceError("unavailable", `following was answered with ${head.status}`);
    this.#body = head.isChunked ? this.#chunkWalk : this.#eventWalk;
    this.#open.resolve();
    return this.#body(bytes, head.end, end);
  };

  #closed(error: Error | undefined): void {
    const reason = error?.message ?? "the server ended the response";
    this.#open.reject(new MillraceError("unavailable", reason));
    this.#events.closed(reason);
  }
}
