/** One connection of an observation writer (PROTOCOL.md, Observations). */
import {
  fromErrorBody,
  type IngestAck,
  type IngestClientMessage,
  type IngestDeadLetter,
  type IngestRefusal,
  type IngestServerMessage,
  type IngestWatermarks,
  MillraceError,
} from "@millrace/protocol";
import type { ClientClock } from "../clock.ts";
import type { Http } from "../http.ts";
import { CONNECT_TIMEOUT_MS } from "../limits.ts";
import { closedError, type SocketConstructor, type SocketLike } from "../socket-link.ts";
import { INGEST_SILENCE_MAX_MS } from "./limits.ts";

/** What a writer hears, in order. After `lost` it hears nothing more. */
export type IngestSink = {
  opened(ack: IngestAck): void;
  acked(watermarks: IngestWatermarks): void;
  refused(refusal: IngestRefusal): void;
  flowed(credits: number): void;
  deadLetter(letter: IngestDeadLetter): void;
  /** The session could not be opened, or the connection is gone: what was sent may have been taken or not. */
  lost(error: MillraceError): void;
};

export type IngestLineOptions = {
  readonly http: Http;
  readonly WebSocket: SocketConstructor;
  readonly clock: ClientClock;
  readonly init: Extract<IngestClientMessage, { op: "init" }>;
  readonly sink: IngestSink;
};

/** Opens a socket and the session, answers pings, and notices when the engine has gone without a word. */
export class IngestLine {
  readonly #options: IngestLineOptions;
  readonly #socket: SocketLike;
  #isOver = false;
  #hasOpened = false;
  #heardMs: number;
  #cancelWatch = () => {};

  constructor(options: IngestLineOptions) {
    const { http, WebSocket, clock, init } = options;
    this.#options = options;
    this.#heardMs = clock.monotonic();
    const { url, protocols } = http.socket("/v1/ingest");
    const socket = new WebSocket(url, [...protocols]);
    this.#socket = socket;
    this.#watch(CONNECT_TIMEOUT_MS);
    socket.addEventListener("open", () => {
      this.#hasOpened = true;
      if (!this.#isOver) socket.send(JSON.stringify(init));
    });
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("error", () => {}); // a close follows it, and says more
    socket.addEventListener("close", ({ code, reason }) =>
      this.#lose(this.#hasOpened ? closedError(code, reason, url) : http.unreachable()),
    );
  }

  /** Bytes handed over and not yet sent. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount ?? 0;
  }

  send(batch: Uint8Array): void {
    this.#socket.send(batch as Uint8Array<ArrayBuffer>);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelWatch();
    this.#socket.close(this.#hasOpened ? 1000 : undefined);
  }

  #lose(error: MillraceError): void {
    if (this.#isOver) return;
    this.close();
    this.#options.sink.lost(error);
  }

  #watch(inMs: number): void {
    const { clock, http } = this.#options;
    this.#cancelWatch = clock.after(inMs, () => {
      const maxMs = this.#hasOpened ? INGEST_SILENCE_MAX_MS : CONNECT_TIMEOUT_MS;
      const leftMs = this.#heardMs + maxMs - clock.monotonic();
      if (leftMs > 0) this.#watch(leftMs);
      else this.#lose(new MillraceError("unavailable", `${http.url} said nothing for ${maxMs} ms; reconnecting`));
    });
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    this.#heardMs = this.#options.clock.monotonic();
    const message = parse(data);
    const text = `${this.#options.http.url} sent what is no JSON message; reconnecting`;
    if (message) this.#dispatch(message);
    else this.#lose(new MillraceError("internal", text, { retryable: true }));
  }

  #dispatch(message: IngestServerMessage): void {
    const { sink } = this.#options;
    if (message.op === "ack") sink.acked(message);
    else if (message.op === "ping") this.#socket.send('{"op":"pong"}');
    else if (message.op === "init_ack") sink.opened(message);
    else if (message.op === "rejected") sink.refused(message);
    else if (message.op === "flow") sink.flowed(message.credits);
    else if (message.op === "dead_letter") sink.deadLetter(message);
    else if (message.op === "error") this.#lose(fromErrorBody(message.error));
  }
}

function parse(data: unknown): IngestServerMessage | undefined {
  try {
    return JSON.parse(String(data)) as IngestServerMessage;
  } catch {
    return undefined;
  }
}
