import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { MillraceError } from "@millrace/core";
import {
  type ClientMessage,
  ERROR_STATUS,
  type Gap,
  parseCursor,
  type ServerMessage,
  type StreamId,
  toStreamId,
} from "@millrace/protocol";
import { ClientMessageSchema, createCheck } from "@millrace/protocol/schemas";
import {
  Follower,
  type FollowerSink,
  isDeeperThan,
  StallWatch,
  type StoredFrame,
  SUBSCRIBER_BYTES_MAX,
} from "@millrace/stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Engine } from "../engine.ts";
import {
  HEARTBEAT_MS,
  LAST_WORDS_MS,
  SOCKET_MESSAGE_BYTES_MAX,
  SOCKET_MESSAGE_DEPTH_MAX,
  SUBSCRIPTIONS_MAX,
} from "../limits.ts";
import { toShownError } from "./exchange.ts";

const checkMessage = createCheck("message", ClientMessageSchema);

/** The sockets of one server: each follows many streams (PROTOCOL.md, WebSocket). */
export class Sockets {
  readonly #engine: Engine;
  readonly #onDefect: (error: unknown) => void;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: SOCKET_MESSAGE_BYTES_MAX,
    clientTracking: true,
  });

  constructor(engine: Engine, onDefect: (error: unknown) => void) {
    this.#engine = engine;
    this.#onDefect = onDefect;
  }

  get count(): number {
    return this.#server.clients.size;
  }

  /** Bytes handed to all sockets and not yet taken by their peers: bounded by the budget of each (I6). */
  get unsentBytes(): number {
    let bytes = 0;
    for (const peer of this.#server.clients) bytes += peer.bufferedAmount;
    return bytes;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (peer) => new Session(this.#engine, peer, this.#onDefect));
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

class Session {
  readonly #engine: Engine;
  readonly #peer: WebSocket;
  readonly #onDefect: (error: unknown) => void;
  /** By their number; the one served least recently comes first, so that none starves another for the budget they share. */
  readonly #subscriptions = new Map<number, Subscription>();
  /** Watches a peer that is not read from because it does not read. */
  readonly #stall: StallWatch;
  #isDraining = false;

  constructor(engine: Engine, peer: WebSocket, onDefect: (error: unknown) => void) {
    this.#engine = engine;
    this.#peer = peer;
    this.#onDefect = onDefect;
    this.#stall = new StallWatch(engine.clock, () =>
      this.#close(new MillraceError("slow_consumer", "answers were asked for and not read; read them and reconnect")),
    );
    peer.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    // ws closes the socket itself after a protocol error; the listener keeps it from ending the process.
    peer.on("error", () => {});
    const heartbeat = setInterval(() => this.#answer({ op: "ping" }), HEARTBEAT_MS);
    peer.once("close", () => {
      clearInterval(heartbeat);
      this.#stall[Symbol.dispose]();
      for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
      this.#subscriptions.clear();
    });
  }

  /** Bytes handed over, by all subscriptions and answers, and not yet taken. */
  get unsentBytes(): number {
    return this.#peer.bufferedAmount;
  }

  /** When the socket has taken the text there is room again, for whoever waits for it. */
  send(text: string): void {
    if (this.#peer.readyState === this.#peer.OPEN) this.#peer.send(text, () => this.#drainSoon());
  }

  served(subscription: Subscription): void {
    if (this.#subscriptions.delete(subscription.sub)) this.#subscriptions.set(subscription.sub, subscription);
  }

  /** Ends the subscription, unless it has been replaced: a number may be used again at once. */
  fail(subscription: Subscription, error: unknown): void {
    const { sub } = subscription;
    if (this.#subscriptions.get(sub) !== subscription) return;
    this.#subscriptions.delete(sub);
    this.#refuse(error, sub);
    if (error instanceof MillraceError && error.code === "slow_consumer") this.#close(error);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    try {
      if (isBinary)
        throw new MillraceError("unsupported_type", "binary messages are not taken here; send JSON as text");
      this.#handle(checkMessage(parse(data)));
    } catch (error) {
      this.#refuse(error);
    }
    // Answers are made as fast as the peer asks; one that does not read them is not asked for more until it does.
    if (this.unsentBytes <= SUBSCRIBER_BYTES_MAX || this.#stall.isWatching) return;
    this.#peer.pause();
    this.#stall.start();
  }

  #handle(message: ClientMessage): void {
    if (message.op === "ping") this.#answer({ op: "pong" });
    else if (message.op === "subscribe") this.#subscribe(message);
    else {
      this.#subscriptions.get(message.sub)?.[Symbol.dispose]();
      this.#subscriptions.delete(message.sub);
    }
  }

  #subscribe({ sub, stream, after }: Extract<ClientMessage, { op: "subscribe" }>): void {
    try {
      this.#checkRoom(sub);
      const name = toStreamId(stream);
      const cursor = after === undefined ? undefined : parseCursor(after);
      const subscription = new Subscription(this, sub);
      this.#subscriptions.set(sub, subscription);
      subscription.start(this.#engine, name, cursor).catch((error: unknown) => this.fail(subscription, error));
    } catch (error) {
      this.#refuse(error, sub);
    }
  }

  #checkRoom(sub: number): void {
    if (this.#subscriptions.has(sub)) {
      throw new MillraceError("conflict", `subscription ${sub} is in use on this socket; choose another number`);
    }
    if (this.#subscriptions.size < SUBSCRIPTIONS_MAX) return;
    const message = `this socket follows ${SUBSCRIPTIONS_MAX} streams, which is the limit; open another socket`;
    throw new MillraceError("overloaded", message);
  }

  #refuse(error: unknown, sub?: number): void {
    const shown = toShownError(error);
    if (shown.code === "internal") this.#onDefect(error);
    this.#answer({ op: "error", ...(sub === undefined ? {} : { sub }), error: shown });
  }

  #answer(message: ServerMessage): void {
    this.send(JSON.stringify(message));
  }

  /** A close frame waits behind everything the peer does not read; it gets a moment, then the socket goes. */
  #close({ code, message }: MillraceError): void {
    this.#peer.close(ERROR_STATUS[code].ws, message.slice(0, 120));
    setTimeout(() => this.#peer.terminate(), LAST_WORDS_MS).unref();
  }

  /** Once per turn of the event loop, however many writes the socket took in it. */
  #drainSoon(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      this.#drained();
    });
  }

  #drained(): void {
    this.#stall.progressed();
    if (this.#stall.isWatching && this.unsentBytes <= SUBSCRIBER_BYTES_MAX) {
      this.#stall[Symbol.dispose]();
      this.#peer.resume();
    }
    // A copy: those that are served move to the end.
    for (const subscription of [...this.#subscriptions.values()]) subscription.drained();
  }
}

class Subscription implements FollowerSink, Disposable {
  readonly sub: number;
  readonly #session: Session;
  #follower: Follower | undefined;
  #isClosed = false;

  constructor(session: Session, sub: number) {
    this.#session = session;
    this.sub = sub;
  }

  async start(
    { sequencer, storage, meters, clock }: Engine,
    stream: StreamId,
    after: ReturnType<typeof parseCursor> | undefined,
  ): Promise<void> {
    const { deliverMicros } = meters;
    const onDelivered = (frames: number) => meters.deliveries.add(frames);
    const follower = await Follower.start({
      sequencer,
      storage,
      stream,
      after,
      sink: this,
      clock,
      deliverMicros,
      onDelivered,
    });
    this.#follower = follower;
    if (this.#isClosed) follower[Symbol.dispose]();
  }

  get unsentBytes(): number {
    return this.#session.unsentBytes;
  }

  drained(): void {
    this.#follower?.drained();
  }

  begin({ stream, epoch, head, after }: { stream: StreamId; epoch: string; head: number; after: number }): void {
    this.#send(JSON.stringify({ op: "subscribed", sub: this.sub, stream, epoch, head, after }));
  }

  frames(frames: readonly StoredFrame[]): void {
    this.#send(`{"op":"frames","sub":${this.sub},"frames":[${frames.map(({ json }) => json).join(",")}]}`);
    this.#session.served(this);
  }

  gap(gap: Gap): void {
    this.#send(JSON.stringify({ op: "gap", sub: this.sub, ...gap }));
  }

  fail(error: MillraceError): void {
    this.#session.fail(this, error);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#follower?.[Symbol.dispose]();
  }

  #send(text: string): void {
    if (!this.#isClosed) this.#session.send(text);
  }
}

function parse(data: Buffer): unknown {
  const text = data.toString("utf8");
  const shown = () => JSON.stringify(text.slice(0, 80));
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new MillraceError("invalid_argument", `the message is not JSON: ${shown()}`);
  }
  if (!isDeeperThan(SOCKET_MESSAGE_DEPTH_MAX, message)) return message;
  throw new MillraceError("invalid_argument", `the message is nested too deep; it must be one flat object: ${shown()}`);
}
