import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import { CentrifugoSockets } from "./centrifugo/centrifugo-sockets.ts";
import { DurableHttp } from "./durable-streams/durable-http.ts";
import { type DrainReport, Engine, type EngineOptions } from "./engine.ts";
import { addExtractRoutes } from "./extract/extract-routes.ts";
import { addAssetRoutes } from "./http/assets.ts";
import { Exchange } from "./http/exchange.ts";
import { Heartbeats } from "./http/heartbeats.ts";
import { addJobRoutes } from "./http/job-routes.ts";
import { checkOrigin } from "./http/origin-guard.ts";
import { headRefusal, refuseSocket } from "./http/raw-refusal.ts";
import { addReembedRoutes } from "./http/reembed-routes.ts";
import { addRetentionRoutes } from "./http/retention-routes.ts";
import { Router } from "./http/router.ts";
import { addSpaceRoutes } from "./http/space-routes.ts";
import { addStreamRoutes } from "./http/stream-routes.ts";
import { Sockets } from "./http/web-socket.ts";
import { addConsolidationRoutes } from "./ingest/consolidation-routes.ts";
import type { HttpSessions } from "./ingest/http-sessions.ts";
import { IngestSockets } from "./ingest/ingest-sockets.ts";
import { addObservationRoutes } from "./ingest/observation-routes.ts";
import { CONNECTIONS_MAX, HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS, TIMEOUTS_CHECK_MS } from "./limits.ts";
import { readOverview } from "./metrics/overview.ts";
import { toPrometheus } from "./metrics/prometheus.ts";
import { VERSION } from "./version.ts";

