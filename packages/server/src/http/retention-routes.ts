import { MillraceError } from "@millrace/core";
import { type Cursor, formatCursor, parseCursor, type StreamId, toStreamId } from "@millrace/protocol";
import { createCheck, RetentionPolicySchema } from "@millrace/protocol/schemas";
import { checkTrimmable, exportFrames, type RetentionPolicy, StallWatch, verifyStore } from "@millrace/stream";
import type { Engine } from "../engine.ts";
import { EXPORT_PIECE_BYTES } from "../limits.ts";
import type { Exchange } from "./exchange.ts";
import { readJson } from "./read-body.ts";
import type { Router } from "./router.ts";

const checkPolicy = createCheck("body", RetentionPolicySchema);

/** What is kept of streams, what of them is taken out, and whether the store is sound. */
export function addRetentionRoutes(router: Router, engine: Engine): void {
  const { retention } = engine;
  router.add("GET", "/v1/streams/{stream}/retention", async (exchange) =>
    exchange.json(200, await retention.state(streamOf(exchange))),
  );
  router.add("PUT", "/v1/streams/{stream}/retention", async (exchange) => {
    engine.checkReady();
    const stream = streamOf(exchange);
    const policy = checkPolicy(await readJson(exchange.request)) as RetentionPolicy;
    exchange.json(200, await retention.set(stream, policy));
  });
  router.add("DELETE", "/v1/streams/{stream}/retention", async (exchange) => {
    engine.checkReady();
    exchange.json(200, await retention.set(streamOf(exchange), undefined));
  });
  router.add("DELETE", "/v1/streams/{stream}", async (exchange) => {
    engine.checkReady();
    const stream = streamOf(exchange);
    checkTrimmable(stream, "deleted");
    await engine.durableStreams.checkUnowned(stream);
    await retention.remove(stream);
    exchange.empty(204);
  });
  router.add("GET", "/v1/streams/{stream}/export", (exchange) => sendExport(engine, exchange));
  const verification = new Verification(engine);
  router.add("POST", "/v1/verify", async (exchange) => exchange.json(200, await verification.run(exchange.signal)));
}

/** The frames as JSON lines. An error after the first byte cuts the connection, so that a part never passes for the whole. */
async function sendExport(engine: Engine, exchange: Exchange): Promise<void> {
  const { request, response, signal } = exchange;
  const range = { after: cursorOf(exchange, "after"), until: cursorOf(exchange, "until") };
  const { after, until, pages } = await exportFrames(engine.storage, streamOf(exchange), range);
  const headers = { "millrace-after": formatCursor(after), "millrace-until": formatCursor(until) };
  exchange.begin("application/x-ndjson; charset=utf-8", headers);
  using stall = new StallWatch(engine.clock, () => response.destroy());
  if (request.method !== "HEAD") {
    for await (const page of pages) {
      for (const piece of piecesOf(page)) {
        if (signal.aborted) return;
        if (!response.write(piece, () => stall.progressed())) await drained(exchange, stall);
      }
    }
  }
  response.end();
}

/** Small enough that a slow client takes one well within the time after which it counts as stalled. */
function* piecesOf(page: string): Generator<Buffer> {
  const bytes = Buffer.from(page);
  for (let at = 0; at < bytes.length; at += EXPORT_PIECE_BYTES) yield bytes.subarray(at, at + EXPORT_PIECE_BYTES);
}

/** Settles when the client has taken what was written, or has gone. One that takes nothing for 30 s is cut off. */
function drained({ response, signal }: Exchange, stall: StallWatch): Promise<void> {
  stall.start();
  return new Promise((resolve) => {
    const done = () => {
      stall[Symbol.dispose]();
      response.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    response.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}

/** One at a time: a verification reads the whole store. */
class Verification {
  readonly #engine: Engine;
  #isRunning = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async run(signal: AbortSignal) {
    if (this.#isRunning) {
      const message = "a verification is under way, and one runs at a time; try again when it has ended";
      throw new MillraceError("overloaded", message, { retryAfterMs: 10_000 });
    }
    this.#isRunning = true;
    try {
      return await verifyStore({ directory: this.#engine.directory, signal });
    } finally {
      this.#isRunning = false;
    }
  }
}

function streamOf(exchange: Exchange): StreamId {
  return toStreamId(exchange.param("stream"));
}

function cursorOf(exchange: Exchange, name: string): Cursor | undefined {
  const text = exchange.query(name);
  return text === undefined || text === "" ? undefined : parseCursor(text);
}
