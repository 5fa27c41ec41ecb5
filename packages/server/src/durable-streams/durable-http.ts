import type { IncomingMessage } from "node:http";
import { MillraceError } from "@millrace/core";
import { type Exchange, toShownError } from "../http/exchange.ts";
import { type Body, readBody } from "../http/read-body.ts";
import type { Meters } from "../metrics/meters.ts";
import { type ContentMode, mediaTypeOf, toEvents } from "./content.ts";
import type { DurableStream } from "./durable-stream.ts";
import type { DurableStreams } from "./durable-streams.ts";
import { CLOSED, EXPIRES_AT, NEXT_OFFSET, REQUEST_HEADERS, TTL } from "./headers.ts";
import { BODY_BYTES_MAX, DISCARD_BYTES_MAX } from "./limits.ts";
import { ReadHandler } from "./read-handler.ts";
import { Refusal } from "./refusal.ts";
import { readCloses, readContentType, readCreateHead, readProducer, readSeq } from "./request-head.ts";
import { CONTROL_SEGMENT, isReservedPath, STREAM_ROOT, toStreamPath } from "./stream-path.ts";
import { SubscriptionHttp } from "./subscriptions/subscription-http.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";
import { answerWrite } from "./write-answer.ts";

/** What these routes need of an engine. */
export type DurableEngine = {
  readonly durableStreams: DurableStreams;
  readonly subscriptions: Subscriptions;
  readonly meters: Meters;
  checkReady(): void;
};

const METHODS = "GET, HEAD, PUT, POST, DELETE, OPTIONS";

/** The Durable Streams protocol at /v1/stream/: every path below it is a stream, but for the protocol's own routes. */
export class DurableHttp {
  readonly #engine: DurableEngine;
  readonly #reads: ReadHandler;
  readonly #subscriptions: SubscriptionHttp;
  readonly #onDefect: (error: unknown) => void;

  constructor(engine: DurableEngine, onDefect: (error: unknown) => void) {
    this.#engine = engine;
    this.#onDefect = onDefect;
    this.#reads = new ReadHandler(engine.durableStreams, engine.meters);
    this.#subscriptions = new SubscriptionHttp(engine.subscriptions);
  }

  /** Readers that wait or follow. */
  get readers(): number {
    return this.#reads.count;
  }

  /** Whether a URL path is of this protocol. */
  static isFor(pathname: string): boolean {
    return pathname.startsWith(STREAM_ROOT);
  }

  /**
   * What a browser asks before a page of another origin may send: which methods and headers there are. It is not told that the page may,
   * and the request itself is refused as everywhere.
   */
  preflight(exchange: Exchange): void {
    const { response } = exchange;
    response.setHeader("access-control-allow-methods", METHODS);
    response.setHeader("access-control-allow-headers", REQUEST_HEADERS);
    response.setHeader("allow", METHODS);
    exchange.empty(204);
  }

  /** Ends those who wait and those who follow. */
  close(): void {
    this.#reads.close();
  }

