/** Pages from the web, politely: shared connections, and for each origin its robots.txt, its rate and its health. */
import { type Clock, checkInteger, checkText, Deadline, MillraceError, type Rng, systemClock } from "@millrace/core";
import {
  FETCH_TIMEOUT_MS,
  FETCH_TIMEOUT_MS_MAX,
  FETCHES_MAX,
  ORIGIN_BURST,
  ORIGIN_RATE_PER_SECOND,
  ORIGINS_MAX,
  RETRIES_MAX,
  RETRY_DELAY_MS_MAX,
} from "../limits.ts";
import { ACCEPTED_TYPES } from "./accepted-types.ts";
import type { Resolver } from "./address-guard.ts";
import { failureOf, PassingFailure } from "./fetch-failure.ts";
import type { FetchedPage } from "./fetched-page.ts";
import { OriginTable } from "./origin-table.ts";
import { forbidsStoring, headerOf, parseUrl } from "./response.ts";
import { backoffMs } from "./retry-after.ts";
import { robotsDirectives } from "./robots-directives.ts";
import { productToken } from "./robots-rules.ts";
import { Transport } from "./transport.ts";
import { type Site, type Validators, type Visit, type Visited, visit } from "./visit.ts";

export type FetcherOptions = {
  /** Hosts, addresses or CIDR ranges that are fetched although private; "localhost", "10.1.0.0/16". */
  readonly allow?: readonly string[] | undefined;
  /** How names become addresses; default the system's resolver. */
  readonly resolve?: Resolver | undefined;
  /** How the fetcher calls itself; robots.txt knows it by what stands before the slash. Default "Millrace/0.1". */
  readonly userAgent?: string | undefined;
  /** Time of a fetch that names none: from the call to the last byte, waiting and redirects included; 1 ms … 10 min, default 20 s. */
  readonly timeoutMs?: number | undefined;
  /** Pages a second from one origin, above 0 and up to 1,000; default 1.5. A Crawl-delay can only lower it. */
  readonly ratePerSecond?: number | undefined;
  /** Pages at once from an origin that rested, 1 … 1,000; default 3. */
  readonly burst?: number | undefined;
  /** Heed robots.txt, loopback and private hosts included; default true. */
  readonly heedsRobots?: boolean | undefined;
  /** Tries after the first, 0 … 3; default 3. */
  readonly retries?: number | undefined;
  /** Certificates in PEM that are trusted in place of the built-in ones. */
  readonly ca?: string | readonly string[] | undefined;
  readonly clock?: Clock | undefined;
  /** For the jitter of waits between tries. */
  readonly rng?: Rng | undefined;
};

export type FetchOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Instead of the fetcher's. */
  readonly timeoutMs?: number | undefined;
  /** Opened for this call beside what the fetcher allows. */
  readonly allow?: readonly string[] | undefined;
  /** What an earlier answer said of itself: an unchanged page comes back as status 304 without bytes. */
  readonly conditional?: Validators | undefined;
  /** Fetch although robots.txt forbids it; its rate limit and health still count. */
  readonly ignoreRobots?: boolean | undefined;
  /**
   * The longest wait for an origin, be it for its turn or because it asked for it; default the time that is left. Who has others to ask
   * meanwhile gives little: past it the call is refused at once, with `retryAfterMs`.
   */
  readonly originWaitMsMax?: number | undefined;
  /** Media types taken, lower case; default HTML, PDF, Markdown, plain text and what says nothing. */
  readonly contentTypes?: readonly string[] | undefined;
  /** Instead of the fetcher's. */
  readonly retries?: number | undefined;
};

export type FetcherStats = {
  /** Now: calls in hand, those of them that wait for a turn, origins remembered, and origins that are left alone. */
  readonly inFlight: number;
  readonly waiting: number;
  readonly origins: number;
  readonly originsOpen: number;
  /** Since the start. `pages` and `notModified` succeeded, `failed` did not; `retries` are tries beyond the first. */
  readonly pages: number;
  readonly notModified: number;
  readonly failed: number;
  readonly retries: number;
  readonly robotsDisallowed: number;
  readonly rateLimited: number;
  /** Decompressed. */
  readonly bytes: number;
};

export interface Fetcher extends AsyncDisposable {
  /**
   * Fetches one page. Rejects with `invalid_argument` (no http address, a value outside its limits), `blocked_address`,
   * `robots_disallowed`, `rate_limited` (no turn within the time; `retryAfterMs`), `fetch_unreachable` (no such name, refused, reset, or an
   * origin left alone), `fetch_failed` (status 400 and above, redirects without end), `unsupported_type`, `too_large`,
   * `unreadable_document` (damaged coding), `timeout`, `cancelled`, `overloaded` (1,024 calls in hand) or `unavailable` (disposed).
   */
  fetch(url: string, options?: FetchOptions): Promise<FetchedPage>;
  /** How long an address would wait for its origin if it were fetched now, in ms: for its turn, or since it is left alone. */
  originWaitMs(url: string): number;
  stats(): FetcherStats;
}

