import { MillraceError } from "@millrace/core";
import {
  type Cursor,
  formatCursor,
  isReservedStream,
  parseCursor,
  type Seq,
  type StreamId,
  toStreamId,
} from "@millrace/protocol";
import { AppendSchema, createCheck } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import type { Exchange } from "./exchange.ts";
import { readJson } from "./read-body.ts";
import type { Router } from "./router.ts";
import { followAsEvents } from "./sse.ts";

const checkAppend = createCheck("body", AppendSchema);

/** Streams: append, read, follow, and the timeline they make. */
export function addStreamRoutes(router: Router, engine: Engine): void {
  const { reader } = engine;
  router.add("GET", "/v1/streams", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    exchange.json(200, { streams: await reader.list(exchange.query("prefix") ?? "", limit) });
  });
  router.add("GET", "/v1/streams/{stream}", async (exchange) =>
    exchange.json(200, await reader.stream(streamOf(exchange))),
  );
  router.add("POST", "/v1/streams/{stream}/events", (exchange) => append(engine, exchange));
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
    return followAsEvents(engine, exchange, streamOf(exchange), after);
  });
}

async function append(engine: Engine, exchange: Exchange): Promise<void> {
  engine.checkReady();
  const stream = streamOf(exchange);
  if (isReservedStream(stream)) {
    throw new MillraceError(
      "forbidden",
      `stream ${stream} is the engine's own; append to one that does not begin with job:, space: or _`,
    );
  }
  const { events, producer } = checkAppend(await readJson(exchange.request));
  const options = producer ? { producer: { producer: producer.id, epoch: producer.epoch, seq: producer.seq } } : {};
  const { epoch, firstSeq, lastSeq, accepted, duplicates } = await engine.sequencer.append(stream, events, options);
  const cursor = formatCursor({ epoch, seq: lastSeq as Seq });
  exchange.json(200, { stream, epoch, firstSeq, lastSeq, cursor, accepted, duplicates });
}

function streamOf(exchange: Exchange): StreamId {
  return toStreamId(exchange.param("stream"));
}

function cursorOf(exchange: Exchange): Cursor | undefined {
  const text = exchange.query("after");
  return text === undefined || text === "" ? undefined : parseCursor(text);
}
