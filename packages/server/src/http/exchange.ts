import type { IncomingMessage, ServerResponse } from "node:http";
import { type ErrorBody, MillraceError, toErrorBody } from "@millrace/core";
import { ERROR_STATUS } from "@millrace/protocol";

/** Sent with everything: nothing here is for another site to frame, sniff or learn from. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
};

/** One request and its answer, with what the router found in its path. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;

  constructor(request: IncomingMessage, response: ServerResponse, url: URL, params: Readonly<Record<string, string>>) {
    this.request = request;
    this.response = response;
    this.url = url;
    this.params = params;
    const gone = new AbortController();
    this.signal = gone.signal;
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new MillraceError("cancelled", "the client went away"));
    });
  }

  param(name: string): string {
    return this.params[name] ?? "";
  }

  query(name: string): string | undefined {
    return this.url.searchParams.get(name) ?? undefined;
  }

  /** A whole number of the query string, or `fallback`; `invalid_argument` outside the range. */
  integer(name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number {
    const text = this.query(name);
    if (text === undefined) return fallback;
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new MillraceError(
      "invalid_argument",
      `${name} is ${JSON.stringify(text.slice(0, 40))}; it must be a whole number from ${min} to ${max}`,
    );
  }

  /** `true` or `false` of the query string; false when it is absent, `invalid_argument` for anything else. */
  flag(name: string): boolean {
    const text = this.query(name) ?? "false";
    if (text === "true" || text === "false") return text === "true";
    const message = `${name} is ${JSON.stringify(text.slice(0, 40))}; it must be true or false`;
    throw new MillraceError("invalid_argument", message);
  }

  json(status: number, body: unknown): void {
    this.text(status, JSON.stringify(body), "application/json; charset=utf-8");
  }

  text(
    status: number,
    body: string | Uint8Array,
    contentType: string,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const length = Buffer.byteLength(body);
    this.response.writeHead(status, {
      ...SECURITY_HEADERS,
      "cache-control": "no-store",
      ...headers,
      "content-type": contentType,
      "content-length": length,
    });
    this.response.end(body);
  }

  empty(status: number): void {
    this.response.writeHead(status, SECURITY_HEADERS).end();
  }

  /** Begins a response that stays open, of no known length: its end is the end of the connection (RFC 9112, section 6.3). */
  openUntilClose(contentType: string): void {
    this.response.removeHeader("transfer-encoding");
    this.response.writeHead(200, {
      connection: "close",
      ...SECURITY_HEADERS,
      "cache-control": "no-store",
      "content-type": contentType,
      "x-accel-buffering": "no",
    });
    this.response.flushHeaders();
  }

  /** Begins a response whose body is written piece by piece; it ends with `response.end()`. */
  begin(contentType: string, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(200, {
      ...SECURITY_HEADERS,
      "cache-control": "no-store",
      ...headers,
      "content-type": contentType,
    });
    this.response.flushHeaders();
  }

  /** The error as its code's status and the one error body. Closes a connection whose request was not read to its end. */
  fail(error: unknown): void {
    const body = toShownError(error);
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    if (!this.request.complete) this.response.setHeader("connection", "close");
    if (body.retryAfterMs !== undefined) this.response.setHeader("retry-after", Math.ceil(body.retryAfterMs / 1000));
    this.json(ERROR_STATUS[body.code].http, { error: body });
  }
}

/** The error as clients see it: what a defect says of the engine's inside is for its own log. */
export function toShownError(error: unknown): ErrorBody {
  const body = toErrorBody(error);
  if (body.code !== "internal") return body;
  return { ...body, message: "a defect in Millrace; the log of the engine has the details" };
}
