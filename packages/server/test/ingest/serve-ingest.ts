import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, MillraceError, systemClock } from "@millrace/core";
import type { IngestServerMessage } from "@millrace/protocol";
import { WebSocket } from "ws";
import { until } from "../../../../test/support/until.ts";
import { Exchange } from "../../src/http/exchange.ts";
import { refuseSocket } from "../../src/http/raw-refusal.ts";
import { Router } from "../../src/http/router.ts";
import type { HttpSessions } from "../../src/ingest/http-sessions.ts";
import { IngestSockets } from "../../src/ingest/ingest-sockets.ts";
import { addObservationRoutes } from "../../src/ingest/observation-routes.ts";
import { ModelIngest } from "./model-ingest.ts";

export type ServedIngest = {
  readonly url: string;
  readonly model: ModelIngest;
  readonly sockets: IngestSockets;
  readonly sessions: HttpSessions;
  readonly defects: unknown[];
  readonly refused: string[];
} & AsyncDisposable;

/** The wire of ingest on a port of its own, with the model behind it. */
export async function serveIngest(options: { clock?: Clock; socketsMax?: number } = {}): Promise<ServedIngest> {
  const { clock = systemClock, socketsMax } = options;
  const model = new ModelIngest();
  const defects: unknown[] = [];
  const refused: string[] = [];
  const sockets = new IngestSockets({
    ...{ ingest: model, clock },
    onDefect: (error) => void defects.push(error),
    onRefused: (code) => void refused.push(code),
    ...(socketsMax === undefined ? {} : { socketsMax }),
  });
  const router = new Router();
  const sessions = addObservationRoutes(router, { ingest: model, clock, checkReady: () => {} });
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    let exchange = new Exchange(request, response, url, {});
    try {
      const { handler, params } = router.find(request.method ?? "GET", url.pathname);
      exchange = new Exchange(request, response, url, params);
      await handler(exchange);
    } catch (error) {
      if (MillraceError.from(error).code === "internal") defects.push(error);
      exchange.fail(error);
    }
  });
  server.on("upgrade", (request, socket, head) => {
    try {
      sockets.accept(request, socket as Socket, head);
    } catch (error) {
      refuseSocket(socket as Socket, error);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ model, sockets, sessions, defects, refused },
    async [Symbol.asyncDispose]() {
      model.isPrompt = true;
      for (const session of model.sessions()) session.advance();
      await sessions.close();
      sockets.close();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A producer without any cleverness: it says what it is told to and keeps what it hears. */
export class Producer implements AsyncDisposable {
  readonly heard: IngestServerMessage[] = [];
  readonly socket: WebSocket;
  closedWith: number | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as IngestServerMessage;
      if (message.op === "ping") socket.send('{"op":"pong"}');
      else this.heard.push(message);
    });
    socket.on("close", (code) => {
      this.closedWith = code;
    });
    socket.on("error", () => {});
  }

  static async connect(url: string, headers: Record<string, string> = {}): Promise<Producer> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ingest`, { headers });
    const producer = new Producer(socket);
    await once(socket, "open");
    return producer;
  }

  static async init(url: string, init: object): Promise<Producer> {
    const producer = await Producer.connect(url);
    producer.say({ op: "init", ...init });
    await producer.next("init_ack");
    return producer;
  }

  say(message: object | string): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  all<Op extends IngestServerMessage["op"]>(op: Op): Extract<IngestServerMessage, { op: Op }>[] {
    return this.heard.filter((one): one is Extract<IngestServerMessage, { op: Op }> => one.op === op);
  }

  /** The message of that kind and place, once it has come. */
  async next<Op extends IngestServerMessage["op"]>(op: Op, at = 0): Promise<Extract<IngestServerMessage, { op: Op }>> {
    await until(
      () => this.all(op).length > at,
      () => this.heard,
    );
    return this.all(op)[at] as Extract<IngestServerMessage, { op: Op }>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.terminate();
    await closed;
  }
}
