import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createIdFactory } from "@millrace/core";
import type { Engine } from "../engine.ts";
import { createWebSocketServer } from "../http/web-socket-server.ts";
import { CENTRIFUGO_MESSAGE_BYTES_MAX, LAST_WORDS_MS } from "../limits.ts";
import { DISCONNECTS } from "./codes.ts";
import { Session } from "./session.ts";

/** The WebSocket subprotocol that names the JSON form; it may be left out. */
const SUBPROTOCOL = "centrifuge-json";

/** The connections of the Centrifugo JSON protocol, so that its clients work as they are (PROTOCOL.md, Centrifugo protocol). */
export class CentrifugoSockets {
  readonly #engine: Engine;
  readonly #onDefect: (error: unknown) => void;
  readonly #newId: () => string;
  readonly #sessions = new Set<Session>();
  readonly #server = createWebSocketServer({
    maxPayload: CENTRIFUGO_MESSAGE_BYTES_MAX,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });

  constructor(engine: Engine, onDefect: (error: unknown) => void) {
    this.#engine = engine;
    this.#onDefect = onDefect;
    this.#newId = createIdFactory(engine.clock);
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

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const client = this.#newId();
      const session = new Session({ engine: this.#engine, client, webSocket, socket, onDefect: this.#onDefect });
      this.#sessions.add(session);
      webSocket.once("close", () => this.#sessions.delete(session));
    });
  }

  /** Tells every client to come back later (3001) and lets go of those that do not answer. */
  close(): void {
    for (const session of this.#sessions) session.close(DISCONNECTS.shutdown);
    setTimeout(() => {
      for (const webSocket of this.#server.clients) webSocket.terminate();
    }, LAST_WORDS_MS).unref();
    this.#server.close();
  }
}