export type ServerOptions = EngineOptions & {
  /** 0 chooses a free one; default 4100. Loopback only. */
  readonly port?: number;
  /** Told of defects, which clients see only as `internal`. */
  readonly onDefect?: (error: unknown) => void;
  /** Sockets open at once; one more is closed at once. Default 10,000. */
  readonly connectionsMax?: number;
  /** Time for the head of a request, and for all of it; past it the answer is `timeout`. Default 10,000 and 120,000 ms. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
};

const PORT_DEFAULT = 4_100;
const HOST = "127.0.0.1";

/** Opens an engine and serves it. Rejects with `port_in_use`, `data_in_use`, `data_too_new` …, and then nothing is left open. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const http = createServer({
    keepAliveTimeout: 5_000,
    shouldUpgradeCallback: isForWebSocket,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
  });
  http.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  // The port first: it is the likelier thing to be taken, and an engine that opened for nothing would have recovered jobs.
  await listen(http, options.port ?? PORT_DEFAULT);
  try {
    return new Server(http, await Engine.open(options), options.onDefect ?? (() => {}));
  } catch (error) {
    http.close();
    throw error;
  }
}

/** A running engine behind its HTTP and WebSocket routes. */
export class Server implements AsyncDisposable {
  readonly url: string;
  readonly engine: Engine;
  readonly #http: HttpServer;
  readonly #router = new Router();
  readonly #sockets: Sockets;
  readonly #heartbeats: Heartbeats;
  readonly #centrifugo: CentrifugoSockets;
  readonly #producers: IngestSockets;
  readonly #observing: HttpSessions;
  readonly #durable: DurableHttp;
  readonly #onDefect: (error: unknown) => void;
  readonly #following = new Set<ServerResponse>();
  readonly #answering = new Set<Socket>();
  #closing: Promise<DrainReport> | undefined;

  /** Made by startServer. */
  constructor(http: HttpServer, engine: Engine, onDefect: (error: unknown) => void) {
    this.#http = http;
    this.engine = engine;
    this.#onDefect = onDefect;
    this.#heartbeats = new Heartbeats(engine.clock);
    this.#sockets = new Sockets({ engine, heartbeats: this.#heartbeats, onDefect });
    this.#centrifugo = new CentrifugoSockets(engine, onDefect);
    const { memory, clock } = engine;
    const onRefused = (code: string) => engine.meters.refused(code);
    this.#producers = new IngestSockets({ ingest: memory.ingest, clock, onDefect, onRefused });
    const checkReady = () => engine.checkReady();
    this.#observing = addObservationRoutes(this.#router, { ingest: memory.ingest, clock, checkReady });
    this.#durable = new DurableHttp(engine, onDefect);
    this.url = `http://${HOST}:${(http.address() as AddressInfo).port}`;
    engine.subscriptions.start(this.url);
    this.#addRoutes();
    http.on("request", (request, response) => void this.#handle(request, response));
    // An expectation we do not know is not a reason to refuse (RFC 9110, section 10.1.1).
    http.on("checkExpectation", (request, response) => void this.#handle(request, response));
    http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    http.on("clientError", (error, socket) => this.#refuseHead(error, socket as Socket));
  }

  /** Stops taking requests, finishes work in hand, closes everything. Calling it again waits for the same. */
  close(): Promise<DrainReport> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<DrainReport> {
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeIdleConnections();
    this.#durable.close();
    const report = await this.engine.close();
    this.#sockets.close();
    this.#centrifugo.close();
    this.#producers.close();
    await this.#observing.close();
    for (const response of this.#following) response.end();
    this.#http.closeIdleConnections();
    const cancel = this.engine.clock.after(1_500, () => this.#http.closeAllConnections());
    await stopped;
    cancel();
    return report;
  }

  #addRoutes(): void {
    const { engine } = this;
    const overview = () =>
      readOverview(engine, {
        version: VERSION,
        subscribers: this.#sockets.count + this.#centrifugo.count + this.#durable.readers + this.#following.size,
      });
    this.#router.add("GET", "/livez", (exchange) => exchange.text(200, "ok\n", "text/plain; charset=utf-8"));
    this.#router.add("GET", "/readyz", async (exchange) => {
      await engine.checkThreads();
      exchange.text(200, "ok\n", "text/plain; charset=utf-8");
    });
    this.#router.add("GET", "/metrics", async (exchange) => {
      exchange.text(
        200,
        await toPrometheus(engine, await overview(), this.#unsentBytes),
        "text/plain; version=0.0.4; charset=utf-8",
      );
    });
    this.#router.add("GET", "/v1/overview", async (exchange) => exchange.json(200, await overview()));
    this.#router.add("GET", "/v1/alerts", (exchange) => exchange.json(200, { alerts: engine.watch.alerts.active }));
    addSpaceRoutes(this.#router, engine);
    addConsolidationRoutes(this.#router, engine);
    addJobRoutes(this.#router, engine);
    addStreamRoutes(this.#router, engine, this.#heartbeats);
    addExtractRoutes(this.#router, engine, this.#heartbeats);
    addReembedRoutes(this.#router, engine);
    addRetentionRoutes(this.#router, engine);
    addAssetRoutes(this.#router);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { meters, clock } = this.engine;
    const startedMs = clock.monotonic();
    meters.requests.add();
    this.#answering.add(request.socket);
    response.once("close", () => this.#answering.delete(request.socket));
    let exchange = new Exchange(request, response, new URL("http://localhost/"), {});
    try {
      const url = toUrl(request);
      const isDurable = DurableHttp.isFor(url.pathname);
      if (isDurable) exchange = new Exchange(request, response, url, {});
      if (isDurable && request.method === "OPTIONS") return this.#durable.preflight(exchange);
      checkOrigin(request);
      if (isDurable) return await this.#durable.handle(exchange);
      const { handler, params } = this.#router.find(
        request.method === "HEAD" ? "GET" : (request.method ?? "GET"),
        url.pathname,
      );
      exchange = new Exchange(request, response, url, params);
      this.#track(url, response);
      await handler(exchange);
    } catch (error) {
      this.#refuse(exchange, error);
    } finally {
      // How long a reader waits for what comes next says nothing of the engine.
      if (!exchange.url.searchParams.has("live")) meters.requestMicros.record((clock.monotonic() - startedMs) * 1000);
    }
  }

  get #unsentBytes(): number {
    return this.#sockets.unsentBytes + this.#centrifugo.unsentBytes + this.#producers.unsentBytes;
  }

  #track(url: URL, response: ServerResponse): void {
    if (!url.pathname.endsWith("/sse")) return;
    this.#following.add(response);
    response.once("close", () => this.#following.delete(response));
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const failure = MillraceError.from(error);
    this.engine.meters.refused(failure.code);
    if (failure.code === "internal") this.#onDefect(error);
    exchange.fail(failure);
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      checkOrigin(request);
      const sockets = this.#socketsAt(toUrl(request).pathname);
      this.engine.checkReady();
      sockets.accept(request, socket, head);
    } catch (error) {
      this.engine.meters.refused(MillraceError.from(error).code);
      refuseSocket(socket, error);
    }
  }

  #socketsAt(path: string): Sockets | CentrifugoSockets | IngestSockets {
    if (path === "/v1/ws") return this.#sockets;
    if (path === "/v1/ingest") return this.#producers;
    if (path === "/connection/websocket") return this.#centrifugo;
    throw new MillraceError(
      "not_found",
      `no WebSocket is at ${path.slice(0, 80)}; they are at /v1/ws, /v1/ingest and /connection/websocket`,
    );
  }

  /** A refusal must not land in the middle of an answer: then the socket just goes. */
  #refuseHead(error: NodeJS.ErrnoException, socket: Socket): void {
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    const refusal = headRefusal(error);
    this.engine.meters.refused(refusal.error.code);
    refuseSocket(socket, refusal.error, refusal.status);
  }
}

/** Other upgrades (h2c) are offers that a server may ignore: the request is answered as it is. */
function isForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function toUrl(request: IncomingMessage): URL {
  const target = request.url ?? "/";
  // A target that is a whole URL or begins with // would be read as another host.
  if (target.startsWith("/") && URL.canParse(`http://localhost${target}`)) return new URL(`http://localhost${target}`);
  throw new MillraceError(
    "invalid_argument",
    `the request target ${JSON.stringify(target.slice(0, 80))} is not a path`,
  );
}

function listen(http: HttpServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") return reject(error);
      const message = `port ${port} is in use by another process; stop it, or choose another with --port (0 takes any free one)`;
      reject(new MillraceError("port_in_use", message, { cause: error }));
    });
    http.listen(port, HOST, () => resolve());
  });
}
