/** Follows streams by server-sent events over fetch, and appends by requests: for hosts without a WebSocket. */
import { type ErrorBody, type Frame, fromErrorBody, type Gap, MillraceError } from "@millrace/protocol";
import type { ClientClock } from "./clock.ts";
import type { Http } from "./http.ts";
import { SILENCE_MAX_MS } from "./limits.ts";
import type { AppendLine, AppendSink, Followed, Link, LinkRequest, LinkSink, Snapshot } from "./link.ts";
import { RequestLine } from "./request-line.ts";
import { readEvents } from "./sse.ts";

export type SseLinkOptions = { readonly http: Http; readonly clock: ClientClock };

export class SseLink implements Link {
  readonly #options: SseLinkOptions;
  readonly #open = new Set<AbortController>();
  readonly #lines = new Set<RequestLine>();

  constructor(options: SseLinkOptions) {
    this.#options = options;
  }

  open(request: LinkRequest, sink: LinkSink): Followed {
    const controller = new AbortController();
    this.#open.add(controller);
    this.#follow(request, sink, controller)
      .catch((error: unknown) => MillraceError.from(error, "unavailable"))
      .then((error) => {
        this.#open.delete(controller);
        if (!isDone(controller.signal)) sink.lost(error);
      })
      .catch(() => {});
    // What the reader does not take stays in the connection: the engine sends no more than that holds.
    return { close: () => controller.abort(DONE), acknowledge: () => {} };
  }

  openAppends(sink: AppendSink): AppendLine {
    const line = new RequestLine(this.#options.http, sink, () => this.#lines.delete(line));
    this.#lines.add(line);
    return line;
  }

  close(): void {
    const closed = new MillraceError("cancelled", "the client was closed");
    for (const controller of this.#open) controller.abort(closed);
    for (const line of [...this.#lines]) line.end(closed);
  }

  /** Runs until the stream of events ends; the error says how it ended. */
  async #follow(request: LinkRequest, sink: LinkSink, controller: AbortController): Promise<MillraceError> {
    const { stream, after, snapshot } = request;
    const { http } = this.#options;
    const path = `/v1/streams/${encodeURIComponent(stream)}/sse`;
    const { signal } = controller;
    const response = await http.open("GET", path, {
      query: { after, snapshot: snapshot ? "true" : undefined },
      signal,
      timeoutMs: 0,
    });
    const ended = new MillraceError("unavailable", `the event stream of ${http.url}${path} ended; reconnecting`);
    if (!response.body) return ended;
    const watch = this.#watch(controller);
    try {
      for await (const { event, data } of readEvents(response.body)) {
        if (isDone(signal)) break;
        watch.heard();
        if (event === "frame") sink.frames([JSON.parse(data) as Frame], data.length);
        else if (event === "gap") sink.gap(JSON.parse(data) as Gap);
        else if (event === "snapshot") sink.snapshot(JSON.parse(data) as Snapshot);
        else if (event === "error") return fromErrorBody((JSON.parse(data) as { error: ErrorBody }).error);
        else sink.alive();
      }
    } catch (error) {
      if (signal.reason instanceof MillraceError) return signal.reason;
      throw error;
    } finally {
      watch.stop();
    }
    return ended;
  }

  #watch(controller: AbortController): { heard(): void; stop(): void } {
    const { clock, http } = this.#options;
    const silent = () =>
      controller.abort(
        new MillraceError("unavailable", `${http.url} said nothing for ${SILENCE_MAX_MS} ms; reconnecting`),
      );
    let cancel = clock.after(SILENCE_MAX_MS, silent);
    const heard = () => {
      cancel();
      cancel = clock.after(SILENCE_MAX_MS, silent);
    };
    return { heard, stop: () => cancel() };
  }
}

/** Why a request is aborted when its subscription no longer wants it: then nobody is told. */
const DONE = "done";

function isDone(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason === DONE;
}
