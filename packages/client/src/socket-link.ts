/** Follows and appends to any number of streams over one WebSocket (PROTOCOL.md, WebSocket). */
import {
  type Correlation,
  type Frame,
  fromErrorBody,
  MillraceError,
  type Seq,
  type ServerMessage,
  type StreamId,
} from "@millrace/protocol";
import type { ClientClock } from "./clock.ts";
import { codeOfStatus, type Http } from "./http.ts";
import { CONNECT_TIMEOUT_MS, SILENCE_MAX_MS, SOCKET_LINGER_MS } from "./limits.ts";
import type { AppendLine, AppendSink, Followed, Link, LinkRequest, LinkSink } from "./link.ts";

/** The part of a WebSocket that is used: a browser's, Node's own and that of `ws` all have it. */
export type SocketLike = {
  readonly readyState: number;
  /** Bytes handed over and not yet sent. */
  readonly bufferedAmount?: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listen: () => void): void;
  addEventListener(type: "message", listen: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listen: (event: { readonly code: number; readonly reason: string }) => void): void;
};
export type SocketConstructor = new (url: string, protocols?: string[]) => SocketLike;

export type SocketLinkOptions = {
  readonly http: Http;
  readonly WebSocket: SocketConstructor;
  readonly clock: ClientClock;
};

const OPEN = 1;
const NUMBER_MAX = 2 ** 31 - 1;
/** `epoch` is that of the frames that come, which their compact form leaves out. */
type Following = { readonly request: LinkRequest; readonly sink: LinkSink; epoch: string };
type CompactFrame = readonly [seq: number, ts: number, type: string, id: string, data: unknown, Correlation?];
type CompactFrames = readonly [sub: number, ...frames: CompactFrame[]];

/**
 * One socket, opened with the first subscription or writer and closed some time after the last. When it is lost each of them hears
 * so and asks again after a wait of its own; the first that does opens the next socket for all. Subscriptions and appends have numbers
 * that are not used twice, so what still arrives for one that ended is dropped.
 */
export class SocketLink implements Link {
  readonly #options: SocketLinkOptions;
  readonly #following = new Map<number, Following>();
  readonly #writers = new Set<AppendSink>();
  /** Appends without an answer, by their number. */
  readonly #appends = new Map<number, AppendSink>();
  #socket: SocketLike | undefined;
  #lastSub = 0;
  #lastAppend = 0;
  #heardMs = 0;
  #cancelWatch = () => {};
  #cancelLinger = () => {};

  constructor(options: SocketLinkOptions) {
    this.#options = options;
  }

