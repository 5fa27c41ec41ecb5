import { MillraceError } from "@millrace/core";
import { type ExtractJob, extractStream, type PageDocument, parseCursor } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Heartbeats } from "../http/heartbeats.ts";
import type { Router } from "../http/router.ts";
import { EXTRACT_ANSWER_CHARS_MAX } from "../limits.ts";
import { type AnswerForm, type ExtractCall, formOf, readCall } from "./extract-request.ts";
import { Flow } from "./flow.ts";
import { type EventForm, followExtract } from "./follow-extract.ts";
import { type ReadEvent, readAll } from "./read-all.ts";

/** Extraction: one source at once, several as a stream of events that can be resumed. */
export function addExtractRoutes(router: Router, engine: Engine, heartbeats: Heartbeats): void {
  const { extracts } = engine;
  router.add("POST", "/v1/extract", async (exchange) => {
    const requestedMs = engine.clock.monotonic();
    engine.checkReady();
    const form = formOf(exchange);
    const call = await readCall(exchange);
    if (form === "sse" || form === "ndjson")
      return await stream({ engine, exchange, heartbeats }, call, { form, requestedMs });
    if (call.isDetached) return await detach({ engine, exchange }, call, requestedMs);
    if (call.isList) return await answerAll({ engine, exchange }, call, form);
    await answerOne({ engine, exchange }, call, form);
  });
  router.add("GET", "/v1/extract/{job}", async (exchange) => {
    const form = formOf(exchange);
    const job = exchange.param("job");
    const status = await extracts.status(job);
    if (form === "sse" || form === "ndjson") {
      const name = extractStream(job);
      await followExtract({ engine, exchange, heartbeats, stream: name, form, after: cursorOf(exchange) });
    } else exchange.json(200, { stream: extractStream(job), ...status });
  });
  router.add("POST", "/v1/extract/{job}/cancel", async (exchange) => {
    const job = exchange.param("job");
    await extracts.cancel(job);
    exchange.json(202, { stream: extractStream(job), ...(await extracts.status(job)) });
  });
}

type At = { readonly engine: Engine; readonly exchange: Exchange };

async function answerOne({ engine, exchange }: At, { tasks, read }: ExtractCall, form: AnswerForm): Promise<void> {
  const [task] = tasks;
  if (!task) throw new MillraceError("invalid_argument", "the body names no source");
  const document: PageDocument = await engine.pages.read(task.source, { ...read, signal: exchange.signal });
  if (form === "markdown") exchange.text(200, `${document.markdown}\n`, "text/markdown; charset=utf-8");
  else exchange.json(200, document);
}

/** All results in one answer, in order of completion. */
async function answerAll({ engine, exchange }: At, call: ExtractCall, form: AnswerForm): Promise<void> {
  if (form === "markdown")
    throw new MillraceError(
      "invalid_argument",
      "text/markdown answers one source; ask for JSON or application/x-ndjson",
    );
  const { tasks, read, concurrency } = call;
  const { clock, pages: reader } = engine;
  const startedMs = clock.monotonic();
  const results: string[] = [];
  let [chars, failed] = [0, 0];
  const tell = async (event: ReadEvent) => {
    if (event.kind === "progress") return;
    const { index, name: source } = event.task;
    if (event.kind === "error") failed++;
    const json = JSON.stringify({
      ...{ index, source },
      ...(event.kind === "error" ? { error: event.error } : { document: event.document }),
    });
    chars += json.length;
    if (chars > EXTRACT_ANSWER_CHARS_MAX) throw answerTooLarge(results.length + 1);
    results.push(json);
  };
  const stop = new AbortController();
  const signal = AbortSignal.any([exchange.signal, stop.signal]);
  const options = { reader, tasks, read, concurrency, clock, signal, room: async () => {}, tell };
  await readAll(options).finally(() => stop.abort());
  const counts = {
    total: tasks.length,
    done: results.length - failed,
    failed,
    elapsedMs: clock.monotonic() - startedMs,
  };
  const head = JSON.stringify(counts);
  exchange.text(200, `${head.slice(0, -1)},"results":[${results.join(",")}]}`, "application/json; charset=utf-8");
}

async function detach(
  { engine, exchange }: At,
  { tasks, read, concurrency }: ExtractCall,
  requestedMs: number,
): Promise<void> {
  const {
    job,
    stream: name,
    total,
  } = await engine.extracts.start(tasks, { read, concurrency, flow: new Flow(), requestedMs });
  const started: ExtractJob = { job, stream: name, total };
  exchange.json(202, started);
}

async function stream(
  { engine, exchange, heartbeats }: At & { readonly heartbeats: Heartbeats },
  { tasks, read, concurrency, isDetached }: ExtractCall,
  { form, requestedMs }: { readonly form: EventForm; readonly requestedMs: number },
): Promise<void> {
  const flow = new Flow();
  const { job, stream: name, ended } = await engine.extracts.start(tasks, { read, concurrency, flow, requestedMs });
  // Nobody is left to read: unless the work was meant to outlive its client it ends.
  const leave = () => {
    if (!isDetached) void engine.extracts.cancel(job).catch(() => {});
  };
  if (exchange.signal.aborted) leave();
  else exchange.signal.addEventListener("abort", leave, { once: true });
  await followExtract({ engine, exchange, heartbeats, stream: name, form, flow, ended });
}

function cursorOf(exchange: Exchange) {
  const lastEventId = exchange.request.headers["last-event-id"];
  const text = typeof lastEventId === "string" && lastEventId !== "" ? lastEventId : exchange.query("after");
  return text === undefined || text === "" ? undefined : parseCursor(text);
}

function answerTooLarge(results: number): MillraceError {
  return new MillraceError(
    "too_large",
    `the first ${results} documents have more than ${EXTRACT_ANSWER_CHARS_MAX} characters together; ask for application/x-ndjson, which comes piece by piece`,
  );
}
