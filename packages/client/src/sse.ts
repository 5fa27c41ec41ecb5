/** Reads server-sent events (WHATWG HTML, section 9.2) from a body, without EventSource: it can send a key and say why it failed. */
import { MillraceError } from "@millrace/protocol";
import { SSE_LINE_CHARS_MAX } from "./limits.ts";

export type SseEvent = { readonly event: string; readonly data: string };

/** Events as they arrive; a comment is given as an event named ":" so that the caller sees the connection is alive. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  let event = "";
  let data: string[] = [];
  for await (const line of readLines(body)) {
    if (line === "") {
      if (data.length > 0) yield { event: event === "" ? "message" : event, data: data.join("\n") };
      event = "";
      data = [];
    } else if (line.startsWith(":")) yield { event: ":", data: "" };
    else {
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event = value;
      else if (field === "data") data.push(value);
    }
  }
}

async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + decoder.decode(part.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      if (rest.length > SSE_LINE_CHARS_MAX) throw tooLong();
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function tooLong(): MillraceError {
  return new MillraceError("too_large", `a line of the event stream is above ${SSE_LINE_CHARS_MAX} characters`);
}
