/** One try at one page: for each hop robots.txt, a turn at the origin and its health; then the body. */
import { type Clock, type Deadline, MillraceError } from "@millrace/core";
import { REDIRECTS_MAX } from "../limits.ts";
import { ACCEPT, bytesMaxOf } from "./accepted-types.ts";
import { exchange } from "./exchange.ts";
import { PassingFailure } from "./fetch-failure.ts";
import { loadRobots, type RobotsSource } from "./load-robots.ts";
import { refreshOf } from "./meta-refresh.ts";
import type { Origin } from "./origin-table.ts";
import { CODINGS, readBody } from "./read-body.ts";
import { discard, headerOf, redirectOf } from "./response.ts";
import { retryAfterMsOf } from "./retry-after.ts";
import { robotsOf } from "./robots-cache.ts";
import type { Pace } from "./token-bucket.ts";
import type { Sent } from "./transport.ts";

export type Validators = { readonly etag?: string | undefined; readonly lastModified?: string | undefined };

export type Site = RobotsSource & { readonly pace: Pace };

export type Visit = {
  readonly allow: readonly string[];
  readonly accepted: readonly string[];
  readonly heedsRobots: boolean;
  readonly conditional: Validators;
  readonly deadline: Deadline;
  /** The longest it may wait for a turn at an origin. */
  readonly originWaitMsMax: number;
  readonly signal: AbortSignal;
  /** Adds to the time spent waiting. */
  readonly onWaited: (ms: number) => void;
};

export type Visited = {
  readonly url: URL;
  readonly redirects: readonly string[];
  readonly sent: Sent;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** A page sent on to it, by a refresh in its HTML. */
  readonly isRefreshed: boolean;
  /** The connection opened last for it, if one was. */
  readonly connection: Pick<Sent, "dnsMs" | "connectMs">;
};

type Read = Pick<Visited, "sent" | "contentType" | "bytes">;
type Hop = { readonly next: URL; readonly isRefresh: boolean };

/** Follows `first` to its page. Rejects with a `MillraceError`, or a `PassingFailure` where another try is worth it. */
export async function visit(site: Site, first: URL, call: Visit): Promise<Visited> {
  const redirects: string[] = [];
  const entered = new Set<string>();
  let connection: Visited["connection"] = {};
  let isRefreshed = false;
  for (let url = first; ; ) {
    site.transport.check(url, call.allow);
    using held = site.origins.use(url.origin);
    await enter(site, { origin: held.origin, url, isFirst: !entered.has(url.origin) }, call);
    entered.add(url.origin);
    const { allow, signal } = call;
    const request = { url, headers: headersOf(site, call), allow, signal };
    const step = await exchange({ ...site, origin: held.origin }, request, (sent) => {
      if (sent.connectMs !== undefined) connection = sent;
      return receive(sent, { site, origin: held.origin, url, call });
    });
    if (!("next" in step)) return { ...step, url, redirects, connection, isRefreshed };
    isRefreshed ||= step.isRefresh;
    redirects.push(url.href);
    checkRedirects(redirects, step.next);
    url = step.next;
  }
}

/** Waits until the page may be asked for. Hops of one page within an origin count as one page. */
async function enter(
  site: Site,
  { origin, url, isFirst }: { readonly origin: Origin; readonly url: URL; readonly isFirst: boolean },
  call: Visit,
): Promise<void> {
  const { clock, pace } = site;
  const { signal, deadline, originWaitMsMax, allow } = call;
  const startedMs = clock.monotonic();
  try {
    if (call.heedsRobots) {
      const load = (own: AbortSignal) => loadRobots(site, { origin: origin.name, allow, signal: own });
      const { rules, isFromFailure, leftMs } = await robotsOf({ record: origin.robots, clock, signal }, load);
      origin.bucket.setPace(paceOf(pace, rules.crawlDelayMs));
      if (!rules.allows(url)) throw refusal(url, isFromFailure ? leftMs : undefined);
    }
    // Nobody takes a turn of others to be refused after it.
    origin.breaker.check(origin.name);
    const leftMs = Math.min(deadline.leftMs, originWaitMsMax);
    if (isFirst) await origin.bucket.take({ name: origin.name, leftMs, signal });
  } finally {
    call.onWaited(clock.monotonic() - startedMs);
  }
}

