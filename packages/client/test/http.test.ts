import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/index.ts";
import { serve } from "./serve.ts";

test("the engine's error arrives with its code, message and time to wait", async () => {
  await using real = await serve((_, response) => {
    response.writeHead(503, { "content-type": "application/json", "retry-after": "2" });
    const error = { code: "overloaded", message: "the queue holds 64, its limit", retryable: true, retryAfterMs: 1500 };
    response.end(JSON.stringify({ error }));
  });
  const error = { code: "overloaded", message: /64/, retryable: true, retryAfterMs: 1500 };
  await assert.rejects(createClient({ url: real.url }).space("docs").recall("x"), error);
});

test("an answer of a proxy gets the code of its status, and Retry-After counts", async () => {
  await using real = await serve((_, response) => response.writeHead(429, { "retry-after": "3" }).end("<h1>slow</h1>"));
  const expected = { code: "rate_limited", retryable: true, retryAfterMs: 3000 };
  await assert.rejects(createClient({ url: real.url }).overview(), expected);
});

test("an answer that is no JSON says that this is no engine", async () => {
  await using real = await serve((_, response) => response.end("<html>"));
  await assert.rejects(createClient({ url: real.url }).overview(), {
    code: "unavailable",
    message: /is this the address/,
  });
});

test("an aborted call is cancelled", async () => {
  const abort = new AbortController();
  await using real = await serve(() => abort.abort());
  const call = createClient({ url: real.url }).space("docs").recall("x", { signal: abort.signal });
  await assert.rejects(call, { code: "cancelled" });
});

test("an address without http is refused before anything is sent", () => {
  assert.throws(() => createClient({ url: "localhost:4100" }), { code: "invalid_argument", message: /localhost:4100/ });
});

test("names are escaped, options become the query, and bodies are JSON", async () => {
  const seen: string[] = [];
  await using real = await serve(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push(`${request.method} ${request.url} ${body}`.trim());
    if (request.method === "DELETE") response.writeHead(204).end();
    else response.end(JSON.stringify({ jobs: [], streams: [], documents: [] }));
  });
  const client = createClient({ url: `${real.url}/` });
  await client.space("docs").recall({ query: "q", k: 3, mode: "text" });
  await client.space("docs").add([{ url: "https://a.example" }], { waitMs: 5 });
  await client.space("docs").documents({ after: "a b", limit: 2 });
  await client.space("docs").removeDocument("a/b");
  await client.jobs.list({ state: "running" });
  await client.job("j1").cancel();
  await client.stream("chat:1").append([{ type: "x.t", data: 1 }], { producer: { id: "p", epoch: 0, seq: 1 } });
  assert.deepEqual(seen, [
    'POST /v1/spaces/docs/recall {"query":"q","k":3,"mode":"text"}',
    'POST /v1/spaces/docs/documents?waitMs=5 {"sources":[{"url":"https://a.example"}]}',
    "GET /v1/spaces/docs/documents?after=a+b&limit=2",
    "DELETE /v1/spaces/docs/documents/a%2Fb",
    "GET /v1/jobs?state=running",
    "POST /v1/jobs/j1/cancel",
    'POST /v1/streams/chat%3A1/events {"events":[{"type":"x.t","data":1}],"producer":{"id":"p","epoch":0,"seq":1}}',
  ]);
});
