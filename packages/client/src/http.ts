/** Calls to the engine over HTTP: one place where an address, a key, a time limit and an error body are handled. */
import { type Code, ERROR_STATUS, type ErrorBody, fromErrorBody, MillraceError } from "@millrace/protocol";
import { REQUEST_TIMEOUT_MS } from "./limits.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export type CallOptions = {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with `contentType`; beats `json`. */
  readonly body?: BodyInit;
  readonly contentType?: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
};

export type HttpOptions = { readonly url: string; readonly key?: string | undefined; readonly fetch: typeof fetch };

/** The engine's HTTP side. Every failure is a MillraceError: the engine's own, or `unavailable` when nothing answers. */
export class Http {
  readonly url: string;
  readonly #key: string | undefined;
  readonly #fetch: typeof fetch;

  constructor({ url, key, fetch }: HttpOptions) {
    this.url = checkUrl(url);
    this.#key = key;
    this.#fetch = fetch;
  }

  /** The JSON of the answer; undefined for 204. */
  async call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.open(method, path, options);
    if (response.status === 204) return undefined as T;
    try {
      return (await response.json()) as T;
    } catch (error) {
      if (options.signal?.aborted) throw MillraceError.from(options.signal.reason, "cancelled");
      const text = `${method} ${this.url}${path} answered ${response.status} without JSON; is this the address of a Millrace engine?`;
      throw new MillraceError("unavailable", text, { cause: error });
    }
  }

  /** The answer itself, its body unread; refused answers are thrown. `timeoutMs: 0` sets no limit of time. */
  async open(method: Method, path: string, options: CallOptions = {}): Promise<Response> {
    const { json, body = json === undefined ? null : JSON.stringify(json), timeoutMs = REQUEST_TIMEOUT_MS } = options;
    const type = options.contentType ?? (json === undefined ? undefined : "application/json");
    const headers = { ...this.headers(), ...(type === undefined ? {} : { "content-type": type }) };
    const signals = [options.signal, timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined].filter(
      (s) => s !== undefined,
    );
    let response: Response;
    try {
      const signal = signals.length === 0 ? null : AbortSignal.any(signals);
      response = await this.#fetch(this.url + path + queryOf(options.query), { method, headers, body, signal });
    } catch (error) {
      throw this.#unanswered(error, options, `${method} ${path}`);
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  headers(): Record<string, string> {
    return this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` };
  }

  /** Where that WebSocket is, and the subprotocols that carry the key: a browser can set no header on a WebSocket. */
  socket(path = "/v1/ws"): { readonly url: string; readonly protocols: readonly string[] } {
    const protocols = this.#key === undefined ? [] : ["millrace.v1", `millrace.key.${this.#key}`];
    return { url: `${this.url.replace(/^http/, "ws")}${path}`, protocols };
  }

  /** What a refused connection means, in words that help. */
  unreachable(cause?: unknown): MillraceError {
    const text = `no engine answers at ${this.url}; start one with "millrace serve", or set url to where it listens`;
    return new MillraceError("unavailable", text, { cause });
  }

  #unanswered(error: unknown, { signal, timeoutMs = REQUEST_TIMEOUT_MS }: CallOptions, call: string): MillraceError {
    if (signal?.aborted) return cancelled(signal, call);
    if (error instanceof Error && error.name === "TimeoutError") {
      return new MillraceError("timeout", `${call} had no answer from ${this.url} within ${timeoutMs} ms`, {
        cause: error,
      });
    }
    return this.unreachable(error);
  }
}

function cancelled(signal: AbortSignal, call: string): MillraceError {
  if (signal.reason instanceof MillraceError) return signal.reason;
  return new MillraceError("cancelled", `${call} was cancelled by its caller`, { cause: signal.reason });
}

function checkUrl(url: string): string {
  if (!/^https?:\/\/[^/?#]/.test(url)) {
    const text = `url is ${JSON.stringify(url)}; it must be http://… or https://…, for example http://127.0.0.1:4100`;
    throw new MillraceError("invalid_argument", text);
  }
  return url.replace(/\/+$/, "");
}

function queryOf(query: CallOptions["query"] = {}): string {
  const set = Object.entries(query).filter((entry) => entry[1] !== undefined);
  return set.length === 0 ? "" : `?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}

/** The engine's own error; for an answer without one (a proxy's), the code that has this status. */
async function errorOf(response: Response): Promise<MillraceError> {
  const text = await response.text().catch(() => "");
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfterS) ? { retryAfterMs: retryAfterS * 1000 } : {};
  const error = readErrorBody(text);
  if (error) return fromErrorBody({ ...retryAfterMs, ...error });
  const code = codeOfStatus("http", response.status) ?? (response.status >= 500 ? "unavailable" : "invalid_argument");
  return new MillraceError(code, `${response.url} answered ${response.status}: ${text.slice(0, 200)}`, retryAfterMs);
}

function readErrorBody(text: string): ErrorBody | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: ErrorBody };
    return typeof error?.message === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Among codes that share a status, the one that says least: what the engine meant beyond the status is not known. */
const PLAIN: Partial<Record<number, Code>> = {
  403: "forbidden",
  409: "conflict",
  500: "internal",
  502: "unavailable",
  503: "unavailable",
};

/** The code for an HTTP status or a WebSocket close code; undefined when no code has it. */
export function codeOfStatus(kind: "http" | "ws", status: number): Code | undefined {
  const plain = PLAIN[kind === "ws" ? status - 4000 : status];
  if (plain) return plain;
  for (const [code, row] of Object.entries(ERROR_STATUS)) if (row[kind] === status) return code as Code;
  return undefined;
}
