import { Deadline, MillraceError, toErrorBody } from "@millrace/core";
import { type RecallResponse, type Source, type SpaceId, toSpaceId } from "@millrace/protocol";
import { AddSchema, CreateSpaceSchema, createCheck, RecallRequestSchema } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import type { SourceInput } from "../jobs/jobs-module.ts";
import { JSON_BYTES_MAX, UPLOAD_BYTES_MAX, WAIT_MS_MAX } from "../limits.ts";
import type { Exchange } from "./exchange.ts";
import { contentTypeOf } from "./job-routes.ts";
import { parseJson, readBody, readJson } from "./read-body.ts";
import type { Router } from "./router.ts";

const checkCreate = createCheck("body", CreateSpaceSchema);
const checkAdd = createCheck("body", AddSchema);
const checkRecall = createCheck("body", RecallRequestSchema);

/** Time a recall may take, waiting included. */
const RECALL_TIMEOUT_MS = 10_000;
const SOURCE_CHARS_MAX = 4_096;

/** Spaces, their documents, adding and recall. */
export function addSpaceRoutes(router: Router, engine: Engine): void {
  const { memory, jobs } = engine;
  router.add("GET", "/v1/spaces", async (exchange) => exchange.json(200, { spaces: await memory.spaces() }));
  router.add("POST", "/v1/spaces", async (exchange) => {
    const { name, embedding } = checkCreate(await readJson(exchange.request));
    const { space, isNew } = await memory.ensureSpace(toSpaceId(name), embedding);
    exchange.json(isNew ? 201 : 200, space);
  });
  router.add("GET", "/v1/spaces/{space}", async (exchange) =>
    exchange.json(200, await memory.space(spaceOf(exchange))),
  );
  router.add("DELETE", "/v1/spaces/{space}", async (exchange) => {
    const space = spaceOf(exchange);
    await memory.space(space);
    await jobs.removeSpace(space, (also) => memory.removeSpace(space, also));
    exchange.empty(204);
  });
  router.add("POST", "/v1/spaces/{space}/documents", (exchange) => add(engine, exchange));
  router.add("GET", "/v1/spaces/{space}/documents", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    exchange.json(200, await memory.documents(spaceOf(exchange), exchange.query("after") ?? "", limit));
  });
  router.add("GET", "/v1/spaces/{space}/documents/{document}", async (exchange) => {
    exchange.json(200, await memory.document(spaceOf(exchange), exchange.param("document")));
  });
  router.add("DELETE", "/v1/spaces/{space}/documents/{document}", async (exchange) => {
    await memory.removeDocument(spaceOf(exchange), exchange.param("document"));
    exchange.empty(204);
  });
  router.add("POST", "/v1/spaces/{space}/recall", (exchange) => recall(engine, exchange));
}

async function recall({ memory, meters }: Engine, exchange: Exchange): Promise<void> {
  const space = spaceOf(exchange);
  const request = checkRecall(await readJson(exchange.request));
  const deadline = Deadline.after(RECALL_TIMEOUT_MS);
  using limit = deadline.signal("the recall", exchange.signal);
  if (exchange.request.headers.accept?.includes("application/x-ndjson")) {
    await streamRecall(exchange, memory.recallStages(space, request, limit.signal));
    meters.recalls.add();
    return;
  }
  const response = await deadline.race("the recall", memory.recall(space, request, limit.signal));
  meters.recalls.add();
  exchange.json(200, response);
}

/** One line for each answer, the last with stage `final`. A failure after the first line is a line `{"error": …}`. */
async function streamRecall(exchange: Exchange, stages: AsyncGenerator<RecallResponse>): Promise<void> {
  const { response } = exchange;
  try {
    for await (const stage of stages) {
      if (!response.headersSent)
        response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
      response.write(`${JSON.stringify(stage)}\n`);
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    response.write(`${JSON.stringify({ error: toErrorBody(error) })}\n`);
  }
  response.end();
}

async function add(engine: Engine, exchange: Exchange): Promise<void> {
  engine.checkReady();
  const space = spaceOf(exchange);
  const waitMs = exchange.integer("waitMs", { min: 0, max: WAIT_MS_MAX, fallback: 0 });
  const isJson = exchange.request.headers["content-type"]?.startsWith("application/json") === true;
  const source = isJson ? undefined : fileSource(exchange);
  // Held until the store has the bytes: they count as being received for as long as they are in memory.
  using body = await readBody(exchange.request, source === undefined ? JSON_BYTES_MAX : UPLOAD_BYTES_MAX);
  const sources =
    source === undefined
      ? checkAdd(parseJson(exchange.request, body.bytes)).sources.map(toSourceInput)
      : [toFileInput(exchange, source, body.bytes)];
  // A space comes to be with its first add, so that a question about it is answered (with nothing) and not refused.
  await engine.memory.ensureSpace(space);
  const job = await engine.jobs.start(space, sources);
  body[Symbol.dispose]();
  if (waitMs > 0) await waitForEnd(engine, job, waitMs, exchange.signal);
  const shown = await engine.jobStore.job(job, engine.clock.now());
  exchange.json(waitMs > 0 && shown.state !== "running" ? 200 : 202, shown);
}

async function waitForEnd({ jobs, clock }: Engine, job: string, waitMs: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const cancel = clock.after(waitMs, () => done.abort());
  const leave = () => done.abort();
  signal.addEventListener("abort", leave, { once: true });
  await jobs.ended(job, done.signal);
  cancel();
  signal.removeEventListener("abort", leave);
}

function fileSource(exchange: Exchange): string {
  const source = exchange.query("source");
  if (source && source.length <= SOURCE_CHARS_MAX) return source;
  throw new MillraceError(
    "invalid_argument",
    "say with ?source= (1 to 4,096 characters) which file the body is, or send JSON as application/json",
  );
}

function toFileInput(exchange: Exchange, source: string, body: Uint8Array): SourceInput {
  return { kind: "upload", source, contentType: contentTypeOf(exchange), state: "queued", body };
}

function toSourceInput(source: Source): SourceInput {
  if ("url" in source) return { kind: "url", source: source.url, contentType: null, state: "queued", body: null };
  const contentType = source.contentType ?? null;
  if ("upload" in source) return { kind: "upload", source: source.source, contentType, state: "waiting", body: null };
  const body = new TextEncoder().encode(source.text);
  return { kind: "text", source: source.source, contentType: contentType ?? "text/plain", state: "queued", body };
}

function spaceOf(exchange: Exchange): SpaceId {
  return toSpaceId(exchange.param("space"));
}
