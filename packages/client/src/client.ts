import type { Overview, VerifyReport } from "@millrace/protocol";
import { type ClientClock, hostClock } from "./clock.ts";
import { type ExtractApi, extractApi } from "./extract.ts";
import { Http } from "./http.ts";
import { JobHandle, type JobsApi, jobsApi } from "./job.ts";
import type { Link } from "./link.ts";
import { type SocketConstructor, SocketLink } from "./socket-link.ts";
import { SpaceHandle, type SpacesApi, spacesApi } from "./space.ts";
import { SseLink } from "./sse-link.ts";
import { StreamHandle, type StreamsApi, streamsApi } from "./stream.ts";

export type ClientOptions = {
  /** Where the engine listens, for example `http://127.0.0.1:4100`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key?: string | undefined;
  /** Default: the host's. */
  readonly fetch?: typeof fetch;
  /** Default: the host's; null, or a host that has none, means server-sent events. */
  readonly WebSocket?: SocketConstructor | null;
  readonly clock?: ClientClock;
  /** Numbers in [0, 1) for the jitter of waits; default Math.random. */
  readonly rng?: () => number;
};

/** What the parts of a client share. */
export type ClientContext = {
  readonly http: Http;
  /** Null where the host has none. */
  readonly WebSocket: SocketConstructor | null;
  /** Opened with the first subscription. */
  readonly link: () => Link;
  /** Aborts when the client is closed. */
  readonly closing: () => AbortSignal;
  readonly clock: ClientClock;
  readonly rng: () => number;
};

export type Client = {
  readonly url: string;
  readonly spaces: SpacesApi;
  space(name: string): SpaceHandle;
  readonly jobs: JobsApi;
  job(id: string): JobHandle;
  readonly streams: StreamsApi;
  stream(name: string): StreamHandle;
  /** Reads one page or file: text, Markdown, metadata. Nothing is remembered but in the cache of pages. */
  readonly extract: ExtractApi["extract"];
  /** Reads 1 to 100 pages; what comes of each is given as it comes, across lost connections. */
  readonly extractMany: ExtractApi["extractMany"];
  /** Rates, latencies, queues and totals of the engine, all measured. */
  overview(options?: { readonly signal?: AbortSignal | undefined }): Promise<Overview>;
  /** Looks for whatever in the engine's store is not as it must be. Takes seconds to minutes; nothing is held up or changed. */
  verify(options?: { readonly signal?: AbortSignal | undefined }): Promise<VerifyReport>;
  /** Ends every subscription and writer, and the WebSocket. */
  close(): void;
};

/**
 * A client of one engine, for browsers and Node. It opens no connection until it is used. Every failure is a `MillraceError` with the
 * engine's code; when nothing answers, `unavailable` naming the address.
 */
export function createClient(options: ClientOptions): Client {
  const { url, key, clock = hostClock, rng = Math.random } = options;
  const { WebSocket = (globalThis.WebSocket as SocketConstructor | undefined) ?? null } = options;
  const http = new Http({ url, key, fetch: options.fetch ?? globalThis.fetch.bind(globalThis) });
  let link: Link | undefined;
  let closing = new AbortController();
  const context: ClientContext = {
    http,
    WebSocket,
    clock,
    rng,
    link: () => (link ??= WebSocket ? new SocketLink({ http, WebSocket, clock }) : new SseLink({ http, clock })),
    closing: () => closing.signal,
  };
  return {
    url: http.url,
    spaces: spacesApi(context),
    space: (name) => new SpaceHandle(context, name),
    jobs: jobsApi(context),
    job: (id) => new JobHandle(context, id),
    streams: streamsApi(context),
    stream: (name) => new StreamHandle(context, name),
    ...extractApi(context),
    overview: ({ signal } = {}) => http.call("GET", "/v1/overview", { signal }),
    verify: ({ signal } = {}) => http.call("POST", "/v1/verify", { signal, timeoutMs: 0 }),
    close: () => {
      closing.abort();
      closing = new AbortController();
      link?.close();
    },
  };
}
