/** One client of the Centrifugo protocol: its commands and its subscriptions. */
import type { Duplex } from "node:stream";
import { MillraceError, unreachable } from "@millrace/core";
import { type StreamId, toStreamId } from "@millrace/protocol";
import type { WebSocket } from "ws";
import type { Engine } from "../engine.ts";
import { appendEvents } from "../http/append-events.ts";
import { CENTRIFUGO_CHANNELS_MAX, CENTRIFUGO_PING_MS } from "../limits.ts";
import { VERSION } from "../version.ts";
import {
  DISCONNECTS,
  type Disconnect,
  INSUFFICIENT_STATE,
  type ReplyError,
  replyError,
  toReplyError,
} from "./codes.ts";
import {
  type Command,
  channelOf,
  decodeCommands,
  type Method,
  type Params,
  toHistoryRequest,
  toSubscribeRequest,
} from "./command.ts";
import { readHistory } from "./history.ts";
import { Peer } from "./peer.ts";
import { Subscription, type SubscriptionHost } from "./subscription.ts";

/** Type of the frames that clients of this protocol publish. */
const PUBLISHED_TYPE = "message";

export type SessionOptions = {
  readonly engine: Engine;
  /** The client's id, told to it when it connects. */
  readonly client: string;
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly onDefect: (error: unknown) => void;
};

/**
 * Commands are begun in the order they came; each that has a number gets exactly one answer. What breaks the protocol itself ends the
 * connection with 3501; what one command gets wrong is an error in its own reply.
 */
export class Session implements SubscriptionHost {
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #peer: Peer;
  /** By channel; the one served least recently comes first, so that none starves another for the budget they share. */
  readonly #subscriptions = new Map<StreamId, Subscription>();
  /** Reads of the history, one after the other: each may be a megabyte. */
  #histories: Promise<void> = Promise.resolve();
  #isConnected = false;