  /** Answers the request, refusals included. */
  async handle(exchange: Exchange): Promise<void> {
    try {
      const raw = exchange.url.pathname.slice(STREAM_ROOT.length);
      if (raw === CONTROL_SEGMENT || raw.startsWith(`${CONTROL_SEGMENT}/`))
        await this.#subscriptions.handle(exchange, raw.slice(CONTROL_SEGMENT.length + 1));
      else await this.#dispatch(exchange, toStreamPath(raw));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  #dispatch(exchange: Exchange, path: string): Promise<void> {
    const { method } = exchange.request;
    if (method === "GET") return this.#reads.read(exchange, path);
    if (method === "HEAD") return this.#head(exchange, path);
    if (method !== "PUT" && method !== "POST" && method !== "DELETE") throw notAllowed(exchange, method);
    this.#engine.checkReady();
    if (isReservedPath(path))
      throw new MillraceError(
        "forbidden",
        `${path} is the engine's own; write to a path that does not begin with job:, space: or _`,
      );
    if (method === "PUT") return this.#create(exchange, path);
    return method === "POST" ? this.#append(exchange, path) : this.#remove(exchange, path);
  }

  async #create(exchange: Exchange, path: string): Promise<void> {
    const { request, response, url } = exchange;
    const head = readCreateHead(request);
    using body = await receive(request);
    const events = (mode: ContentMode) =>
      body.bytes.length === 0 ? [] : toEvents(mode, body.bytes, this.#engine.durableStreams.newId());
    const created = await this.#engine.durableStreams.create({ path, ...head, events });
    response.setHeader("content-type", created.contentType);
    response.setHeader("content-length", 0);
    response.setHeader(NEXT_OFFSET, created.tail);
    if (created.isClosed) response.setHeader(CLOSED, "true");
    if (created.isNew) response.setHeader("location", `http://${request.headers.host}${url.pathname}`);
    exchange.empty(created.isNew ? 201 : 200);
  }

  async #append(exchange: Exchange, path: string): Promise<void> {
    const { request, response } = exchange;
    const { headers } = request;
    const producer = readProducer(headers);
    const seq = readSeq(headers);
    const closes = readCloses(headers);
    using body = await receive(request);
    const hasMessages = body.bytes.length > 0;
    if (!hasMessages && !closes)
      throw new MillraceError(
        "invalid_argument",
        "the body is empty; send what is to be appended, or Stream-Closed: true",
      );
    const contentType = readContentType(headers);
    if (hasMessages && contentType === undefined)
      throw new MillraceError("invalid_argument", "Content-Type is missing or no media type; send that of the stream");
    const { durableStreams } = this.#engine;
    const { verdict, tail, stream } = await durableStreams.write(path, {
      producer,
      seq,
      mediaType: hasMessages && contentType !== undefined ? mediaTypeOf(contentType) : undefined,
      closes,
      events: (mode) => (hasMessages ? appended(toEvents(mode, body.bytes, durableStreams.newId())) : []),
    });
    const at = stream.offset(tail ?? (await this.#tailOf(stream)));
    const { isClosed } = stream;
    const answer = answerWrite(verdict, { path, producer, hasMessages, isClosed, tail: at });
    for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
    exchange.empty(answer.status);
  }

  async #remove(exchange: Exchange, path: string): Promise<void> {
    await this.#engine.durableStreams.remove(path);
    exchange.empty(204);
  }

  async #head(exchange: Exchange, path: string): Promise<void> {
    const { durableStreams } = this.#engine;
    await durableStreams.with(path, async (stream) => {
      const { record, isClosed } = stream;
      const tail = stream.offset(await this.#tailOf(stream));
      const { response } = exchange;
      response.setHeader("content-type", record.contentType);
      response.setHeader("cache-control", "no-store");
      response.setHeader(NEXT_OFFSET, tail);
      response.setHeader("etag", `"-1:${tail}${isClosed ? ":c" : ""}"`);
      if (isClosed) response.setHeader(CLOSED, "true");
      if (record.ttlSeconds !== undefined) response.setHeader(TTL, String(record.ttlSeconds));
      if (record.expiresAt !== undefined) response.setHeader(EXPIRES_AT, record.expiresAt);
      exchange.empty(200);
    });
  }

  async #tailOf(stream: DurableStream): Promise<number> {
    using reader = await this.#engine.durableStreams.read(stream);
    return reader.tail;
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const { request, response } = exchange;
    const failure = MillraceError.from(error);
    this.#engine.meters.refused(failure.code);
    if (failure.code === "internal") this.#onDefect(error);
    const { status, headers = {} } = failure instanceof Refusal ? failure : {};
    if (!response.headersSent) for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (response.headersSent || status === undefined) {
      exchange.fail(failure);
      return;
    }
    if (!request.complete) response.setHeader("connection", "close");
    exchange.json(status, { error: toShownError(failure) });
  }
}

/** The body. One that is too large is refused after its end when that comes soon enough. */
async function receive(request: IncomingMessage): Promise<Body> {
  try {
    return await readBody(request, BODY_BYTES_MAX);
  } catch (error) {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (error instanceof MillraceError && error.code === "too_large" && declared <= DISCARD_BYTES_MAX)
      await discard(request).catch(() => {});
    throw error;
  }
}

async function discard(request: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > DISCARD_BYTES_MAX) return;
  }
}

/** An array without an element makes a stream, but appends nothing. */
function appended<T>(events: readonly T[]): readonly T[] {
  if (events.length > 0) return events;
  throw new MillraceError("invalid_argument", "the array is empty; send at least one message");
}

function notAllowed({ response }: Exchange, method: string | undefined): MillraceError {
  response.setHeader("allow", METHODS);
  return new MillraceError("method_not_allowed", `a stream takes ${METHODS}, not ${method}`);
}
