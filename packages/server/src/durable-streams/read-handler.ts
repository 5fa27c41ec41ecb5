import { type Clock, MillraceError } from "@millrace/core";
import type { Exchange } from "../http/exchange.ts";
import type { Meters } from "../metrics/meters.ts";
import { toBytes, toJsonArray } from "./content.ts";
import type { DurableStreams } from "./durable-streams.ts";
import { CLOSED, CURSOR, NEXT_OFFSET, SSE_ENCODING, UP_TO_DATE } from "./headers.ts";
import { LIVE_READERS_MAX, LONG_POLL_MS } from "./limits.ts";
import { nextCursor } from "./live-cursor.ts";
import { type Place, parsePlace } from "./offset.ts";
import { SseFeed } from "./sse-feed.ts";
import type { Page, StreamReader } from "./stream-reader.ts";

/** A read as its query asks for it. */
type Wanted = {
  readonly place: Place;
  readonly live: "long-poll" | "sse" | undefined;
  readonly cursor: string | undefined;
};

/** GET of a stream: what there is, what comes next (long-poll), or everything as it comes (server-sent events). */
export class ReadHandler {
  readonly #streams: DurableStreams;
  readonly #meters: Meters;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #live = 0;

  constructor(streams: DurableStreams, meters: Meters) {
    this.#streams = streams;
    this.#meters = meters;
    this.#clock = streams.clock;
  }

  /** Readers that wait or follow. */
  get count(): number {
    return this.#live;
  }

  close(): void {
    this.#closing.abort();
  }

  async read(exchange: Exchange, path: string): Promise<void> {
    const wanted = readQuery(exchange.url.searchParams);
    await this.#streams.with(path, async (stream) => {
      using reader = await this.#streams.read(stream);
      this.#streams.touch(stream);
      if (wanted.live === undefined) await this.#catchUp(exchange, reader, wanted);
      else await this.#whileLive((signal) => this.#follow(exchange, reader, wanted, signal), exchange.signal);
    });
  }

  async #catchUp(exchange: Exchange, reader: StreamReader, { place }: Wanted): Promise<void> {
    const page = await reader.page(reader.positionOf(place));
    this.#answer(exchange, reader, page, place);
  }

  #follow(exchange: Exchange, reader: StreamReader, wanted: Wanted, signal: AbortSignal): Promise<void> {
    return wanted.live === "sse"
      ? this.#stream(exchange, reader, wanted, signal)
      : this.#longPoll(exchange, reader, wanted, signal);
  }

  async #longPoll(
    exchange: Exchange,
    reader: StreamReader,
    { place, cursor }: Wanted,
    signal: AbortSignal,
  ): Promise<void> {
    const position = reader.positionOf(place);
    await reader.change(position, LONG_POLL_MS, signal);
    if (exchange.signal.aborted) return;
    this.#streams.touch(reader.stream);
    const page = await reader.page(position);
    const { response } = exchange;
    response.setHeader(CURSOR, nextCursor(cursor, this.#clock.now(), Math.random()));
    if (page.frames.length > 0) return this.#answer(exchange, reader, page, place);
    response.setHeader(NEXT_OFFSET, reader.stream.offset(position));
    response.setHeader(UP_TO_DATE, "true");
    if (reader.isEnd(position)) response.setHeader(CLOSED, "true");
    exchange.empty(204);
  }

  async #stream(
    exchange: Exchange,
    reader: StreamReader,
    { place, cursor }: Wanted,
    signal: AbortSignal,
  ): Promise<void> {
    const { response } = exchange;
    const { stream } = reader;
    const from = reader.positionOf(place);
    if (stream.mode === "bytes") response.setHeader(SSE_ENCODING, "base64");
    openEvents(exchange);
    const onDelivered = (messages: number) => {
      this.#meters.delivered(stream.record.name, messages);
      this.#streams.touch(stream);
    };
    using feed = new SseFeed({ reader, response, signal, clock: this.#clock, cursor, onDelivered });
    try {
      await feed.run(from);
      response.end();
    } catch (error) {
      this.#meters.refused(MillraceError.from(error).code);
      // The protocol has no event for this: the reader comes back from where it is and is told by a status.
      response.destroy();
    }
  }

  #answer(exchange: Exchange, reader: StreamReader, page: Page, place: Place): void {
    const { request, response } = exchange;
    const { stream } = reader;
    const next = stream.offset(page.next);
    const isAtTail = page.next === reader.tail;
    const isEnd = reader.isEnd(page.next);
    response.setHeader(NEXT_OFFSET, next);
    if (isAtTail) response.setHeader(UP_TO_DATE, "true");
    if (isEnd) response.setHeader(CLOSED, "true");
    if (place !== "now") {
      const start = place === "start" ? "-1" : stream.offset(place.position);
      const etag = `"${start}:${next}${isEnd ? ":c" : ""}"`;
      response.setHeader("etag", etag);
      if (isKnown(request.headers["if-none-match"], etag)) {
        exchange.empty(304);
        return;
      }
    }
    const body = stream.mode === "json" ? toJsonArray(page.frames) : toBytes(page.frames);
    this.#meters.delivered(stream.record.name, page.frames.length);
    exchange.text(200, body, stream.record.contentType);
  }

  async #whileLive(use: (signal: AbortSignal) => Promise<void>, gone: AbortSignal): Promise<void> {
    if (this.#live >= LIVE_READERS_MAX)
      throw new MillraceError(
        "overloaded",
        `${LIVE_READERS_MAX} readers wait already, which is the limit; try again later`,
        {
          retryAfterMs: 1_000,
        },
      );
    this.#live++;
    try {
      await use(AbortSignal.any([gone, this.#closing.signal]));
    } finally {
      this.#live--;
    }
  }
}

function readQuery(query: URLSearchParams): Wanted {
  const offsets = query.getAll("offset");
  if (offsets.length > 1)
    throw new MillraceError("invalid_argument", `offset is given ${offsets.length} times; send it once`);
  const [offset] = offsets;
  const live = query.get("live") ?? undefined;
  if (live !== undefined && live !== "long-poll" && live !== "sse")
    throw new MillraceError("invalid_argument", `live is ${JSON.stringify(live.slice(0, 40))}; send long-poll or sse`);
  if (live !== undefined && offset === undefined)
    throw new MillraceError("invalid_argument", `live=${live} needs an offset; send offset=-1 to read from the start`);
  return { place: offset === undefined ? "start" : parsePlace(offset), live, cursor: query.get("cursor") ?? undefined };
}

/** Whether If-None-Match names the tag; comparison is weak (RFC 9110, section 13.1.2). */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = header?.split(",") ?? [];
  return tags.some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

function openEvents({ response }: Exchange): void {
  response.on("error", () => {});
  // No chunks: its end is the end of the connection (RFC 9112, section 6.3), and every write goes out as it is.
  response.removeHeader("transfer-encoding");
  response.writeHead(200, {
    connection: "close",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
    "content-type": "text/event-stream",
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
}