  constructor(options: SessionOptions) {
    const { engine, webSocket, socket } = options;
    this.#options = options;
    this.#engine = engine;
    this.#peer = new Peer({
      webSocket,
      socket,
      clock: engine.clock,
      onMessage: (text) => this.#receive(text),
      onDrained: () => this.#drained(),
      onClose: () => this.#end(),
    });
  }

  get unsentBytes(): number {
    return this.#peer.unsentBytes;
  }

  close(disconnect: Disconnect): void {
    this.#peer.close(disconnect);
  }

  write(frames: Buffer): void {
    this.#peer.write(frames);
  }

  served(subscription: Subscription): void {
    const { channel } = subscription;
    if (this.#subscriptions.get(channel) !== subscription) return;
    this.#subscriptions.delete(channel);
    this.#subscriptions.set(channel, subscription);
  }

  lost(subscription: Subscription, error: MillraceError): void {
    const { channel, isAnswered } = subscription;
    if (!this.#drop(subscription, error) || !isAnswered) return;
    this.#peer.send(JSON.stringify({ push: { channel, unsubscribe: INSUFFICIENT_STATE } }));
  }

  slow(): void {
    this.#peer.close(DISCONNECTS.slow);
  }

  #drop(subscription: Subscription, error: unknown): boolean {
    if (this.#subscriptions.get(subscription.channel) !== subscription) return false;
    this.#subscriptions.delete(subscription.channel);
    subscription.end(error);
    return true;
  }

  #end(): void {
    for (const subscription of this.#subscriptions.values()) subscription[Symbol.dispose]();
    this.#subscriptions.clear();
  }

  #drained(): void {
    // A copy: those that are served move to the end.
    for (const subscription of [...this.#subscriptions.values()]) subscription.drained();
  }

  #receive(text: string): void {
    let commands: Command[];
    try {
      commands = decodeCommands(text);
    } catch (error) {
      this.#engine.meters.refused(MillraceError.from(error).code);
      this.#peer.close(DISCONNECTS.badRequest);
      return;
    }
    for (const command of commands) {
      if (this.#peer.isClosed) return;
      this.#handle(command);
    }
  }

  #handle(command: Command): void {
    // First comes connect, and only once.
    if (this.#isConnected === (command.method === "connect")) this.#peer.close(DISCONNECTS.badRequest);
    else if (command.method === "pong") this.#peer.ponged();
    else if (command.method === "unknown") {
      this.#refuse(command.id, replyError("methodNotFound", "this server has no such command"));
    } else this.#run(command.method, command.id, command.params);
  }

  #run(method: Method, id: number, params: Params): void {
    try {
      this.#dispatch(method, id, params);
    } catch (error) {
      this.#fail(id, error);
    }
  }

  #dispatch(method: Method, id: number, params: Params): void {
    switch (method) {
      case "connect":
        this.#connect(id);
        break;
      case "subscribe":
        this.#subscribe(id, params);
        break;
      case "unsubscribe":
        this.#unsubscribe(id, params);
        break;
      case "publish":
        this.#track(id, this.#publish(id, params));
        break;
      case "history":
        this.#track(id, this.#history(id, params));
        break;
      case "refresh":
        this.#reply(id, method, JSON.stringify({ client: this.#options.client, version: VERSION }));
        break;
      case "sub_refresh":
      case "ping":
        this.#reply(id, method, "{}");
        break;
      case "presence":
      case "presence_stats":
      case "rpc":
        this.#refuse(id, replyError("notAvailable", `this server has no ${method}`));
        break;
      case "send":
        // It has no answer in which to refuse it.
        this.#peer.close(DISCONNECTS.notAvailable);
        break;
      default:
        unreachable(method);
    }
  }

  /** Every client may connect: a token is not looked at. */
  #connect(id: number): void {
    this.#isConnected = true;
    const { client } = this.#options;
    this.#reply(
      id,
      "connect",
      JSON.stringify({ client, version: VERSION, ping: CENTRIFUGO_PING_MS / 1000, pong: true }),
    );
    this.#peer.startHeartbeat();
  }

  #subscribe(id: number, params: Params): void {
    const request = toSubscribeRequest(params);
    const { channel } = request;
    const refusal = this.#refusalOf(channel);
    if (refusal) {
      this.#refuse(id, refusal);
      return;
    }
    this.#peer.began();
    const subscription = new Subscription(this, channel, {
      result: (json) => {
        this.#reply(id, "subscribe", json);
        this.#peer.finished();
      },
      fail: (error) => {
        this.#fail(id, error);
        this.#peer.finished();
      },
    });
    this.#subscriptions.set(channel, subscription);
    subscription.start(this.#engine, request).catch((error: unknown) => this.#drop(subscription, error));
  }

  #refusalOf(channel: StreamId): ReplyError | undefined {
    if (this.#subscriptions.has(channel)) {
      return replyError("alreadySubscribed", `this connection follows ${channel} already`);
    }
    if (this.#subscriptions.size < CENTRIFUGO_CHANNELS_MAX) return undefined;
    const detail = `this connection follows ${CENTRIFUGO_CHANNELS_MAX} channels, which is the limit; open another`;
    return replyError("limitExceeded", detail);
  }

  #unsubscribe(id: number, params: Params): void {
    const channel = channelOf(params);
    this.#subscriptions.get(channel)?.[Symbol.dispose]();
    this.#subscriptions.delete(channel);
    this.#reply(id, "unsubscribe", "{}");
  }

  /** Answered when the frame is durable (I4). */
  async #publish(id: number, { channel, data }: Params): Promise<void> {
    if (data === undefined) throw new MillraceError("invalid_argument", "publish has no data");
    await appendEvents(this.#engine, toStreamId(channel), { events: [{ type: PUBLISHED_TYPE, data }] });
    this.#reply(id, "publish", "{}");
  }

  #history(id: number, params: Params): Promise<void> {
    const request = toHistoryRequest(params);
    const turn = this.#histories.then(async () => {
      await this.#peer.room();
      if (!this.#peer.isClosed) this.#reply(id, "history", await readHistory(this.#engine, request));
    });
    // The next one's turn comes however this one ends.
    this.#histories = turn.catch(() => {});
    return turn;
  }

  /** Counts work under way and answers for it when it fails. */
  #track(id: number, work: Promise<void>): void {
    this.#peer.began();
    work.catch((error: unknown) => this.#fail(id, error)).finally(() => this.#peer.finished());
  }

  /** `result` is JSON already. */
  #reply(id: number, method: Method, result: string): void {
    this.#peer.send(`{"id":${id},"${method}":${result}}`);
  }

  #fail(id: number, error: unknown): void {
    const { code } = MillraceError.from(error);
    if (code === "internal") this.#options.onDefect(error);
    this.#engine.meters.refused(code);
    this.#refuse(id, toReplyError(error));
  }

  #refuse(id: number, error: ReplyError): void {
    this.#peer.send(JSON.stringify({ id, error }));
  }
}
