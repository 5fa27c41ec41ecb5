/** Requests over pooled connections, HTTP/1.1 or 2 by ALPN, that go only where the address guard lets them. */
import type { Readable } from "node:stream";
import type { Clock } from "@millrace/core";
import { Agent, buildConnector, request } from "undici";
import { ALLOW_LISTS_MAX, CONNECT_TIMEOUT_MS, HEADER_BYTES_MAX, ORIGIN_CONNECTIONS_MAX } from "../limits.ts";
import { AddressGuard, type Resolver, systemResolver } from "./address-guard.ts";

export type TransportOptions = {
  readonly clock: Clock;
  readonly resolve?: Resolver | undefined;
  /** Certificates in PEM that are trusted in place of the built-in ones. */
  readonly ca?: string | readonly string[] | undefined;
};

export type Sent = {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable;
  /** Present when a connection was opened for it. */
  readonly dnsMs?: number;
  readonly connectMs?: number;
  readonly firstByteMs: number;
};

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type Request = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly allow: readonly string[];
  readonly signal: AbortSignal;
};

/** The last connection opened to an origin, and what it took. */
type Opened = { readonly startedMs: number; readonly dnsMs: number; readonly connectMs: number };
type Pool = { readonly guard: AddressGuard; readonly agent: Agent; readonly opened: Map<string, Opened> };

/**
 * A connection belongs to the allow list it was opened under: a call that allows less never travels on one that a more generous call
 * opened. Names are resolved once for each connection, and it goes to an address that was checked then (no DNS rebinding).
 */
export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions;
  /** By allow list, the least recently used first. */
  readonly #pools = new Map<string, Pool>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Throws `blocked_address` or `invalid_argument` for what can be told from the address alone. */
  check(url: URL, allow: readonly string[]): void {
    this.#poolOf(allow).guard.checkUrl(url);
  }

  /** Throws as `check` does, `blocked_address` for what a name leads to, and errors of sockets and names as they are. */
  async send({ url, headers, allow, signal }: Request): Promise<Sent> {
    const { guard, agent, opened } = this.#poolOf(allow);
    guard.checkUrl(url);
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    const { statusCode, headers: answered, body } = await request(url, { dispatcher: agent, signal, headers });
    const firstByteMs = clock.monotonic() - startedMs;
    const connection = opened.get(url.host);
    const isNew = connection !== undefined && connection.startedMs >= startedMs;
    const { dnsMs, connectMs } = connection ?? {};
    return {
      ...{ status: statusCode, headers: answered, body, firstByteMs },
      ...(isNew && dnsMs !== undefined && connectMs !== undefined ? { dnsMs, connectMs } : {}),
    };
  }

  /** Breaks every connection off. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ agent }) => agent.destroy()));
  }

  #poolOf(allow: readonly string[]): Pool {
    const key = [...new Set(allow)].sort().join(" ");
    const pool = this.#pools.get(key) ?? this.#open(allow);
    this.#pools.delete(key);
    this.#pools.set(key, pool);
    const [oldest] = this.#pools;
    if (this.#pools.size > ALLOW_LISTS_MAX && oldest) {
      this.#pools.delete(oldest[0]);
      // What it has in work is finished first.
      oldest[1].agent.close().catch(() => {});
    }
    return pool;
  }

  #open(allow: readonly string[]): Pool {
    const { clock, ca, resolve = systemResolver } = this.#options;
    const resolving = new Map<string, number>();
    const timed: Resolver = async (name) => {
      const startedMs = clock.monotonic();
      const addresses = await resolve(name);
      resolving.set(name, clock.monotonic() - startedMs);
      return addresses;
    };
    const guard = new AddressGuard(allow, timed);
    const opened = new Map<string, Opened>();
    const connector = buildConnector({
      ...{ allowH2: true, timeout: CONNECT_TIMEOUT_MS, lookup: guard.lookup, port: 0 },
      ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
    });
    const connect: buildConnector.connector = (target, done) => {
      const startedMs = clock.monotonic();
      connector(target, (...outcome) => {
        const dnsMs = resolving.get(target.hostname) ?? 0;
        resolving.delete(target.hostname);
        remember(opened, hostOf(target), { startedMs, dnsMs, connectMs: clock.monotonic() - startedMs - dnsMs });
        done(...outcome);
      });
    };
    const agent = new Agent({
      ...{ connect, allowH2: true, connections: ORIGIN_CONNECTIONS_MAX, maxHeaderSize: HEADER_BYTES_MAX },
      // One deadline over everything stands in their place.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
    });
    return { guard, agent, opened };
  }
}

const OPENED_MAX = 1_000;

function remember(opened: Map<string, Opened>, host: string, connection: Opened): void {
  opened.delete(host);
  opened.set(host, connection);
  const [oldest] = opened.keys();
  if (opened.size > OPENED_MAX && oldest !== undefined) opened.delete(oldest);
}

function hostOf({ hostname, protocol, port }: buildConnector.Options): string {
  const isDefault = port === "" || Number(port) === (protocol === "https:" ? 443 : 80);
  return isDefault ? hostname : `${hostname}:${port}`;
}
