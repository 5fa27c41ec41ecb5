import { type AppendResponse, MillraceError } from "@millrace/protocol";
import type { Http } from "./http.ts";
import type { AppendLine, AppendSink } from "./link.ts";

/** Appends as requests, one after the other so that they arrive in order: for hosts without a WebSocket. */
export class RequestLine implements AppendLine {
  readonly #http: Http;
  readonly #sink: AppendSink;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  #last = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor(http: Http, sink: AppendSink, onEnd: () => void) {
    this.#http = http;
    this.#sink = sink;
    this.#onEnd = onEnd;
    queueMicrotask(() => {
      if (!this.#ended.signal.aborted) sink.ready();
    });
  }

  send(stream: string, fields: string): number {
    const id = ++this.#last;
    this.#sending = this.#sending.then(() => this.#post(id, stream, fields));
    return id;
  }

  close(): void {
    this.#ended.abort();
    this.#onEnd();
  }

  /** As when a socket is lost: what was sent may have arrived. */
  end(error: MillraceError): void {
    if (this.#ended.signal.aborted) return;
    this.close();
    this.#sink.lost(error);
  }

  async #post(id: number, stream: string, fields: string): Promise<void> {
    const { signal } = this.#ended;
    if (signal.aborted) return;
    const path = `/v1/streams/${encodeURIComponent(stream)}/events`;
    try {
      const answer = await this.#http.call<AppendResponse>("POST", path, {
        body: `{${fields}}`,
        contentType: "application/json",
        signal,
      });
      if (!signal.aborted) this.#sink.appended(id, answer);
    } catch (error) {
      this.#refused(id, MillraceError.from(error, "unavailable"));
    }
  }

  /** Without an answer the rest must not go out: what was sent may be on its way still. */
  #refused(id: number, error: MillraceError): void {
    if (this.#ended.signal.aborted) return;
    if (error.code === "unavailable" || error.code === "timeout") this.end(error);
    else this.#sink.refused(id, error);
  }
}
