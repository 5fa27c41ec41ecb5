/** Follows any number of streams over one WebSocket (PROTOCOL.md, WebSocket). */
import { fromErrorBody, MillraceError, type ServerMessage } from "@millrace/protocol";
import type { ClientClock } from "./clock.ts";
import { codeOfStatus, type Http } from "./http.ts";
import { CONNECT_TIMEOUT_MS, SILENCE_MAX_MS, SOCKET_LINGER_MS } from "./limits.ts";
import type { Link, LinkRequest, LinkSink } from "./link.ts";

/** The part of a WebSocket that is used: a browser's, Node's own and that of `ws` all have it. */
export type SocketLike = {
  readonly readyState: number;
  send(text: string): void;
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
const SUB_MAX = 2 ** 31 - 1;
type Following = { readonly request: LinkRequest; readonly sink: LinkSink };

/**
 * One socket, opened with the first subscription and closed some time after the last. When it is lost every subscription hears
 * so and asks again after a wait of its own; the first that does opens the next socket for all. A subscription has a number that
 * is never used twice, so what still arrives for one that ended is dropped.
 */
export class SocketLink implements Link {
  readonly #options: SocketLinkOptions;
  readonly #following = new Map<number, Following>();
  #socket: SocketLike | undefined;
  #lastSub = 0;
  #heardMs = 0;
  #cancelWatch = () => {};
  #cancelLinger = () => {};

  constructor(options: SocketLinkOptions) {
    this.#options = options;
  }

  open(request: LinkRequest, sink: LinkSink): () => void {
    this.#cancelLinger();
    const sub = this.#lastSub === SUB_MAX ? 1 : this.#lastSub + 1;
    this.#lastSub = sub;
    this.#following.set(sub, { request, sink });
    if (!this.#socket) this.#connect();
    else if (this.#socket.readyState === OPEN) this.#subscribe(sub, request);
    return () => this.#end(sub);
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

  #subscribe(sub: number, { stream, after }: LinkRequest): void {
    this.#send(after === undefined ? { op: "subscribe", sub, stream } : { op: "subscribe", sub, stream, after });
  }

  #end(sub: number): void {
    if (!this.#following.delete(sub)) return;
    if (this.#socket?.readyState === OPEN) this.#send({ op: "unsubscribe", sub });
    if (this.#following.size > 0) return;
    this.#cancelLinger();
    this.#cancelLinger = this.#options.clock.after(SOCKET_LINGER_MS, () => {
      if (this.#following.size === 0) this.#drop(new MillraceError("cancelled", "no subscription is left"));
    });
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #receive(data: unknown): void {
    this.#heardMs = this.#options.clock.monotonic();
    const text = typeof data === "string" ? data : "";
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      this.#drop(
        new MillraceError("internal", `${this.#options.http.url} sent what is no JSON message; reconnecting`, {
          retryable: true,
        }),
      );
      return;
    }
    this.#dispatch(message, text.length);
  }

  #dispatch(message: ServerMessage, chars: number): void {
    if (message.op === "ping" || message.op === "pong") {
      for (const { sink } of [...this.#following.values()]) sink.alive();
      return;
    }
    if (message.op === "appended") return;
    if (message.sub === undefined) {
      if (message.op === "error") this.#drop(fromErrorBody(message.error));
      return;
    }
    const sink = this.#following.get(message.sub)?.sink;
    if (!sink) return;
    if (message.op === "subscribed") sink.subscribed(message);
    else if (message.op === "frames") sink.frames(message.frames, chars);
    else if (message.op === "gap") sink.gap(message);
    else if (message.op === "error") {
      this.#following.delete(message.sub);
      sink.lost(fromErrorBody(message.error));
    }
  }

  /** Ends the socket and tells every subscription why. */
  #drop(error: MillraceError): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#cancelWatch();
    const ended = [...this.#following.values()];
    this.#following.clear();
    socket?.close();
    for (const { sink } of ended) sink.lost(error);
  }
}

function closedError(code: number, reason: string, url: string): MillraceError {
  const known = codeOfStatus("ws", code);
  const text = `the connection to ${url} was closed with ${code}${reason === "" ? "" : `: ${reason}`}`;
  return new MillraceError(known ?? "unavailable", text);
}
