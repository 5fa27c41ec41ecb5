import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { createClient, type UploadEvent, type UploadFile } from "../src/index.ts";
import { serve } from "./serve.ts";

const fileOf = (source: string): UploadFile => ({
  source,
  bytes: source.length,
  open: () => new TextEncoder().encode(source),
});

async function collect(events: AsyncIterable<UploadEvent>): Promise<UploadEvent[]> {
  const all: UploadEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** Answers the announcement as PROTOCOL.md says, and each PUT as `put` does. */
async function engine(put: (index: number, body: string, response: ServerResponse) => void | Promise<void>) {
  const announced: string[] = [];
  const bodyOf = async (request: IncomingMessage) => {
    let body = "";
    for await (const part of request) body += part;
    return body;
  };
  const running = await serve(async (request, response) => {
    const body = await bodyOf(request);
    const index = /^\/v1\/jobs\/j1\/sources\/(\d+)$/.exec(request.url ?? "")?.[1];
    if (index !== undefined) return put(Number(index), body, response);
    announced.push(...(JSON.parse(body) as { sources: { source: string }[] }).sources.map(({ source }) => source));
    response.writeHead(202).end(JSON.stringify({ job: "j1", stream: "job:j1", state: "running" }));
  });
  return Object.assign(running, { announced });
}

const accept = (response: ServerResponse) => response.writeHead(202).end(JSON.stringify({ state: "queued" }));

test("files are announced at once and sent a few at a time", async () => {
  let now = 0;
  let most = 0;
  const bodies = new Map<number, string>();
  await using real = await engine(async (index, body, response) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    bodies.set(index, body);
    accept(response);
  });
  const files = Array.from({ length: 30 }, (_, at) => fileOf(`f${at}.md`));
  const events = await collect(createClient({ url: real.url }).space("docs").upload(files, { concurrency: 4 }));
  assert.deepEqual(
    real.announced,
    files.map(({ source }) => source),
  );
  assert.equal(events[0]?.kind, "job");
  assert.equal(events.filter(({ kind }) => kind === "queued").length, 30);
  assert.ok(most <= 4, `${most} at once`);
  assert.ok([...bodies].every(([index, body]) => body === `f${index}.md`));
});

test("a refusal that may pass is sent again; one that may not, and a file that cannot be read, fail alone", async () => {
  const tries = new Map<number, number>();
  await using real = await engine((index, _, response) => {
    const attempt = (tries.get(index) ?? 0) + 1;
    tries.set(index, attempt);
    if (index === 0 && attempt < 3) {
      const error = { code: "overloaded", message: "full", retryable: true, retryAfterMs: 1 };
      response.writeHead(503, { "retry-after": "1" }).end(JSON.stringify({ error }));
    } else if (index === 1) {
      const error = { code: "too_large", message: "too large", retryable: false };
      response.writeHead(413).end(JSON.stringify({ error }));
    } else accept(response);
  });
  const unreadable: UploadFile = { source: "gone.md", open: () => Promise.reject(new Error("ENOENT: gone.md")) };
  const files = [fileOf("a.md"), fileOf("b.md"), unreadable, fileOf("d.md")];
  const events = await collect(
    createClient({ url: real.url, rng: () => 0 })
      .space("docs")
      .upload(files),
  );
  const outcome = events.flatMap((event) =>
    event.kind === "job" ? [] : [`${event.source} ${event.kind === "failed" ? event.error.code : event.kind}`],
  );
  assert.deepEqual(outcome.sort(), ["a.md queued", "b.md too_large", "d.md queued", "gone.md unreadable_document"]);
  assert.equal(tries.get(0), 3);
  assert.equal(tries.get(1), 1);
});

test("an abort ends the upload as cancelled", async () => {
  const abort = new AbortController();
  await using real = await engine(() => abort.abort());
  const events = createClient({ url: real.url })
    .space("docs")
    .upload([fileOf("a.md")], { signal: abort.signal });
  await assert.rejects(collect(events), { code: "cancelled" });
});

test("a concurrency out of range is refused", async () => {
  const upload = createClient({ url: "http://127.0.0.1:1" }).space("docs").upload([], { concurrency: 65 });
  await assert.rejects(collect(upload), { code: "invalid_argument", message: /65.*1 to 64/ });
});
