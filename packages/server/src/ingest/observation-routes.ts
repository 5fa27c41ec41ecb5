import { type Clock, checkText, Deadline, MillraceError } from "@millrace/core";
import type { IngestSession } from "@millrace/memory";
import {
  INGEST_MARKS,
  type IngestMark,
  LANES,
  type ObservationBatch,
  type ObserveResponse,
  toSpaceId,
  vectorBytes,
} from "@millrace/protocol";
import type { Exchange } from "../http/exchange.ts";
import { readBody } from "../http/read-body.ts";
import type { Router } from "../http/router.ts";
import { HttpSessions } from "./http-sessions.ts";
import { OBSERVATIONS_BODY_BYTES_MAX, OBSERVE_WAIT_MS } from "./limits.ts";
import type { ObservationIngest } from "./observation-ingest.ts";
import { type ReadObservations, readObservations } from "./read-observations.ts";
import { bytesOf, embedBatch, isTextBatch } from "./text-batch.ts";

export type ObservationRoutesOptions = {
  readonly ingest: ObservationIngest;
  readonly clock: Clock;
  /** Throws `unavailable` while the engine closes. */
  readonly checkReady: () => void;
};

const SESSION = { pattern: /^[A-Za-z0-9_-]{1,32}$/, rule: "a session is named by 1 to 32 letters, digits, - and _" };

/** Taking in observations by request, and removing them (PROTOCOL.md, Observations). Close what it returns with the server. */
export function addObservationRoutes(router: Router, options: ObservationRoutesOptions): HttpSessions {
  const sessions = new HttpSessions(options.ingest, options.clock);
  router.add("POST", "/v1/spaces/{space}/observations", (exchange) =>
    withRetryAfter(exchange, () => observe(exchange, options, sessions)),
  );
  router.add("DELETE", "/v1/spaces/{space}/observations/{id}", (exchange) => remove(exchange, options));
  return sessions;
}

async function remove(exchange: Exchange, { ingest, checkReady }: ObservationRoutesOptions): Promise<void> {
  checkReady();
  const space = toSpaceId(exchange.param("space"));
  const id = exchange.param("id");
  const removed = await ingest.remove(space, [id]);
  if (removed === 0) {
    throw new MillraceError("not_found", `space ${space} has no observation ${JSON.stringify(id.slice(0, 128))}`);
  }
  exchange.empty(204);
}

/** Seconds are coarse for a queue that drains in milliseconds. */
async function withRetryAfter(exchange: Exchange, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const { retryAfterMs } = MillraceError.from(error);
    if (retryAfterMs !== undefined && !exchange.response.headersSent) {
      exchange.response.setHeader("retry-after-ms", Math.ceil(retryAfterMs));
    }
    throw error;
  }
}

async function observe(exchange: Exchange, options: ObservationRoutesOptions, sessions: HttpSessions): Promise<void> {
  options.checkReady();
  const space = toSpaceId(exchange.param("space"));
  const mark = oneOf(exchange, "wait", INGEST_MARKS) ?? "durable";
  const { session, seq } = placeOf(exchange);
  // Held until the engine has copied it: its bytes count as being received for as long as they are in memory.
  using body = await readBody(exchange.request, OBSERVATIONS_BODY_BYTES_MAX);
  const lane = oneOf(exchange, "lane", LANES) ?? "normal";
  const read = readObservations(exchange.request.headers["content-type"], body.bytes, lane);
  const firstSeq = numberOf(session, seq, read.batch);
  const dims = read.batch.dims === 0 ? undefined : read.batch.dims;
  const answer = await sessions.use(
    { space, session, lane: read.batch.lane, dims },
    {
      submit: async (held) => submit(held, { ...(await withVectors(options.ingest, held, read)), firstSeq }),
      settle: async (held) => {
        body[Symbol.dispose]();
        await reached(held, mark, { clock: options.clock, gone: exchange.signal });
      },
    },
  );
  exchange.json(mark === "accepted" ? 202 : 200, answer satisfies ObserveResponse);
}

function oneOf<T extends string>(exchange: Exchange, name: string, known: readonly T[]): T | undefined {
  const text = exchange.query(name);
  const found = known.find((one) => one === text);
  if (text === undefined || found !== undefined) return found;
  const rule = `it must be one of ${known.join(", ")}`;
  throw new MillraceError("invalid_argument", `${name} is ${JSON.stringify(text.slice(0, 40))}; ${rule}`);
}

function placeOf(exchange: Exchange): { session: string | undefined; seq: number | undefined } {
  const given = exchange.query("session");
  const session = given === undefined ? undefined : checkText("session", given, SESSION);
  if (exchange.query("seq") === undefined) return { session, seq: undefined };
  const seq = exchange.integer("seq", { min: 1, max: Number.MAX_SAFE_INTEGER - 1, fallback: 1 });
  if (session !== undefined) return { session, seq };
  throw new MillraceError("invalid_argument", "seq is a number within a session; name the session with ?session=");
}

/** Without a session the engine numbers; within one the query does, or else the batch itself. */
function numberOf(session: string | undefined, seq: number | undefined, batch: ObservationBatch): number {
  if (session === undefined) return 0;
  const firstSeq = seq ?? batch.firstSeq;
  if (Number.isSafeInteger(firstSeq) && firstSeq >= 1) return firstSeq;
  const text = `session ${session} is named and no number: say with ?seq= which of its observations the first one is, from 1`;
  throw new MillraceError("invalid_argument", text);
}

async function withVectors(
  ingest: ObservationIngest,
  session: IngestSession,
  { batch, texts }: ReadObservations,
): Promise<ObservationBatch> {
  if (isTextBatch(batch)) return embedBatch(ingest, session, batch);
  if (texts.size === 0) return batch;
  if (batch.dims !== session.dims) {
    const text = `the vectors have ${batch.dims} dimensions; space ${session.space} holds vectors of ${session.dims}`;
    throw new MillraceError("dimension_mismatch", text);
  }
  const embedded = await ingest.embedTexts(session.space, [...texts.values()]);
  const vectors = batch.vectors.slice();
  const size = vectorBytes("f32", batch.dims);
  let at = 0;
  for (const place of texts.keys()) {
    vectors.set(bytesOf(embedded.subarray(at * batch.dims, (at + 1) * batch.dims)), place * size);
    at++;
  }
  return { ...batch, vectors };
}

function submit(session: IngestSession, batch: ObservationBatch): ObserveResponse {
  const before = session.nextSeq;
  const firstSeq = batch.firstSeq === 0 ? before : batch.firstSeq;
  session.submit({ ...batch, firstSeq });
  return {
    session: session.id,
    accepted: session.nextSeq - before,
    firstSeq,
    lastSeq: firstSeq + batch.count - 1,
    // Read when the answer is made.
    get watermarks() {
      return session.watermarks;
    },
  };
}

async function reached(
  session: IngestSession,
  mark: IngestMark,
  { clock, gone }: { readonly clock: Clock; readonly gone: AbortSignal },
): Promise<void> {
  if (mark === "accepted") return;
  const deadline = Deadline.after(OBSERVE_WAIT_MS, clock);
  using limit = deadline.signal(`waiting until what was accepted is ${mark}`, gone);
  try {
    await session.reached(mark, limit.signal);
  } catch (error) {
    throw limit.signal.aborted ? limit.signal.reason : error;
  }
}
