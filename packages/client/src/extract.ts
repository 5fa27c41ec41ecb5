/** Reading pages and files through an engine: one at once, or many as events that survive lost connections. */
import {
  type ExtractDataOf,
  type ExtractFrameType,
  type ExtractJob,
  type ExtractOptions,
  type ExtractRequest,
  type ExtractSource,
  type Frame,
  MillraceError,
  type PageDocument,
} from "@millrace/protocol";
import type { ClientContext } from "./client.ts";
import { EXTRACT_CANCEL_MS, EXTRACT_MARGIN_MS, EXTRACT_PARTS_MAX, EXTRACT_TIMEOUT_MS } from "./limits.ts";
import { StreamHandle } from "./stream.ts";

type Signal = { readonly signal?: AbortSignal | undefined };

/** The bytes of a file, named for its type and for messages. */
export type ExtractFile = {
  readonly file: Blob | Uint8Array;
  readonly source: string;
  readonly contentType?: string | undefined;
};

export type ExtractCallOptions = ExtractOptions & Signal;

export type ExtractManyOptions = ExtractCallOptions &
  Pick<ExtractRequest, "concurrency"> & {
    /** Whether the engine reads on when the loop is left; default false. */
    readonly detached?: boolean;
    /** Goes on with an extraction that was begun before, after the cursor of the last event seen; `urls` is then left empty. */
    readonly resume?: { readonly job: string; readonly after?: string };
  };

type Data<Type extends ExtractFrameType> = ExtractDataOf[Type];
/** `cursor` is where to resume after this event. */
type At = { readonly cursor: string };

/** What came of an extraction, in order; results in order of completion. `summary` is the last. */
export type ExtractEvent =
  | (At & { readonly type: "start" } & Data<"extract.start">)
  | (At & { readonly type: "progress" } & Data<"extract.progress">)
  | (At & {
      readonly type: "result";
      readonly job: string;
      readonly index: number;
      readonly source: string;
      readonly document: PageDocument;
    })
  | (At & { readonly type: "error" } & Data<"extract.error">)
  | (At & { readonly type: "summary" } & Data<"extract.summary">);

export type ExtractApi = {
  /**
   * Reads one source: an address (as text), HTML, or a file. Rejects with what the engine rejects with: `fetch_failed`, `needs_render`,
   * `robots_disallowed`, `unsupported_type`, `timeout` …
   */
  extract(source: string | ExtractSource | ExtractFile, options?: ExtractCallOptions): Promise<PageDocument>;
  /**
   * Reads 1 to 100 pages. One that cannot be read is an event of type `error`; the others go on. Leaving the loop, or `signal`, ends the
   * work unless it is `detached`. Nothing is sent before the first `next()`.
   */
  extractMany(urls: readonly string[], options?: ExtractManyOptions): AsyncIterable<ExtractEvent>;
};

export function extractApi(context: ClientContext): ExtractApi {
  return {
    extract: (source, options = {}) => extractOne(context, source, options),
    extractMany: (urls, options = {}) => ({ [Symbol.asyncIterator]: () => extractAll(context, urls, options) }),
  };
}

function extractOne(
  { http }: ClientContext,
  source: string | ExtractSource | ExtractFile,
  { signal, ...options }: ExtractCallOptions,
): Promise<PageDocument> {
  const timeoutMs = (options.timeoutMs ?? EXTRACT_TIMEOUT_MS) + EXTRACT_MARGIN_MS;
  if (typeof source === "object" && "file" in source) {
    const { file, source: name, contentType = "application/octet-stream" } = source;
    const path = `/v1/extract?${queryOf(name, options)}`;
    return http.call("POST", path, { body: file as BodyInit, contentType, signal, timeoutMs });
  }
  const json: ExtractRequest = { ...(typeof source === "string" ? { url: source } : source), ...options };
  return http.call("POST", "/v1/extract", { json, signal, timeoutMs });
}

function queryOf(source: string, { selectors = [], ...options }: ExtractOptions): string {
  const query = new URLSearchParams({ source });
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
  for (const selector of selectors) query.append("select", selector);
  return query.toString();
}

/** The work is begun detached, so that a lost connection does not end it; leaving the loop does. */
async function* extractAll(
  context: ClientContext,
  urls: readonly string[],
  options: ExtractManyOptions,
): AsyncGenerator<ExtractEvent, void> {
  const { signal, detached = false, resume, ...rest } = options;
  const begun = resume ?? (await begin(context, { urls: [...urls], ...rest, detached: true }, signal));
  const stream = new StreamHandle(context, `extract:${begun.job}`);
  const parts = new Map<number, string[]>();
  let isOver = false;
  try {
    const after = resume?.after;
    for await (const frame of stream.subscribe({ signal, ...(after === undefined ? {} : { after }) })) {
      const event = toEvent(frame as Frame<never>, parts);
      isOver = event?.type === "summary";
      if (event) yield event;
      if (isOver) return;
    }
    if (signal?.aborted) throw MillraceError.from(signal.reason, "cancelled");
  } finally {
    if (!isOver && !detached) await cancel(context, begun.job);
  }
}

function begin({ http }: ClientContext, json: ExtractRequest, signal: AbortSignal | undefined): Promise<ExtractJob> {
  return http.call("POST", "/v1/extract", { json, signal });
}

/** One that has ended meanwhile, and an engine that is away, are left as they are. */
async function cancel({ http }: ClientContext, job: string): Promise<void> {
  const path = `/v1/extract/${encodeURIComponent(job)}/cancel`;
  await http.call("POST", path, { timeoutMs: EXTRACT_CANCEL_MS }).catch(() => {});
}

/** Undefined for a piece of a document, which is kept until the rest is there, and for types of later versions. */
function toEvent({ type, epoch, seq, data }: Frame<never>, parts: Map<number, string[]>): ExtractEvent | undefined {
  const cursor = `${epoch}:${seq}`;
  switch (type as ExtractFrameType) {
    case "extract.start":
      return { type: "start", cursor, ...(data as Data<"extract.start">) };
    case "extract.progress":
      return { type: "progress", cursor, ...(data as Data<"extract.progress">) };
    case "extract.error":
      return { type: "error", cursor, ...(data as Data<"extract.error">) };
    case "extract.summary":
      return { type: "summary", cursor, ...(data as Data<"extract.summary">) };
    case "extract.part":
      keepPart(data, parts);
      return undefined;
    case "extract.result":
      return { type: "result", cursor, ...whole(data, parts) };
  }
}

function keepPart({ index, part, json }: Data<"extract.part">, parts: Map<number, string[]>): void {
  const known = parts.get(index) ?? [];
  if (part >= EXTRACT_PARTS_MAX) throw new MillraceError("too_large", `document ${index} has more than ${part} pieces`);
  known[part] = json;
  parts.set(index, known);
}

function whole({ parts: count, document, ...about }: Data<"extract.result">, parts: Map<number, string[]>) {
  if (document) return { ...about, document };
  const pieces = parts.get(about.index) ?? [];
  parts.delete(about.index);
  if (pieces.length === count && !pieces.includes(undefined as never)) {
    return { ...about, document: JSON.parse(pieces.join("")) as PageDocument };
  }
  const message = `document ${about.index} came in ${count} pieces of which some are before the cursor; resume from an earlier one`;
  throw new MillraceError("gone", message);
}
