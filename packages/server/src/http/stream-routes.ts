import { MillraceError } from "@millrace/core";
import {
  type Cursor,
  formatCursor,
  parseCursor,
  type Seq,
  type StreamEntry,
  type StreamId,
  toStreamId,
} from "@millrace/protocol";
import { AppendSchema, createCheck } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import { readActivities } from "../metrics/stream-figures.ts";
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
    const streams = await reader.list(exchange.query("prefix") ?? "", limit);
    exchange.json(200, { streams: exchange.flag("detail") ? await withDetails(engine, streams) : streams });
  });
  router.add("GET", "/v1/streams/{stream}", async (exchange) => {
    const entry = await reader.stream(streamOf(exchange));
    exchange.json(200, exchange.flag("detail") ? ((await withDetails(engine, [entry]))[0] ?? entry) : entry);
  });
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
  router.add("GET", "/v1/streams/{stream}/sse", async (exchange) => {
    const stream = streamOf(exchange);
    const lastEventId = lastEventIdOf(exchange);
    const after = lastEventId ?? cursorOf(exchange);
    // 204 ends an EventSource (HTML standard, section 9.2.3), which would else come back to a deleted stream for ever.
    if (lastEventId && !(await hasFrames(engine, stream))) return exchange.empty(204);
    if (exchange.request.method === "HEAD") {
      exchange.openUntilClose("text/event-stream; charset=utf-8");
      exchange.response.end();
      return;
    }
    const wantsSnapshot = exchange.query("snapshot") === "true";
    await followAsEvents({ engine, exchange, heartbeats, stream, after, wantsSnapshot });
  });
}

/** Where a client that comes back was. */
function lastEventIdOf({ request }: Exchange): Cursor | undefined {
  const text = request.headers["last-event-id"];
  return typeof text === "string" && text !== "" ? parseCursor(text) : undefined;
}

/** A stream that exists has at least its newest frame. */
async function hasFrames({ sequencer }: Engine, stream: StreamId): Promise<boolean> {
  const live = await sequencer.follow(stream);
  try {
    return live.visible > 0;
  } finally {
    sequencer.release(live);
  }
}

/** The streams with what they are doing and what of them is kept; those that were deleted meanwhile are left out. */
async function withDetails(engine: Engine, streams: readonly StreamEntry[]): Promise<StreamEntry[]> {
  const names = streams.map(({ stream }) => stream as StreamId);
  const policies = await Promise.all(names.map((name) => policyOf(engine, name)));
  const activities = readActivities(engine, names);
  return streams.flatMap((entry, at) => {
    const [found, retention] = [activities[at], policies[at]];
    if (!found || !retention) return [];
    const { stream: _same, ...activity } = found;
    return [{ ...entry, activity, retention }];
  });
}

/** Undefined when there is no such stream. */
async function policyOf({ retention }: Engine, stream: StreamId): Promise<StreamEntry["retention"]> {
  try {
    const { policy, isDefault } = await retention.state(stream);
    return { policy, isDefault };
  } catch (error) {
    if (MillraceError.from(error).code === "not_found") return undefined;
    throw error;
  }
}

function streamOf(exchange: Exchange): StreamId {
  return toStreamId(exchange.param("stream"));
}

function cursorOf(exchange: Exchange): Cursor | undefined {
  const text = exchange.query("after");
  return text === undefined || text === "" ? undefined : parseCursor(text);
}
