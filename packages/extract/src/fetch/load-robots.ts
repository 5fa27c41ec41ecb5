import { type Clock, Deadline, MillraceError } from "@millrace/core";
import { ROBOTS_BYTES_MAX, ROBOTS_REDIRECTS_MAX, ROBOTS_TIMEOUT_MS } from "../limits.ts";
import { exchange } from "./exchange.ts";
import type { OriginTable } from "./origin-table.ts";
import { CODINGS, readBody } from "./read-body.ts";
import { discard, headerOf, redirectOf } from "./response.ts";
import type { RobotsAnswer } from "./robots-cache.ts";
import { ALLOW_ALL, parseRobots } from "./robots-rules.ts";
import type { Sent, Transport } from "./transport.ts";

export type RobotsSource = {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly origins: OriginTable;
  readonly userAgent: string;
  readonly product: string;
};

export type RobotsRequest = {
  readonly origin: string;
  readonly allow: readonly string[];
  readonly signal: AbortSignal;
};

/**
 * Asks an origin for its robots.txt (RFC 9309, 2.3): what is not there, or leads nowhere by redirects, allows all. A server's failure is
 * given as its status; a connection's is thrown.
 */
export async function loadRobots(
  source: RobotsSource,
  { origin, allow, signal }: RobotsRequest,
): Promise<RobotsAnswer> {
  const first = new URL("/robots.txt", origin);
  using end = Deadline.after(ROBOTS_TIMEOUT_MS, source.clock).signal(`fetching ${first.href}`, signal);
  const headers = { "user-agent": source.userAgent, accept: "text/plain, */*;q=0.5", "accept-encoding": CODINGS };
  let url = first;
  for (let redirects = 0; redirects <= ROBOTS_REDIRECTS_MAX; redirects++) {
    using held = source.origins.use(url.origin);
    const request = { url, headers, allow, signal: end.signal };
    let next: RobotsAnswer | URL;
    try {
      next = await exchange({ ...source, origin: held.origin }, request, (sent) => read(sent, url, source));
    } catch (error) {
      if (redirects > 0 && leadsNowhere(error)) return { rules: ALLOW_ALL };
      throw error;
    }
    if (!(next instanceof URL)) return next;
    url = next;
  }
  return { rules: ALLOW_ALL };
}

async function read(sent: Sent, url: URL, { product, clock }: RobotsSource): Promise<RobotsAnswer | URL> {
  const next = redirectOf(sent, url);
  if (next || sent.status < 200 || sent.status >= 300) {
    await discard(sent, clock);
    return next ?? (sent.status >= 500 ? { status: sent.status } : { rules: ALLOW_ALL });
  }
  const encoding = headerOf(sent, "content-encoding");
  // One byte more than is read tells the parser that the last line is cut.
  const bytes = await readBody(sent.body, { url: url.href, bytesMax: ROBOTS_BYTES_MAX + 1, encoding, isCut: true });
  return { rules: parseRobots(bytes, product) };
}

function leadsNowhere(error: unknown): boolean {
  return error instanceof MillraceError && (error.code === "blocked_address" || error.code === "invalid_argument");
}
