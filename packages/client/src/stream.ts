import {
  type AppendRequest,
  type AppendResponse,
  type Frame,
  MillraceError,
  type RetentionPolicy,
  type StreamEntry,
  type StreamRetention,
} from "@millrace/protocol";
import type { ClientContext } from "./client.ts";
import type { Snapshot } from "./link.ts";
import { type SubscribeOptions, Subscription } from "./subscription.ts";
import { StreamWriter, type WriterOptions } from "./writer.ts";

type Signal = { readonly signal?: AbortSignal | undefined };
export type PageOptions = Signal & { readonly after?: string | undefined; readonly limit?: number | undefined };
export type FramePage = {
  readonly frames: Frame[];
  readonly cursor: string;
  readonly head: number;
  readonly more: boolean;
};
export type TimelinePage = Snapshot;

export type ExportOptions = Signal & {
  /** A cursor; default from the first frame kept. */
  readonly after?: string | undefined;
  /** The cursor of the last frame wanted; default the newest when the export begins. */
  readonly until?: string | undefined;
};
/** Frames as they are stored, one JSON object a line. Give `until` as `after` of the next export to go on. */
export type StreamExport = {
  readonly after: string;
  readonly until: string;
  /** How many frames there are: one a line. */
  readonly frames: number;
  /** Reads from the network as it is read; rejects when the export ends before its last frame. */
  readonly body: AsyncIterable<Uint8Array>;
};

const LINE_END = 10;

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

  /**
   * Adds events in order; resolves once they are durable, or with `ack: "accepted"` as soon as they have their numbers: then the answer's
   * `durableSeq` says what is durable, and a crash within the next milliseconds may take the rest back. With `producer`, sending the
   * same again adds nothing (I3).
   */
  append(
    events: AppendRequest["events"],
    options: Signal & Pick<AppendRequest, "producer" | "ack"> = {},
  ): Promise<AppendResponse> {
    const { signal, producer, ack } = options;
    const json: AppendRequest = { events, ...(producer ? { producer } : {}), ...(ack ? { ack } : {}) };
    return this.#context.http.call("POST", `${this.#path}/events`, { json, signal });
  }

  /** Appends events one by one at full rate over the client's WebSocket, each once, across lost connections. Close it when done. */
  writer(options: WriterOptions = {}): StreamWriter {
    const { link, clock, rng, closing } = this.#context;
    return new StreamWriter({ ...options, stream: this.stream, link: link(), closing: closing(), clock, rng });
  }

  /** One page of the log, 1 to 1,000 frames. */
  frames({ after, limit, signal }: PageOptions = {}): Promise<FramePage> {
    return this.#context.http.call("GET", `${this.#path}/frames`, { query: { after, limit }, signal });
  }

  /** All frames of the stream, or those between two cursors, however many: they pass through, a piece at a time. */
  async export({ after, until, signal }: ExportOptions = {}): Promise<StreamExport> {
    const options = { query: { after, until }, signal, timeoutMs: 0 };
    const response = await this.#context.http.open("GET", `${this.#path}/export`, options);
    const [from, to] = [response.headers.get("millrace-after") ?? "", response.headers.get("millrace-until") ?? ""];
    const frames = Number(to.split(":")[1]) - Number(from.split(":")[1]);
    if (!Number.isSafeInteger(frames)) {
      throw new MillraceError("unavailable", `${response.url} did not say what it exports; is it a Millrace engine?`);
    }
    return { after: from, until: to, frames, body: readLines(response, frames, signal) };
  }

  /** The stream as a listing shows it; with `detail` also what it is doing and what of it is kept. */
  entry({ detail, signal }: Signal & { readonly detail?: boolean } = {}): Promise<StreamEntry> {
    return this.#context.http.call("GET", this.#path, { query: { detail: detail ? "true" : undefined }, signal });
  }

  /** What of the stream is kept, and what it holds. */
  retention({ signal }: Signal = {}): Promise<StreamRetention> {
    return this.#context.http.call("GET", `${this.#path}/retention`, { signal });
  }

  /** Keeps no more of the stream than this, from now on; with null what the engine keeps of any. Resolves once the stream is trimmed, or after 5 s. */
  retain(policy: RetentionPolicy | null, { signal }: Signal = {}): Promise<StreamRetention> {
    const path = `${this.#path}/retention`;
    if (policy === null) return this.#context.http.call("DELETE", path, { signal });
    return this.#context.http.call("PUT", path, { json: policy, signal });
  }

  /** Deletes the stream with all its frames; who follows it gets `gone`. A long one takes its time: about 10 s for a million frames. */
  delete({ signal }: Signal = {}): Promise<void> {
    return this.#context.http.call("DELETE", this.#path, { signal, timeoutMs: 0 });
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
    const { link, clock, rng, closing } = this.#context;
    const { stream } = this;
    const start = () => new Subscription({ ...options, stream, link: link(), closing: closing(), clock, rng });
    return { [Symbol.asyncIterator]: start };
  }
}

export type StreamsApi = {
  /** Streams whose name begins with `prefix`, newest first; with `detail` also what they are doing and what of them is kept. */
  list(
    options?: Signal & {
      readonly prefix?: string | undefined;
      readonly limit?: number | undefined;
      readonly detail?: boolean;
    },
  ): Promise<StreamEntry[]>;
};

export function streamsApi({ http }: ClientContext): StreamsApi {
  return {
    async list({ prefix, limit, detail, signal } = {}) {
      const answer = await http.call<{ streams: StreamEntry[] }>("GET", "/v1/streams", {
        query: { prefix, limit, detail: detail ? "true" : undefined },
        signal,
      });
      return answer.streams;
    },
  };
}

/** The body as it comes, its lines counted: an answer that was cut must not pass for a whole one. */
async function* readLines(
  response: Response,
  lines: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  let seen = 0;
  let cause: unknown;
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      for (let at = part.value.indexOf(LINE_END); at >= 0; at = part.value.indexOf(LINE_END, at + 1)) seen++;
      yield part.value;
    }
  } catch (error) {
    cause = error;
  } finally {
    await reader?.cancel().catch(() => {});
  }
  if (signal?.aborted) throw MillraceError.from(signal.reason, "cancelled");
  if (seen === lines && cause === undefined) return;
  const message = `the export ended after ${seen} of ${lines} frames: frames may have been trimmed meanwhile, or the connection was lost; export again`;
  throw new MillraceError("unavailable", message, { cause });
}