const USER_AGENT = "Millrace/0.1";
const VISIBLE = /^[\x20-\x7e]{1,1000}$/;

/** Opens nothing until the first fetch; disposing it breaks off what is in hand. */
export function createFetcher(options: FetcherOptions = {}): Fetcher {
  return new PoliteFetcher(options);
}

class PoliteFetcher implements Fetcher {
  readonly #options: FetcherOptions;
  readonly #site: Site;
  readonly #rng: Rng;
  readonly #closing = new AbortController();
  readonly #counts = { pages: 0, notModified: 0, failed: 0, retries: 0, robotsDisallowed: 0, rateLimited: 0, bytes: 0 };
  #inFlight = 0;

  constructor(options: FetcherOptions) {
    const { clock = systemClock, resolve, ca } = options;
    const userAgent = checkText("userAgent", options.userAgent ?? USER_AGENT, {
      pattern: /^[A-Za-z][\w-]{0,100}(\/[\x20-\x7e]{0,200})?$/,
      rule: 'write it as "Name/1.0 (+https://host/about)"',
    });
    checkTimeout(options.timeoutMs);
    checkRetries(options.retries);
    this.#options = options;
    this.#rng = options.rng ?? Math.random;
    const pace = {
      ratePerSecond: checkRate(options.ratePerSecond ?? ORIGIN_RATE_PER_SECOND),
      burst: checkInteger("burst", options.burst ?? ORIGIN_BURST, { min: 1, max: 1_000 }),
    };
    const origins = new OriginTable({ clock, pace, originsMax: ORIGINS_MAX });
    const transport = new Transport({ clock, resolve, ca });
    this.#site = { clock, transport, origins, userAgent, product: productToken(userAgent), pace };
  }

