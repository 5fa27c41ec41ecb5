/**
 * Any server that speaks `POST {url}/embeddings` as OpenAI does: OpenAI itself, Ollama, vLLM, TEI, LM Studio. Batched, one request
 * at a time, retried on what can pass (429, 5xx, network), and checked: a wrong count, length or number is an error.
 */
import { type Clock, checkInteger, MillraceError, systemClock } from "@millrace/core";
import { checkTexts } from "./check-texts.ts";
import { ANSWER_BYTES_MAX, BATCH_MAX, DIMS_MAX, TIMEOUT_MS_MAX } from "./limits.ts";
import type { EmbeddingProvider, EmbedOptions } from "./provider.ts";
import { retry } from "./retry.ts";
import { toUnitVectors } from "./unit-vectors.ts";

export type OpenAiOptions = {
  /** What stands before `/embeddings`, for example `http://127.0.0.1:11434/v1`. */
  readonly url: string;
  /** Sent as a bearer token; never part of a message. */
  readonly apiKey?: string | undefined;
  readonly model: string;
  /** The length of the model's vectors; without it one text is embedded to learn it. */
  readonly dims?: number | undefined;
  /** Texts in one request; default 64, at most 2,048. */
  readonly batchMax?: number | undefined;
  /** Time for one request; default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Put before every passage or query, for models that were trained so (`"query: "`, `"passage: "`). */
  readonly prefixes?: { readonly query?: string; readonly passage?: string } | undefined;
  readonly clock?: Clock | undefined;
};

type Endpoint = {
  readonly address: string;
  /** The address as messages show it: without user, password and query. */
  readonly shown: string;
  readonly apiKey: string | undefined;
  readonly model: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
};

const BATCH_DEFAULT = 64;
const TIMEOUT_MS_DEFAULT = 30_000;
const PROBE = "How long are the vectors of this model?";
/** Characters of a server's error text that a message repeats. */
const ERROR_CHARS_MAX = 300;

/** Rejects with `invalid_argument` for an option, and as `embed` does when it has to ask for the dimensions. */
export async function createOpenAiProvider(options: OpenAiOptions): Promise<EmbeddingProvider> {
  const endpoint = endpointOf(options);
  const batchMax = checkInteger("batchMax", options.batchMax ?? BATCH_DEFAULT, { min: 1, max: BATCH_MAX });
  const dims =
    options.dims === undefined
      ? ((await request(endpoint, [PROBE], undefined))[0] as readonly number[]).length
      : options.dims;
  checkInteger("dims", dims, { min: 1, max: DIMS_MAX });
  return {
    name: "openai",
    model: options.model,
    dims,
    async embed(texts, { kind, signal }: EmbedOptions) {
      checkTexts(texts);
      const prefix = options.prefixes?.[kind] ?? "";
      const vectors = new Float32Array(texts.length * dims);
      for (let at = 0; at < texts.length; at += batchMax) {
        const batch = texts.slice(at, at + batchMax).map((text) => prefix + text);
        const answered = await request(endpoint, batch, signal);
        answered.forEach((vector, index) => {
          if (vector.length !== dims) throw wrongLength(endpoint, vector.length, dims);
          vectors.set(vector, (at + index) * dims);
        });
      }
      return toUnitVectors(vectors, { dims, model: options.model });
    },
  };
}

function endpointOf({ url, apiKey, model, timeoutMs, clock = systemClock }: OpenAiOptions): Endpoint {
  const parsed = URL.canParse(url) ? new URL(`${url.replace(/\/+$/, "")}/embeddings`) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new MillraceError(
      "invalid_argument",
      "the embedding url is not an http(s) address; give one like http://127.0.0.1:11434/v1",
    );
  if (typeof model !== "string" || model === "")
    throw new MillraceError("invalid_argument", "the openai provider needs a model; name one the server has");
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new MillraceError(
      "invalid_argument",
      "the embedding key holds characters that no header can carry; set it again",
    );
  const bounded = checkInteger("timeoutMs", timeoutMs ?? TIMEOUT_MS_DEFAULT, { min: 1, max: TIMEOUT_MS_MAX });
  return { address: parsed.href, shown: parsed.origin + parsed.pathname, apiKey, model, timeoutMs: bounded, clock };
}