async function receive(
  sent: Sent,
  {
    origin,
    url,
    site,
    call,
  }: { readonly origin: Origin; readonly url: URL; readonly site: Site; readonly call: Visit },
): Promise<Read | Hop> {
  const { status } = sent;
  const next = redirectOf(sent, url);
  const contentType = headerOf(sent, "content-type") ?? "";
  const isUnchanged = status === 304 && (call.conditional.etag ?? call.conditional.lastModified) !== undefined;
  if (next || isUnchanged || status < 200 || status >= 300) {
    await discard(sent, site.clock);
    if (next) return { next, isRefresh: false };
    if (isUnchanged) return { sent, contentType, bytes: new Uint8Array() };
    throw statusFailure(sent, { origin, url, clock: site.clock });
  }
  try {
    const bytesMax = bytesMaxOf({ url, contentType, accepted: call.accepted });
    const [encoding, announced] = [headerOf(sent, "content-encoding"), headerOf(sent, "content-length")];
    const bytes = await readBody(sent.body, { url: url.href, bytesMax, encoding, announced });
    const refreshed = refreshOf({ url, contentType, bytes });
    return refreshed ? { next: refreshed, isRefresh: true } : { sent, contentType, bytes };
  } finally {
    sent.body.on("error", () => {}).destroy();
  }
}

/** A server that says when to come back is not asked before by anybody. */
function statusFailure(
  sent: Sent,
  { origin, url, clock }: { readonly origin: Origin; readonly url: URL; readonly clock: Clock },
): MillraceError | PassingFailure {
  const { status } = sent;
  const message = `${url.href} answered with status ${status}`;
  if (status < 500 && status !== 408 && status !== 429) return new MillraceError("fetch_failed", message);
  const retryAfterMs = retryAfterMsOf(headerOf(sent, "retry-after"), clock);
  if (retryAfterMs !== undefined) origin.bucket.hold(retryAfterMs);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new PassingFailure(new MillraceError("fetch_failed", message, { retryable: true, ...wait }), status);
}

function headersOf({ userAgent }: Site, { conditional }: Visit): Record<string, string> {
  const { etag, lastModified } = conditional;
  return {
    ...{ "user-agent": userAgent, accept: ACCEPT, "accept-encoding": CODINGS },
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(lastModified === undefined ? {} : { "if-modified-since": lastModified }),
  };
}

function checkRedirects(redirects: readonly string[], next: URL): void {
  const [first = ""] = redirects;
  const circle = redirects.indexOf(next.href);
  if (circle !== -1) {
    const way = [...redirects.slice(circle), next.href].join(" → ");
    throw new MillraceError(
      "fetch_failed",
      `${first} redirects in a circle: ${way}; sites that insist on cookies do that; give the final address`,
    );
  }
  if (redirects.length > REDIRECTS_MAX)
    throw new MillraceError(
      "fetch_failed",
      `${first} redirects more than ${REDIRECTS_MAX} times, the limit; give the final address`,
    );
}

function paceOf(pace: Pace, crawlDelayMs: number | undefined): Pace {
  if (crawlDelayMs === undefined || 1_000 / crawlDelayMs >= pace.ratePerSecond) return pace;
  return { ratePerSecond: 1_000 / crawlDelayMs, burst: 1 };
}

function refusal(url: URL, leftMs: number | undefined): MillraceError {
  const robots = new URL("/robots.txt", url).href;
  if (leftMs === undefined)
    return new MillraceError(
      "robots_disallowed",
      `${robots} forbids ${url.href}; fetch it with ignoreRobots if you may`,
    );
  const retryAfterMs = Math.ceil(leftMs);
  return new MillraceError(
    "robots_disallowed",
    `${robots} could not be had from its server, which forbids ${url.href} until it can; try again in ${retryAfterMs} ms`,
    { retryable: true, retryAfterMs },
  );
}
