import { type Cursor, formatCursor, parseCursor, type Seq, type StreamId, toStreamId } from "@millrace/protocol";
import { AppendSchema, createCheck } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import { appendEvents } from "./append-events.ts";
import type { Exchange } from "./exchange.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { readJson } from "./read-body.ts";
import type { Router } from "./router.ts";
import { followAsEvents } from "./sse.ts";

const checkAppend = createCheck("body", AppendSchema);

/** Streams: append, read, follow, and the timeline they make. */
export function addStreamRoutes(router: Router, engine: Engine, heartbeats: Heartbeats): void {
  const { reader } = engine;
  router.add("GET", "/v1/streams", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    exchange.json(200, { streams: await reader.list(exchange.query("prefix") ?? "", limit) });
  });
  router.add("GET", "/v1/streams/{stream}", async (exchange) =>
    exchange.json(200, await reader.stream(streamOf(exchange))),
  );
  router.add("POST", "/v1/streams/{stream}/events", async (exchange) => {
    engine.checkReady();
    const request = checkAppend(await readJson(exchange.request));
    exchange.json(200, await appendEvents(engine, exchange.param("stream"), request));
  });
  router.add("GET", "/v1/streams/{stream}/frames", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    const { epoch, frames, last, head } = await reader.frames(streamOf(exchange), cursorOf(exchange), limit);
    // Frames are passed on as the bytes they were stored as.
    const rest = JSON.stringify({ cursor: formatCursor({ epoch, seq: last as Seq }), head, more: last < head });
    exchange.text(
      200,
      `{"frames":[${frames.map(({ json }) => json).join(",")}],${rest.slice(1)}`,
      "application/json; charset=utf-8",
    );
  });
  router.add("GET", "/v1/streams/{stream}/timeline", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 200 });
    const after = exchange.integer("after", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
    const { next, ...page } = await reader.timeline(streamOf(exchange), after, limit);
    exchange.json(200, next === undefined ? page : { ...page, next: String(next) });
  });
  router.add("GET", "/v1/streams/{stream}/sse", (exchange) => {
    const lastEventId = exchange.request.headers["last-event-id"];
    const after = typeof lastEventId === "string" && lastEventId !== "" ? parseCursor(lastEventId) : cursorOf(exchange);
    return followAsEvents({ engine, exchange, heartbeats, stream: streamOf(exchange), after });
  });
}

function streamOf(exchange: Exchange): StreamId {
  return toStreamId(exchange.param("stream"));
}

function cursorOf(exchange: Exchange): Cursor | undefined {
  const text = exchange.query("after");
  return text === undefined || text === "" ? undefined : parseCursor(text);
}