/** One vector a text, in order, from one request and its retries. */
function request(
  endpoint: Endpoint,
  input: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly number[][]> {
  return retry(() => post(endpoint, input, signal), { clock: endpoint.clock, signal });
}

async function post(
  endpoint: Endpoint,
  input: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly number[][]> {
  const { address, apiKey, model, timeoutMs } = endpoint;
  const timeout = AbortSignal.timeout(timeoutMs);
  const headers = {
    "content-type": "application/json",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  try {
    const response = await fetch(address, {
      method: "POST",
      headers,
      body: JSON.stringify({ model, input, encoding_format: "float" }),
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body = await readBody(endpoint, response);
    if (!response.ok) throw refusal(endpoint, response, body);
    return vectorsOf(endpoint, body, input.length);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    if (signal?.aborted) throw new MillraceError("cancelled", "embedding was cancelled", { cause: signal.reason });
    if (timeout.aborted)
      throw new MillraceError(
        "timeout",
        `${endpoint.shown} did not answer within timeoutMs ${timeoutMs}; allow more or send smaller batches (batchMax)`,
      );
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new MillraceError(
      "provider_failed",
      `${endpoint.shown} cannot be reached: ${redact(endpoint, reason)}; check the url and that the server runs`,
    );
  }
}

async function readBody(endpoint: Endpoint, response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX)
      throw new MillraceError(
        "provider_failed",
        `${endpoint.shown} answered more than ${ANSWER_BYTES_MAX} bytes; lower batchMax`,
        { retryable: false },
      );
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function refusal(endpoint: Endpoint, { status, headers }: Response, body: string): MillraceError {
  const said = redact(endpoint, body.slice(0, ERROR_CHARS_MAX * 4))
    .replace(/\s+/g, " ")
    .slice(0, ERROR_CHARS_MAX);
  const message = `${endpoint.shown} answered ${status} for model ${endpoint.model}${said === "" ? "" : `: ${said}`}`;
  const retryAfterMs = retryAfterOf(headers.get("retry-after"), endpoint.clock);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) return new MillraceError("rate_limited", `${message}; wait or raise the server's limit`, wait);
  if (status >= 500 || status === 408) return new MillraceError("provider_failed", message, wait);
  const mend = status === 401 || status === 403 ? "check the key" : "check url and model";
  return new MillraceError("provider_failed", `${message}; ${mend}`, { retryable: false });
}

/** Seconds or a date, as RFC 9110 has it; in milliseconds from now. */
function retryAfterOf(header: string | null, clock: Clock): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - clock.now();
  return Number.isFinite(ms) && ms >= 0 ? Math.ceil(ms) : undefined;
}

function vectorsOf(endpoint: Endpoint, body: string, count: number): readonly number[][] {
  const vectors = new Array<number[] | undefined>(count).fill(undefined);
  const data = dataOf(body);
  data?.forEach((item, at) => {
    const { index = at, embedding } = item as { index?: unknown; embedding?: unknown };
    if (
      typeof index === "number" &&
      index in vectors &&
      Array.isArray(embedding) &&
      embedding.every((value) => typeof value === "number")
    )
      vectors[index] = embedding as number[];
  });
  const missing = vectors.indexOf(undefined);
  if (data === undefined || data.length !== count || missing >= 0)
    throw new MillraceError(
      "provider_failed",
      `${endpoint.shown} did not answer with one vector of numbers for each of ${count} texts${data ? ` (${data.length} entries)` : ""}; it may not speak the OpenAI protocol`,
      { retryable: false },
    );
  return vectors as number[][];
}

function dataOf(body: string): readonly unknown[] | undefined {
  try {
    const { data } = JSON.parse(body) as { data?: unknown };
    return Array.isArray(data) && data.every((item) => typeof item === "object" && item !== null) ? data : undefined;
  } catch {
    return undefined;
  }
}

function wrongLength({ shown, model }: Endpoint, actual: number, dims: number): MillraceError {
  return new MillraceError(
    "dimension_mismatch",
    `${shown} answered with a vector of ${actual} numbers; ${model} was set up with dims ${dims}; use the model the space was made with`,
  );
}

/** Some servers repeat the key they refuse. */
function redact({ apiKey }: Endpoint, text: string): string {
  return apiKey === undefined ? text : text.replaceAll(apiKey, "[key]");
}
