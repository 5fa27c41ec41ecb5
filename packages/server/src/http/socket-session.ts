import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import {
  type ClientMessage,
  ERROR_STATUS,
  parseCursor,
  type ServerMessage,
  type StreamId,
  toStreamId,
} from "@millrace/protocol";
import { ClientMessageSchema, createCheck } from "@millrace/protocol/schemas";
import { DATA_DEPTH_MAX, isDeeperThan, StallWatch, SUBSCRIBER_BYTES_MAX } from "@millrace/stream";
import type { WebSocket } from "ws";
import { LAST_WORDS_MS, SOCKET_APPENDS_MAX, SUBSCRIPTIONS_MAX } from "../limits.ts";
import { appendEvents } from "./append-events.ts";
import { toShownError } from "./exchange.ts";
import { textFrame } from "./socket-frames.ts";
import { SocketSubscription } from "./socket-subscription.ts";
import type { SocketsOptions } from "./web-socket.ts";

const checkMessage = createCheck("message", ClientMessageSchema);

/** Levels of a message around the data of its events. */
const ENVELOPE_DEPTH = 4;

/** Largest number of a subscription or an append. */
const NUMBER_MAX = 2 ** 31 - 1;

export type SocketSessionOptions = SocketsOptions & { readonly peer: WebSocket; readonly socket: Socket };

/**
 * One socket. What it is sent are whole frames of bytes, written to the TCP socket itself: batches are framed once for all who get them. `ws`
 * reads, and speaks only to answer pings and to close, between our frames.
 */
export class SocketSession {
  readonly #options: SocketSessionOptions;
  readonly #peer: WebSocket;
  readonly #socket: Socket;
  /** By their number; the one served least recently comes first, so that none starves another for the budget they share. */
  readonly #subscriptions = new Map<number, SocketSubscription>();
  /** Watches a peer that is not read from because it does not read. */
  readonly #stall: StallWatch;
  /** Appends handed in and not yet answered. */
  #appending = 0;

  constructor(options: SocketSessionOptions) {
    const { engine, peer, socket, heartbeats } = options;
    this.#options = options;
    this.#peer = peer;
    this.#socket = socket;
    this.#stall = new StallWatch(engine.clock, () =>
      this.#close(new MillraceError("slow_consumer", "answers were asked for and not read; read them and reconnect")),
    );
    peer.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    // ws closes the socket itself after a protocol error; the listener keeps it from ending the process.
    peer.on("error", () => {});
    const onDrain = () => this.#drained();
    socket.on("drain", onDrain);
    const stopBeating = heartbeats.add(() => this.#answer({ op: "ping" }));
    peer.once("close", () => {
      stopBeating();
      socket.off("drain", onDrain);
      this.#stall[Symbol.dispose]();
      for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
      this.#subscriptions.clear();
    });
  }

