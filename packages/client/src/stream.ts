import type { AppendRequest, AppendResponse, Entity, Frame, StreamEntry } from "@millrace/protocol";
import type { ClientContext } from "./client.ts";
import { type SubscribeOptions, Subscription } from "./subscription.ts";

type Signal = { readonly signal?: AbortSignal | undefined };
export type PageOptions = Signal & { readonly after?: string | undefined; readonly limit?: number | undefined };
export type FramePage = {
  readonly frames: Frame[];
  readonly cursor: string;
  readonly head: number;
  readonly more: boolean;
};
/** A snapshot: it covers the frames to `asOfSeq`; those after `<epoch>:<asOfSeq>` complete it (I8). */
export type TimelinePage = {
  readonly stream: string;
  readonly epoch: string;
  readonly asOfSeq: number;
  readonly entities: Entity[];
  readonly next?: string;
};

/** One stream, by name. */
export class StreamHandle {
  readonly stream: string;
  readonly #context: ClientContext;
  readonly #path: string;

  constructor(context: ClientContext, stream: string) {
    this.stream = stream;
    this.#context = context;
    this.#path = `/v1/streams/${encodeURIComponent(stream)}`;
  }

  /** Adds events in order; resolves once they are durable. With `producer`, sending the same again adds nothing (I3). */
  append(
    events: AppendRequest["events"],
    options: Signal & Pick<AppendRequest, "producer"> = {},
  ): Promise<AppendResponse> {
    const { signal, producer } = options;
    const json: AppendRequest = producer ? { events, producer } : { events };
    return this.#context.http.call("POST", `${this.#path}/events`, { json, signal });
  }

  /** One page of the log, 1 to 1,000 frames. */
  frames({ after, limit, signal }: PageOptions = {}): Promise<FramePage> {
    return this.#context.http.call("GET", `${this.#path}/frames`, { query: { after, limit }, signal });
  }

  /** One page of the stream's state. */
  timeline({ after, limit, signal }: PageOptions = {}): Promise<TimelinePage> {
    return this.#context.http.call("GET", `${this.#path}/timeline`, { query: { after, limit }, signal });
  }

  /**
   * Follows the stream: every frame after the cursor once and in order, across lost connections, until the loop is left or `signal` aborts.
   * All subscriptions of a client share one WebSocket. It reconnects for as long as it takes; errors that cannot pass
   * (`unauthenticated`, `invalid_argument`, `gone` …) end the loop. Each iteration is a subscription of its own, from `after`.
   */
  subscribe(options: SubscribeOptions = {}): AsyncIterable<Frame> {
    const { link, clock, rng } = this.#context;
    const { stream } = this;
    return { [Symbol.asyncIterator]: () => new Subscription({ ...options, stream, link: link(), clock, rng }) };
  }
}

export type StreamsApi = {
  /** Streams whose name begins with `prefix`, newest first. */
  list(
    options?: Signal & { readonly prefix?: string | undefined; readonly limit?: number | undefined },
  ): Promise<StreamEntry[]>;
};

export function streamsApi({ http }: ClientContext): StreamsApi {
  return {
    async list({ prefix, limit, signal } = {}) {
      const answer = await http.call<{ streams: StreamEntry[] }>("GET", "/v1/streams", {
        query: { prefix, limit },
        signal,
      });
      return answer.streams;
    },
  };
}