  open(request: LinkRequest, sink: LinkSink): Followed {
    this.#cancelLinger();
    const sub = after(this.#lastSub);
    this.#lastSub = sub;
    this.#following.set(sub, { request, sink, epoch: "" });
    if (!this.#socket) this.#connect();
    else if (this.#socket.readyState === OPEN) this.#subscribe(sub, request);
    return {
      close: () => this.#end(sub),
      acknowledge: (seq) => {
        if (this.#following.has(sub) && this.#socket?.readyState === OPEN) this.#send({ op: "ack", sub, seq });
      },
    };
  }

  openAppends(sink: AppendSink): AppendLine {
    this.#cancelLinger();
    this.#writers.add(sink);
    if (!this.#socket) this.#connect();
    else if (this.#socket.readyState === OPEN) {
      queueMicrotask(() => {
        if (this.#writers.has(sink) && this.#socket?.readyState === OPEN) sink.ready();
      });
    }
    return {
      send: (stream, fields) => this.#append(sink, stream, fields),
      close: () => {
        if (!this.#writers.delete(sink)) return;
        for (const [id, waiting] of this.#appends) if (waiting === sink) this.#appends.delete(id);
        this.#linger();
      },
    };
  }

  close(): void {
    this.#cancelLinger();
    this.#drop(new MillraceError("cancelled", "the client was closed"));
  }

  #connect(): void {
    const { http, WebSocket, clock } = this.#options;
    const { url, protocols } = http.socket();
    const socket = new WebSocket(url, [...protocols]);
    this.#socket = socket;
    this.#heardMs = clock.monotonic();
    let hasOpened = false;
    const ifCurrent = (run: () => void) => {
      if (this.#socket === socket) run();
    };
    this.#watch(socket, () => (hasOpened ? SILENCE_MAX_MS : CONNECT_TIMEOUT_MS));
    socket.addEventListener("open", () => {
      hasOpened = true;
      ifCurrent(() => {
        for (const [sub, { request }] of this.#following) this.#subscribe(sub, request);
        for (const sink of [...this.#writers]) sink.ready();
      });
    });
    socket.addEventListener("message", (event) => ifCurrent(() => this.#receive(event.data)));
    socket.addEventListener("error", () => {}); // a close follows it, and says more
    socket.addEventListener("close", ({ code, reason }) =>
      ifCurrent(() => this.#drop(hasOpened ? closedError(code, reason, url) : http.unreachable())),
    );
  }

  /** A peer that vanished without a word (sleep, a lost network) is noticed by its silence. */
  #watch(socket: SocketLike, silenceMaxMs: () => number): void {
    const { clock, http } = this.#options;
    const check = () => {
      const leftMs = this.#heardMs + silenceMaxMs() - clock.monotonic();
      if (this.#socket !== socket) return;
      if (leftMs > 0) this.#cancelWatch = clock.after(leftMs, check);
      else
        this.#drop(new MillraceError("unavailable", `${http.url} said nothing for ${silenceMaxMs()} ms; reconnecting`));
    };
    this.#cancelWatch = clock.after(silenceMaxMs(), check);
  }

  #subscribe(sub: number, { stream, after, window, durable, snapshot }: LinkRequest): void {
    const asked = { window, durable: durable || undefined, snapshot: snapshot || undefined };
    this.#send({ op: "subscribe", sub, stream, format: "compact", after, ...asked });
  }

  #append(sink: AppendSink, stream: string, fields: string): number {
    const id = after(this.#lastAppend);
    this.#lastAppend = id;
    this.#appends.set(id, sink);
    this.#socket?.send(`{"op":"append","id":${id},"stream":${JSON.stringify(stream)},${fields}}`);
    return id;
  }

  #end(sub: number): void {
    if (!this.#following.delete(sub)) return;
    if (this.#socket?.readyState === OPEN) this.#send({ op: "unsubscribe", sub });
    this.#linger();
  }

  get #isIdle(): boolean {
    return this.#following.size === 0 && this.#writers.size === 0;
  }

  #linger(): void {
    if (!this.#isIdle) return;
    this.#cancelLinger();
    this.#cancelLinger = this.#options.clock.after(SOCKET_LINGER_MS, () => {
      if (this.#isIdle) this.#drop(new MillraceError("cancelled", "no subscription is left"));
    });
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #receive(data: unknown): void {
    this.#heardMs = this.#options.clock.monotonic();
    const text = typeof data === "string" ? data : "";
    let message: ServerMessage | CompactFrames;
    try {
      message = JSON.parse(text) as ServerMessage | CompactFrames;
    } catch {
      this.#drop(
        new MillraceError("internal", `${this.#options.http.url} sent what is no JSON message; reconnecting`, {
          retryable: true,
        }),
      );
      return;
    }
    if (isCompact(message)) this.#takeCompact(message, text.length);
    else this.#dispatch(message, text.length);
  }

  #takeCompact([sub, ...rows]: CompactFrames, chars: number): void {
    const following = this.#following.get(sub);
    if (!following) return;
    const { request, epoch, sink } = following;
    sink.frames(
      rows.map((row) => toFrame(request.stream as StreamId, epoch, row)),
      chars,
    );
  }

  #dispatch(message: ServerMessage, chars: number): void {
    if (message.op === "ping" || message.op === "pong") {
      for (const { sink } of [...this.#following.values()]) sink.alive();
      return;
    }
    if (message.op === "appended") this.#answered(message.id)?.appended(message.id, message);
    else if (message.sub !== undefined) this.#tell(message.sub, message, chars);
    else if (message.op === "error" && message.id !== undefined)
      this.#answered(message.id)?.refused(message.id, fromErrorBody(message.error));
    else if (message.op === "error") this.#drop(fromErrorBody(message.error));
  }

  #answered(id: number): AppendSink | undefined {
    const sink = this.#appends.get(id);
    this.#appends.delete(id);
    return sink;
  }

  #tell(sub: number, message: ServerMessage, chars: number): void {
    const following = this.#following.get(sub);
    if (!following) return;
    const { sink } = following;
    if ("epoch" in message) following.epoch = message.epoch;
    if (message.op === "subscribed") sink.subscribed(message);
    else if (message.op === "frames") sink.frames(message.frames, chars);
    else if (message.op === "gap") sink.gap(message);
    else if (message.op === "snapshot") sink.snapshot(message);
    else if (message.op === "durable") sink.durable(message.seq);
    else if (message.op === "error") {
      this.#following.delete(sub);
      sink.lost(fromErrorBody(message.error));
    }
  }

  /** Ends the socket and tells every subscription and writer why. */
  #drop(error: MillraceError): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#cancelWatch();
    const ended = [...[...this.#following.values()].map(({ sink }) => sink), ...this.#writers];
    this.#following.clear();
    this.#writers.clear();
    this.#appends.clear();
    socket?.close();
    for (const sink of ended) sink.lost(error);
  }
}

function after(number: number): number {
  return number === NUMBER_MAX ? 1 : number + 1;
}

function isCompact(message: ServerMessage | CompactFrames): message is CompactFrames {
  return Array.isArray(message);
}

function toFrame(stream: StreamId, epoch: string, row: CompactFrame): Frame {
  const [seq, ts, type, id, data, correlation] = row;
  const frame = { stream, epoch, seq: seq as Seq, ts, type, id, data };
  return correlation === undefined ? frame : { ...frame, correlation };
}

/** What it means that a socket was closed with that code. */
export function closedError(code: number, reason: string, url: string): MillraceError {
  const known = codeOfStatus("ws", code);
  const text = `the connection to ${url} was closed with ${code}${reason === "" ? "" : `: ${reason}`}`;
  return new MillraceError(known ?? "unavailable", text);
}