  /** Bytes handed over, by all subscriptions and answers, and not yet taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get engine(): SocketsOptions["engine"] {
    return this.#options.engine;
  }

  /** Whole WebSocket frames; they are shared with others and must not be changed. */
  send(frames: Buffer): void {
    if (this.#peer.readyState === this.#peer.OPEN) this.#socket.write(frames);
  }

  served(subscription: SocketSubscription): void {
    if (this.#subscriptions.size > 1 && this.#subscriptions.delete(subscription.sub))
      this.#subscriptions.set(subscription.sub, subscription);
  }

  /** Ends the subscription, unless it has been replaced: a number may be used again at once. */
  fail(subscription: SocketSubscription, error: unknown): void {
    const { sub } = subscription;
    if (this.#subscriptions.get(sub) !== subscription) return;
    this.#subscriptions.delete(sub);
    this.#refuse(error, { sub });
    if (error instanceof MillraceError && error.code === "slow_consumer") this.#close(error);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    let message: unknown;
    try {
      if (isBinary)
        throw new MillraceError("unsupported_type", "binary messages are not taken here; send JSON as text");
      message = parse(data);
      checkDepth(message);
      this.#handle(checkMessage(message));
    } catch (error) {
      this.#refuse(error, this.#aboutOf(message));
    }
    this.#hold();
  }

  /** What a message that cannot be taken was about, so that its sender hears it as the answer to just that. */
  #aboutOf(message: unknown): { sub?: number; id?: number } {
    if (typeof message !== "object" || message === null) return {};
    const { op, id, sub } = message as Record<string, unknown>;
    if (op === "append" && isNumber(id)) return { id };
    return op === "subscribe" && isNumber(sub) && !this.#subscriptions.has(sub) ? { sub } : {};
  }

  /** Answers are made as fast as the peer asks; one that does not read them, or asks faster than the log takes, is not heard for a while. */
  #hold(): void {
    if (this.#appending >= SOCKET_APPENDS_MAX) this.#peer.pause();
    if (this.unsentBytes <= SUBSCRIBER_BYTES_MAX || this.#stall.isWatching) return;
    this.#peer.pause();
    this.#stall.start();
  }

  #resume(): void {
    if (this.#appending < SOCKET_APPENDS_MAX && !this.#stall.isWatching && this.#peer.isPaused) this.#peer.resume();
  }

  #handle(message: ClientMessage): void {
    switch (message.op) {
      case "ping":
        this.#answer({ op: "pong" });
        return;
      case "subscribe":
        this.#subscribe(message);
        return;
      case "append":
        void this.#append(message);
        return;
      case "ack":
        this.#subscriptions.get(message.sub)?.acknowledged(message.seq);
        return;
      case "unsubscribe":
        this.#subscriptions.get(message.sub)?.[Symbol.dispose]();
        this.#subscriptions.delete(message.sub);
    }
  }

  #subscribe(message: Extract<ClientMessage, { op: "subscribe" }>): void {
    const { sub, stream, after } = message;
    try {
      this.#checkRoom(sub);
      const name = toStreamId(stream);
      const cursor = after === undefined ? undefined : parseCursor(after);
      const subscription = new SocketSubscription(this, message);
      this.#subscriptions.set(sub, subscription);
      subscription.start(name, cursor).catch((error: unknown) => this.fail(subscription, error));
    } catch (error) {
      this.#refuse(error, { sub });
    }
  }

  async #append({ id, stream, ...request }: Extract<ClientMessage, { op: "append" }>): Promise<void> {
    this.#appending++;
    try {
      this.#answer({ op: "appended", id, ...(await appendEvents(this.engine, stream as StreamId, request)) });
    } catch (error) {
      this.#refuse(error, { id });
    }
    this.#appending--;
    this.#resume();
  }

  #checkRoom(sub: number): void {
    if (this.#subscriptions.has(sub)) {
      throw new MillraceError("conflict", `subscription ${sub} is in use on this socket; choose another number`);
    }
    if (this.#subscriptions.size < SUBSCRIPTIONS_MAX) return;
    const message = `this socket follows ${SUBSCRIPTIONS_MAX} streams, which is the limit; open another socket`;
    throw new MillraceError("overloaded", message);
  }

  #refuse(error: unknown, about: { sub?: number; id?: number } = {}): void {
    const shown = toShownError(error);
    if (shown.code === "internal") this.#options.onDefect(error);
    this.engine.meters.refused(shown.code);
    this.#answer({ op: "error", ...about, error: shown });
  }

  #answer(message: ServerMessage): void {
    this.send(textFrame(JSON.stringify(message)));
  }

  /** A close frame waits behind everything the peer does not read; it gets a moment, then the socket goes. */
  #close({ code, message }: MillraceError): void {
    this.#peer.close(ERROR_STATUS[code].ws, message.slice(0, 120));
    setTimeout(() => this.#peer.terminate(), LAST_WORDS_MS).unref();
  }

  /** The peer took what it was sent. */
  #drained(): void {
    this.#stall.progressed();
    if (this.#stall.isWatching && this.unsentBytes <= SUBSCRIBER_BYTES_MAX) {
      this.#stall[Symbol.dispose]();
      this.#resume();
    }
    // A copy: those that are served move to the end.
    for (const subscription of [...this.#subscriptions.values()]) subscription.drained();
  }
}

function parse(data: Buffer): unknown {
  const text = data.toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new MillraceError("invalid_argument", `the message is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
}

function checkDepth(message: unknown): void {
  if (!isDeeperThan(DATA_DEPTH_MAX + ENVELOPE_DEPTH, message)) return;
  const text = `the data of an event is nested more than ${DATA_DEPTH_MAX} levels deep; put it into a string or flatten it`;
  throw new MillraceError("invalid_argument", text);
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= NUMBER_MAX;
}
