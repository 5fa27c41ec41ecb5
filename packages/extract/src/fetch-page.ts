/** One page from the web: a deadline over everything, an address guard at every hop, a size limit on what arrives. */
import type { Readable } from "node:stream";
import { checkInteger, Deadline, MillraceError } from "@millrace/core";
import { Agent, request } from "undici";
import { AddressGuard, type Resolver } from "./address-guard.ts";
import { CONNECT_TIMEOUT_MS, FETCH_TIMEOUT_MS, HTML_BYTES_MAX, PDF_BYTES_MAX, REDIRECTS_MAX } from "./limits.ts";
import { readBody } from "./read-body.ts";

export type FetchPageOptions = {
  readonly signal?: AbortSignal | undefined;
  /** From the first byte sent to the last received, redirects included; 1 ms … 10 min, default 20 s. */
  readonly timeoutMs?: number | undefined;
  /** Hosts, addresses or CIDR ranges that are fetched although private; "localhost", "10.1.0.0/16". */
  readonly allow?: readonly string[] | undefined;
  /** How names become addresses; default the system's resolver. */
  readonly resolve?: Resolver | undefined;
};

export type FetchedPage = {
  /** Where the redirects ended. */
  readonly finalUrl: string;
  readonly status: number;
  /** The Content-Type header, "" without one. */
  readonly contentType: string;
  /** The body, decompressed. */
  readonly bytes: Uint8Array;
};

type Answer = { readonly url: URL; readonly status: number; readonly headers: Headers; readonly body: Readable };
type Headers = Record<string, string | string[] | undefined>;

const USER_AGENT = "Millrace/0.1";
const ACCEPT = "text/html, application/xhtml+xml, application/pdf, text/markdown, text/plain;q=0.9, */*;q=0.5";
const URL_CHARS_MAX = 8_192;
const TIMEOUT_MS_MAX = 600_000;

/**
 * Fetches `url`. Rejects with `invalid_argument` (not an http address), `blocked_address`, `fetch_unreachable` (no such name,
 * refused, reset), `fetch_failed` (status 400 and above, too many redirects), `too_large`, `timeout` or `cancelled`.
 */
export async function fetchPage(url: string, options: FetchPageOptions = {}): Promise<FetchedPage> {
  const timeoutMs = checkInteger("timeoutMs", options.timeoutMs ?? FETCH_TIMEOUT_MS, { min: 1, max: TIMEOUT_MS_MAX });
  const guard = new AddressGuard(options.allow ?? [], options.resolve);
  const first = parseUrl(url);
  using end = Deadline.after(timeoutMs).signal(`fetching ${url}`, options.signal);
  // One agent a page: its lookup belongs to this call's guard, and no pooled connection outlives the check.
  const agent = new Agent({
    connect: { lookup: guard.lookup, timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 65_536,
  });
  try {
    const answer = await follow(first, { agent, guard, signal: end.signal });
    return await receive(answer);
  } catch (error) {
    throw explain(url, error, end.signal);
  } finally {
    await agent.destroy();
  }
}

async function follow(
  first: URL,
  hop: { readonly agent: Agent; readonly guard: AddressGuard; readonly signal: AbortSignal },
): Promise<Answer> {
  let url = first;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    hop.guard.checkUrl(url);
    const {
      statusCode: status,
      headers,
      body,
    } = await request(url, {
      dispatcher: hop.agent,
      signal: hop.signal,
      headers: { "user-agent": USER_AGENT, accept: ACCEPT, "accept-encoding": "gzip, deflate, br" },
    });
    const location = header(headers, "location");
    if (status < 300 || status > 399 || location === undefined) return { url, status, headers, body };
    // The body of a redirect is of no use; destroying it also closes its connection.
    body.on("error", () => {}).destroy();
    url = parseUrl(location, url);
  }
  throw new MillraceError(
    "fetch_failed",
    `${first.href} redirects more than ${REDIRECTS_MAX} times, the limit; give the final address`,
  );
}

async function receive({ url, status, headers, body }: Answer): Promise<FetchedPage> {
  if (status >= 400 || status < 200 || (status >= 300 && status < 400)) {
    body.on("error", () => {}).destroy();
    throw new MillraceError("fetch_failed", `${url.href} answered with status ${status}`, {
      retryable: status >= 500 || status === 429 || status === 408,
    });
  }
  const contentType = header(headers, "content-type") ?? "";
  const bytesMax =
    /pdf|octet-stream/i.test(contentType) || /\.pdf$/i.test(url.pathname) ? PDF_BYTES_MAX : HTML_BYTES_MAX;
  const bytes = await readBody(body, { url: url.href, bytesMax, encoding: header(headers, "content-encoding") });
  return { finalUrl: url.href, status, contentType, bytes };
}

function parseUrl(text: string, base?: URL): URL {
  const url = text.length <= URL_CHARS_MAX ? URL.parse(text, base?.href) : null;
  if (!url)
    throw new MillraceError(
      "invalid_argument",
      `${text.slice(0, 200)} is not an address; write it as https://host/path`,
    );
  return url;
}

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Errors of sockets and names under their own code; the deadline and the caller's signal before all. */
function explain(url: string, error: unknown, signal: AbortSignal): MillraceError {
  if (signal.aborted) {
    return signal.reason instanceof MillraceError
      ? signal.reason
      : new MillraceError("cancelled", `fetching ${url} was cancelled`, { cause: signal.reason });
  }
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof MillraceError) return cause;
  const message = error instanceof Error ? error.message : String(error);
  return new MillraceError("fetch_unreachable", `${url} did not answer: ${message || "the connection failed"}`, {
    cause: error,
  });
}
