/** What a request for extraction asks for: its sources, how they are read, and the form of the answer. */
import { MillraceError } from "@millrace/core";
import type { PageReadOptions } from "@millrace/extract";
import { EXTRACT_CONCURRENCY_DEFAULT, type ExtractOptions, type ExtractRequest } from "@millrace/protocol";
import { createCheck, ExtractOptionsSchema, ExtractRequestSchema } from "@millrace/protocol/schemas";
import type { Exchange } from "../http/exchange.ts";
import { contentTypeOf } from "../http/job-routes.ts";
import { parseJson, readBody } from "../http/read-body.ts";
import { JSON_BYTES_MAX, UPLOAD_BYTES_MAX } from "../limits.ts";
import type { ReadTask } from "./source-queue.ts";

export type AnswerForm = "json" | "markdown" | "ndjson" | "sse";

export type ExtractCall = {
  readonly tasks: readonly ReadTask[];
  /** Whether a list was asked for, be it of one. */
  readonly isList: boolean;
  readonly read: PageReadOptions;
  readonly concurrency: number;
  readonly isDetached: boolean;
};

const checkRequest = createCheck("body", ExtractRequestSchema);
const checkOptions = createCheck("query", ExtractOptionsSchema);
const SOURCE_CHARS_MAX = 4_096;
const FLAGS = ["includeHtml", "explain", "allowDegraded", "ignoreRobots"] as const;
const NUMBERS = ["timeoutMs", "maxAgeMs"] as const;
const TEXTS = ["mode", "cache"] as const;

/** By the first of the forms that `Accept` names; JSON when it names none. */
export function formOf({ request }: Exchange): AnswerForm {
  const accept = request.headers.accept ?? "";
  if (accept.includes("text/event-stream")) return "sse";
  if (accept.includes("application/x-ndjson")) return "ndjson";
  return accept.includes("text/markdown") ? "markdown" : "json";
}

/** Reads the body: JSON that names sources, or a file whose name is `?source=` and whose options are in the query. */
export async function readCall(exchange: Exchange): Promise<ExtractCall> {
  const isJson = exchange.request.headers["content-type"]?.startsWith("application/json") === true;
  const source = isJson ? "" : fileSource(exchange);
  using body = await readBody(exchange.request, isJson ? JSON_BYTES_MAX : UPLOAD_BYTES_MAX);
  if (isJson) return toCall(checkRequest(parseJson(exchange.request, body.bytes)));
  const contentType = contentTypeOf(exchange) ?? undefined;
  const task: ReadTask = { index: 0, name: source, source: { bytes: body.bytes, source, contentType } };
  return { tasks: [task], isList: false, read: toRead(queryOptions(exchange)), concurrency: 1, isDetached: false };
}

function toCall(request: ExtractRequest): ExtractCall {
  const { url, html, urls, detached = false, concurrency = EXTRACT_CONCURRENCY_DEFAULT, ...options } = request;
  const given = [urls !== undefined, html !== undefined, url !== undefined && html === undefined].filter(Boolean);
  if (given.length !== 1 || (urls !== undefined && url !== undefined)) {
    const message = "give one of url (a page), html (with url as its base) and urls (several pages)";
    throw new MillraceError(
      "invalid_argument",
      `the body names ${given.length === 0 ? "no source" : "several sources"}; ${message}`,
    );
  }
  const read = toRead(options);
  const isList = urls !== undefined;
  return { tasks: tasksOf(request), isList, read, concurrency, isDetached: detached };
}

function tasksOf({ url, html, urls }: Pick<ExtractRequest, "url" | "html" | "urls">): ReadTask[] {
  if (urls) return urls.map((one, index) => ({ index, name: one, source: { url: one } }));
  if (html !== undefined) return [{ index: 0, name: url ?? "page.html", source: { html, url } }];
  return [{ index: 0, name: url ?? "", source: { url: url ?? "" } }];
}

function toRead({ includeHtml, ...options }: ExtractOptions): PageReadOptions {
  return includeHtml === undefined ? options : { ...options, html: includeHtml };
}

/** The options of a file, from the query: selectors are repeated `select`s. */
function queryOptions(exchange: Exchange): ExtractOptions {
  const { searchParams } = exchange.url;
  const options: Record<string, unknown> = {};
  for (const name of TEXTS) if (searchParams.has(name)) options[name] = searchParams.get(name);
  for (const name of FLAGS) if (searchParams.has(name)) options[name] = exchange.flag(name);
  for (const name of NUMBERS)
    if (searchParams.has(name))
      options[name] = exchange.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
  if (searchParams.has("select")) options.selectors = searchParams.getAll("select");
  return checkOptions(options);
}

function fileSource(exchange: Exchange): string {
  const source = exchange.query("source");
  if (source && source.length <= SOURCE_CHARS_MAX) return source;
  throw new MillraceError(
    "invalid_argument",
    "say with ?source= (1 to 4,096 characters) which file the body is, or send JSON as application/json",
  );
}
