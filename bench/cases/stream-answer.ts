/** What one answer of a model costs on the wire, counted on the sockets of clients that follow it token by token. */
import { EventLink } from "../load/event-link.ts";
import { SocketLink } from "../load/socket-link.ts";
import { spawnServer } from "../load/spawn-server.ts";
import { type BenchCase, defineCase } from "../src/case.ts";

const TOKENS = 2_000;
const STREAM = "chat:answer";
const FINAL = "llm.final";
/** Lengths of English tokens with their space: 4.3 on average. */
const WORDS = [" the", " a", " stream", " of", " frames", " is", "ing", " log", ",", " resumed"];

type Reader = { readonly bytes: number; readonly text: string };

/** Follows until the answer ends; the text is put together from what came. */
async function follow(url: URL, kind: "frames" | "compact" | "sse", onFollowing: () => void): Promise<Reader> {
  const done = Promise.withResolvers<void>();
  let text = "";
  const take = (message: string) => {
    if (message.includes('"subscribed"') || message.startsWith(":")) onFollowing();
    text += textIn(kind, message);
    if (message.includes(FINAL)) done.resolve();
  };
  const events = {
    message: (bytes: Buffer, start: number, end: number) => take(bytes.toString("utf8", start, end)),
    closed: (reason: string) => done.reject(new Error(reason)),
  };
  const link = kind === "sse" ? new EventLink(events) : new SocketLink(events);
  await link.open(url, kind === "sse" ? `/v1/streams/${STREAM}/sse` : "/v1/ws");
  if (link instanceof SocketLink) {
    link.send(
      JSON.stringify({ op: "subscribe", sub: 1, stream: STREAM, ...(kind === "compact" ? { format: kind } : {}) }),
    );
  }
  await done.promise;
  const bytes = link.bytesRead;
  link.close();
  return { bytes, text };
}

function textIn(kind: "frames" | "compact" | "sse", message: string): string {
  if (kind === "sse") {
    const lines = message.split("\n").filter((line) => line.startsWith('data: {"stream"'));
    return lines.map((line) => appendOf(JSON.parse(line.slice(6)).data)).join("");
  }
  const parsed: unknown = JSON.parse(message);
  // Compact: the number of the subscription, then a frame as `[seq, ts, type, id, data]` each.
  if (Array.isArray(parsed))
    return parsed
      .slice(1)
      .map((frame) => appendOf(frame[4]))
      .join("");
  const { frames = [] } = parsed as { frames?: readonly { data: unknown }[] };
  return frames.map(({ data }) => appendOf(data)).join("");
}

function appendOf(data: unknown): string {
  const { append } = data as { append?: unknown };
  return typeof append === "string" ? append : "";
}

async function append(url: URL, event: unknown): Promise<void> {
  const response = await fetch(new URL(`/v1/streams/${STREAM}/events`, url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ events: [event], ack: "accepted" }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`an append was answered with ${response.status}: ${body}`);
}

async function answer(url: URL): Promise<string> {
  const id = "m1";
  let text = "";
  await append(url, { type: "llm.start", id, data: { model: "bench" } });
  for (let token = 0; token < TOKENS; token++) {
    const word = WORDS[token % WORDS.length] ?? "";
    // A producer gives the offset or leaves it to the engine; it is in the frame either way.
    await append(url, { type: "llm.delta", id, data: { offset: text.length, append: word } });
    text += word;
  }
  await append(url, { type: FINAL, id, data: { text } });
  return text;
}

const bytesOfAnswer = defineCase({
  name: "stream/answer-bytes",
  title: `bytes to one client for an answer of ${TOKENS.toLocaleString("en-US")} tokens, each its own frame, head and final text included`,
  unit: "MB",
  isSelfWarming: true,
  figures: {
    compact: { kind: "latency", bar: 0.2 },
    frames: { kind: "latency" },
    sse: { kind: "latency" },
    text: { kind: "plain" },
  },
  options: { tokens: TOKENS },
  setup: () => undefined,
  run: async () => {
    await using server = await spawnServer({ target: "millrace" });
    const url = new URL(server.url);
    const following = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const readers = Promise.all(
      (["compact", "frames", "sse"] as const).map((kind, at) => follow(url, kind, () => following[at]?.resolve())),
    );
    await Promise.race([readers, Promise.all(following.map(({ promise }) => promise))]);
    const text = await answer(url);
    const read = await readers;
    for (const one of read) if (one.text !== text) throw new Error("a client put together another text");
    const [compact = 0, frames = 0, sse = 0] = read.map(({ bytes }) => bytes / 1e6);
    return { compact, frames, sse, text: text.length / 1e6 };
  },
});

export const cases: readonly BenchCase[] = [bytesOfAnswer];
