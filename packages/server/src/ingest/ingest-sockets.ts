import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type Clock, MillraceError } from "@millrace/core";
import type { IngestSession } from "@millrace/memory";
import { Heartbeats } from "../http/heartbeats.ts";
import { createWebSocketServer } from "../http/web-socket-server.ts";
import { LAST_WORDS_MS } from "../limits.ts";
import { IngestSocket } from "./ingest-socket.ts";
import {
  INGEST_ACK_MS,
  INGEST_HEARTBEAT_MS,
  INGEST_HELD_BYTES_MAX,
  INGEST_MESSAGE_BYTES_MAX,
  INGEST_SOCKETS_MAX,
} from "./limits.ts";
import type { ObservationIngest } from "./observation-ingest.ts";

export type IngestSocketsOptions = {
  readonly ingest: ObservationIngest;
  readonly clock: Clock;
  /** Told of defects, which producers see only as `internal`. */
  readonly onDefect: (error: unknown) => void;
  /** Told of each batch or message that was refused. */
  readonly onRefused?: (code: string) => void;
  /** Default 10,000. */
  readonly socketsMax?: number;
};

/** The producers connected by WebSocket (PROTOCOL.md, Observations): what they share are the heartbeats, the acks' timer and the bounds. */
export class IngestSockets {
  readonly options: IngestSocketsOptions;
  readonly heartbeats: Heartbeats;
  readonly socketsMax: number;
  readonly #sockets = new Set<IngestSocket>();
  /** Who holds a session: a second one ends the first. */
  readonly #holders = new Map<string, IngestSocket>();
  /** Those with something to tell their producer. */
  #due = new Set<IngestSocket>();
  #isTelling = false;
  #heldBytes = 0;
  readonly #server = createWebSocketServer({
    maxPayload: INGEST_MESSAGE_BYTES_MAX,
    clientTracking: true,
  });

  constructor(options: IngestSocketsOptions) {
    this.options = options;
    this.heartbeats = new Heartbeats(options.clock, INGEST_HEARTBEAT_MS);
    this.socketsMax = options.socketsMax ?? INGEST_SOCKETS_MAX;
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Bytes of answers handed to all producers and not yet taken. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += socket.unsentBytes;
    return bytes;
  }

  /** Bytes of messages that are not yet whole, or wait for vectors. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes the upgrade, or throws `overloaded`. */
  accept(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.#sockets.size >= this.socketsMax) {
      const text = `${this.socketsMax} producers are connected, which is the limit; send the batches of several over one socket`;
      throw new MillraceError("overloaded", text, { retryAfterMs: 1_000 });
    }
    this.#server.handleUpgrade(request, socket, head, (peer) => {
      const producer = new IngestSocket({ sockets: this, peer, socket });
      this.#sockets.add(producer);
      peer.once("close", () => {
        this.#sockets.delete(producer);
        this.#due.delete(producer);
      });
    });
  }

  /** Counts bytes that came (or went, below zero). False when it is more than all may hold. */
  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes <= INGEST_HELD_BYTES_MAX;
  }

  /** The session has this producer now; whoever had it before hears so and is closed. */
  takeOver(session: IngestSession, producer: IngestSocket): void {
    const key = keyOf(session);
    const before = this.#holders.get(key);
    this.#holders.set(key, producer);
    if (before !== undefined && before !== producer) before.superseded();
  }

  /** False when another has taken the session over. */
  giveUp(session: IngestSession, producer: IngestSocket): boolean {
    const key = keyOf(session);
    return this.#holders.get(key) === producer && this.#holders.delete(key);
  }

  /** Lets the producer tell what is new in INGEST_ACK_MS, once for all that comes till then. */
  tellSoon(producer: IngestSocket): void {
    this.#due.add(producer);
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.options.clock.after(INGEST_ACK_MS, () => {
      this.#isTelling = false;
      const due = this.#due;
      this.#due = new Set();
      for (const one of due) one.tell();
    });
  }

  /** Tells every producer that the engine goes away (1001) and lets go of those that do not answer. */
  close(): void {
    for (const peer of this.#server.clients) {
      peer.close(1001, "the engine is closing");
      setTimeout(() => peer.terminate(), LAST_WORDS_MS).unref();
    }
    this.#server.close();
  }
}

function keyOf({ space, id }: IngestSession): string {
  return `${space}/${id}`;
}
