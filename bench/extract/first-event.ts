/** How long a client of `POST /v1/extract` waits for the first event of a stream, and for the page itself. */
import { type Agent, request } from "node:http";
import { MillraceError } from "@millrace/core";
import { FIRST_EVENT_MS } from "./limits.ts";

export type EventTimes = {
  /** Milliseconds from the moment the request was sent. */
  readonly firstEventMs: number;
  readonly resultMs: number;
  /** Which cache the page came from, as the answer says. */
  readonly layer: string;
};

/** One page by server-sent events. `fetch_failed` when the stream brings no result. */
export function timeEvents(server: string, url: string, agent: Agent): Promise<EventTimes> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ url });
    const headers = { accept: "text/event-stream", "content-type": "application/json" };
    const options = { method: "POST", agent, headers, signal: AbortSignal.timeout(FIRST_EVENT_MS) };
    const startedMs = performance.now();
    const call = request(new URL("/v1/extract", server), options, (response) => {
      let text = "";
      let [firstEventMs, resultMs] = [Number.NaN, Number.NaN];
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        const sinceMs = performance.now() - startedMs;
        if (Number.isNaN(firstEventMs) && EVENT.test(text)) firstEventMs = sinceMs;
        if (Number.isNaN(resultMs) && RESULT.test(text)) resultMs = sinceMs;
      });
      response.once("error", reject);
      response.once("end", () => {
        if (resultMs >= firstEventMs) return resolve({ firstEventMs, resultMs, layer: layerIn(text) });
        const said = `${url} was answered with ${response.statusCode} and no result: ${text.slice(0, SHOWN_CHARS)}`;
        reject(new MillraceError("fetch_failed", said));
      });
    });
    call.once("error", reject).end(body);
  });
}

/** `cache` stands in the document beside its text; the last mention is that of the document itself. */
function layerIn(text: string): string {
  return [...text.matchAll(/"layer":"(\w+)"/g)].at(-1)?.[1] ?? "none";
}

/** An event is there once the line break after its data is. */
const EVENT = /^data: .*\n/m;
const RESULT = /^data: .*"extract\.result".*\n/m;
const SHOWN_CHARS = 1_000;
