import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import { Carry, type Walk } from "./carry.ts";
import { readHead } from "./http-wire.ts";
import { connectRaw } from "./raw-socket.ts";
import { pongFrame, textFrame, upgradeRequest, webSocketWalk } from "./web-socket-wire.ts";

export type LinkEvents = {
  /** Before the bytes of one read are walked over. */
  beforeRead?(): void;
  afterRead?(): void;
  message(bytes: Buffer, start: number, end: number): void;
  closed(reason: string): void;
};

/** One WebSocket, from its upgrade on. */
export class SocketLink {
  readonly #events: LinkEvents;
  readonly #carry = new Carry();
  readonly #frames: Walk;
  readonly #open = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #isOpen = false;
  #reason = "";

  constructor(events: LinkEvents) {
    this.#events = events;
    // Nobody waits for it when the connection itself fails.
    this.#open.promise.catch(() => {});
    this.#frames = webSocketWalk({
      message: (bytes, start, end) => events.message(bytes, start, end),
      ping: (payload) => this.#socket?.write(pongFrame(payload)),
      closed: (code, reason) => {
        this.#reason = `the server closed the socket: ${code} ${reason}`;
      },
    });
  }

  /** Settles once the server has agreed to the upgrade; messages may come before the caller goes on. */
  async open(url: URL, path: string): Promise<void> {
    this.#socket = await connectRaw(url, {
      read: (bytes, length) => this.#read(bytes, length),
      closed: (error) => this.#closed(error),
    });
    this.#socket.write(upgradeRequest(url.host, path));
    await this.#open.promise;
  }

  send(text: string): void {
    this.#socket?.write(textFrame(text));
  }

  /** Bytes taken from the connection, its head included. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** Reads nothing until `resume`: what a client does that has stalled. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): void {
    this.#socket?.destroy();
  }

  #read(bytes: Buffer, length: number): void {
    this.#events.beforeRead?.();
    this.#carry.read(bytes, length, this.#walk);
    this.#events.afterRead?.();
  }

  readonly #walk: Walk = (bytes, start, end) => {
    if (this.#isOpen) return this.#frames(bytes, start, end);
    const head = readHead(bytes, start, end);
    if (!head) return start;
    if (head.status !== 101) throw new MillraceError("unavailable", `the upgrade was answered with ${head.status}`);
    this.#isOpen = true;
    this.#open.resolve();
    return this.#frames(bytes, head.end, end);
  };

  #closed(error: Error | undefined): void {
    const reason = this.#reason || error?.message || "the server closed the connection";
    this.#open.reject(new MillraceError("unavailable", reason));
    this.#events.closed(reason);
  }
}