  async fetch(url: string, options: FetchOptions = {}): Promise<FetchedPage> {
    const { clock } = this.#site;
    const timeoutMs = checkTimeout(options.timeoutMs ?? this.#options.timeoutMs);
    const first = checkUrl(url);
    this.#admit();
    const deadline = Deadline.after(timeoutMs, clock);
    using parent = following(this.#closing.signal, options.signal);
    using end = deadline.signal(`fetching ${url}`, parent.signal);
    // The clock's timers keep no process alive, and between two tries there is nothing else that would.
    const alive = setInterval(() => {}, 2 ** 30);
    this.#inFlight++;
    try {
      const page = await this.#persist(first, this.#visitOf(options, deadline, end.signal));
      this.#counts[page.fromStatus304 ? "notModified" : "pages"]++;
      this.#counts.bytes += page.bytes.length;
      return page;
    } catch (error) {
      this.#countFailure(error);
      throw error;
    } finally {
      this.#inFlight--;
      clearInterval(alive);
    }
  }

  originWaitMs(url: string): number {
    const origin = this.#site.origins.find(URL.parse(url)?.origin ?? "");
    return origin ? Math.max(origin.breaker.waitMs, origin.bucket.waitMs) : 0;
  }

  stats(): FetcherStats {
    const origins = [...this.#site.origins];
    return {
      ...this.#counts,
      inFlight: this.#inFlight,
      waiting: origins.reduce((sum, { bucket }) => sum + bucket.waiting, 0),
      origins: origins.length,
      originsOpen: origins.filter(({ breaker }) => breaker.state === "open").length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new MillraceError("unavailable", "the fetcher is closed"));
    await this.#site.transport[Symbol.asyncDispose]();
  }

  #admit(): void {
    this.#closing.signal.throwIfAborted();
    if (this.#inFlight < FETCHES_MAX) return;
    throw new MillraceError(
      "overloaded",
      `${FETCHES_MAX} pages are being fetched, which is the limit; try again later`,
      {
        retryAfterMs: 1_000,
      },
    );
  }

  #visitOf(options: FetchOptions, deadline: Deadline, signal: AbortSignal): Call {
    const { etag, lastModified } = options.conditional ?? {};
    for (const [name, value] of Object.entries({ etag, lastModified }))
      if (value !== undefined)
        checkText(`conditional.${name}`, value, { pattern: VISIBLE, rule: "give it as it came" });
    const call = { retries: checkRetries(options.retries ?? this.#options.retries), queuedMs: 0 };
    return Object.assign(call, {
      allow: [...(this.#options.allow ?? []), ...(options.allow ?? [])],
      accepted: options.contentTypes ?? ACCEPTED_TYPES,
      heedsRobots: !options.ignoreRobots && this.#options.heedsRobots !== false,
      conditional: { etag, lastModified },
      ...{ deadline, signal, originWaitMsMax: options.originWaitMsMax ?? Number.POSITIVE_INFINITY },
      onWaited: (ms: number) => {
        call.queuedMs += ms;
      },
    });
  }

  /** Tries until it succeeds, fails for good, or the time that is left is shorter than the wait. */
  async #persist(first: URL, call: Call): Promise<FetchedPage> {
    const { clock } = this.#site;
    const startedMs = clock.monotonic();
    for (let tries = 1; ; tries++) {
      try {
        const visited = await visit(this.#site, first, call);
        return this.#pageOf(visited, { tries, queuedMs: call.queuedMs, totalMs: clock.monotonic() - startedMs });
      } catch (error) {
        const failure = failureOf(first.href, error, call.signal);
        if (!(failure instanceof PassingFailure)) throw failure;
        const askedMs = failure.failure.retryAfterMs ?? 0;
        const waitMs = Math.max(backoffMs(tries, this.#rng), askedMs);
        const isTooLong = waitMs > RETRY_DELAY_MS_MAX || askedMs > call.originWaitMsMax;
        if (tries > call.retries || isTooLong || waitMs >= call.deadline.leftMs) throw failure.failure;
        this.#counts.retries++;
        call.onWaited(waitMs);
        await pause(clock, waitMs, call.signal).catch((reason: unknown) => {
          throw call.deadline.isOver ? failure.failure : failureOf(first.href, reason, call.signal);
        });
      }
    }
  }

  #pageOf(
    { url, sent, contentType, bytes, redirects, isRefreshed, connection: { dnsMs, connectMs } }: Visited,
    { tries, queuedMs, totalMs }: { readonly tries: number; readonly queuedMs: number; readonly totalMs: number },
  ): FetchedPage {
    // Asked whether it changed, the page that sends on could answer for the one it leads to.
    const validator = (name: string) => (isRefreshed ? undefined : headerOf(sent, name));
    const [etag, lastModified] = [validator("etag"), validator("last-modified")];
    const tags = sent.headers["x-robots-tag"] ?? [];
    const { firstByteMs } = sent;
    return {
      ...{ finalUrl: url.href, status: sent.status, contentType, bytes, redirects, attempts: tries },
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(sent.status === 304 ? { fromStatus304: true } : {}),
      ...(forbidsStoring(sent) ? { forbidsStoring: true } : {}),
      robotsDirectives: robotsDirectives({
        headers: Array.isArray(tags) ? tags : [tags],
        html: /html/i.test(contentType) ? bytes : undefined,
        product: this.#site.product,
      }),
      timings: {
        queuedMs,
        ...(dnsMs === undefined || connectMs === undefined ? {} : { dnsMs, connectMs }),
        ...{ firstByteMs, totalMs },
      },
    };
  }

  #countFailure(error: unknown): void {
    this.#counts.failed++;
    const { code } = MillraceError.from(error);
    if (code === "robots_disallowed") this.#counts.robotsDisallowed++;
    if (code === "rate_limited") this.#counts.rateLimited++;
  }
}

type Call = Visit & { readonly retries: number; readonly queuedMs: number };

function checkTimeout(timeoutMs: number | undefined): number {
  return checkInteger("timeoutMs", timeoutMs ?? FETCH_TIMEOUT_MS, { min: 1, max: FETCH_TIMEOUT_MS_MAX });
}

function checkRetries(retries: number | undefined): number {
  return checkInteger("retries", retries ?? RETRIES_MAX, { min: 0, max: RETRIES_MAX });
}

function checkRate(ratePerSecond: number): number {
  if (ratePerSecond > 0 && ratePerSecond <= 1_000) return ratePerSecond;
  throw new MillraceError("invalid_argument", `ratePerSecond is ${ratePerSecond}; it must be above 0 and up to 1000`);
}

function checkUrl(text: string): URL {
  const url = parseUrl(text);
  if (url.username !== "" || url.password !== "")
    throw new MillraceError(
      "invalid_argument",
      `the address for ${url.host} holds a user name or password, which are never sent; leave them out`,
    );
  return url;
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const leave = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener("abort", leave);
      resolve();
    });
    signal.addEventListener("abort", leave, { once: true });
  });
}

/** Aborts with either. Unlike `AbortSignal.any` it leaves nothing at a signal that outlives the call (measured: 700 bytes a call). */
function following(
  closing: AbortSignal,
  caller: AbortSignal | undefined,
): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const leaves = [closing, caller].map((signal) => {
    const leave = () => controller.abort(signal?.reason);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
    return () => signal?.removeEventListener("abort", leave);
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const leave of leaves) leave();
    },
  };
}
