import type { Socket } from "node:net";
import { Carry, type Walk } from "./carry.ts";
import { readHead } from "./http-wire.ts";
import { connectRaw } from "./raw-socket.ts";

export type RequestEvents = {
  /** In the order of the requests. */
  answered(status: number, body: string): void;
  closed(reason: string): void;
};

/** Requests on one kept connection, sent without waiting for the answers before. */
export class RequestLink {
  readonly #events: RequestEvents;
  readonly #carry = new Carry();
  #host = "";
  #socket: Socket | undefined;

  constructor(events: RequestEvents) {
    this.#events = events;
  }

  async open(url: URL): Promise<void> {
    this.#host = url.host;
    this.#socket = await connectRaw(url, {
      read: (bytes, length) => this.#carry.read(bytes, length, this.#walk),
      closed: (error) => this.#events.closed(error?.message ?? "the server closed the connection"),
    });
  }

  post({ path, body }: { readonly path: string; readonly body: string }): void {
    const head = `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    this.#socket?.write(head + body);
  }

  close(): void {
    this.#socket?.destroy();
  }

  readonly #walk: Walk = (bytes, start, end) => {
    let at = start;
    for (;;) {
      const head = readHead(bytes, at, end);
      if (!head || head.end + head.length > end) return at;
      this.#events.answered(head.status, bytes.toString("utf8", head.end, head.end + head.length));
      at = head.end + head.length;
    }
  };
}
