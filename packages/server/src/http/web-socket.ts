import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Engine } from "../engine.ts";
import { LAST_WORDS_MS, SOCKET_MESSAGE_BYTES_MAX } from "../limits.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { SocketSession } from "./socket-session.ts";
import { createWebSocketServer } from "./web-socket-server.ts";

export type SocketsOptions = {
  readonly engine: Engine;
  readonly heartbeats: Heartbeats;
  readonly onDefect: (error: unknown) => void;
};

/** The sockets of one server: each follows many streams and may append to them (PROTOCOL.md, WebSocket). */
export class Sockets {
  readonly #options: SocketsOptions;
  readonly #sessions = new Set<SocketSession>();
  readonly #server = createWebSocketServer({
    maxPayload: SOCKET_MESSAGE_BYTES_MAX,
    clientTracking: true,
  });

  constructor(options: SocketsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Bytes handed to all sockets and not yet taken by their peers: bounded by the budget of each (I6). */
  get unsentBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.unsentBytes;
    return bytes;
  }

  accept(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (peer) => {
      const session = new SocketSession({ ...this.#options, peer, socket });
      this.#sessions.add(session);
      peer.once("close", () => this.#sessions.delete(session));
    });
  }

  /** Tells every peer that the engine goes away (1001) and lets go of those that do not answer. */
  close(): void {
    for (const peer of this.#server.clients) {
      peer.close(1001, "the engine is closing");
      setTimeout(() => peer.terminate(), LAST_WORDS_MS).unref();
    }
    this.#server.close();
  }
}
