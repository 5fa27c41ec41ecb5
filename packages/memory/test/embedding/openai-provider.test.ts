import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { type Clock, MillraceError, systemClock } from "@millrace/core";
import { createOpenAiProvider } from "../../src/embedding/openai-provider.ts";

type Asked = {
  readonly model: string;
  readonly input: string[];
  readonly key: string | undefined;
  readonly path: string;
};
type Answer = (asked: Asked, response: ServerResponse) => void;

const KEY = "sk-secret-0123456789";
const asked: Asked[] = [];
/** What the server does with the next requests; when empty it embeds. */
let script: Answer[] = [];
let url = "";

const server = createServer(async (request, response) => {
  // Who asked may have given up before all of it was here.
  const body = await read(request).catch(() => undefined);
  if (body === undefined) return;
  const { model, input } = JSON.parse(body) as { model: string; input: string[] };
  const next = { model, input, key: request.headers.authorization, path: request.url ?? "" };
  asked.push(next);
  (script.shift() ?? embed)(next, response);
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** Three numbers a text, not of unit length, entries in reverse to see that `index` is honoured. */
const embed: Answer = ({ input }, response) => {
  const data = input.map((text, index) => ({ object: "embedding", index, embedding: [text.length, 1, 0] })).reverse();
  response.setHeader("content-type", "application/json").end(JSON.stringify({ object: "list", data }));
};
const refuse =
  (status: number, headers: Record<string, string> = {}, body = ""): Answer =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const answerWith =
  (data: unknown): Answer =>
  (_, response) =>
    response.end(JSON.stringify({ data }));

/** Waits not at all and writes down how long it would have. */
function impatientClock(): { clock: Clock; waits: number[] } {
  const waits: number[] = [];
  const after = (ms: number, run: () => void) => {
    waits.push(ms);
    setImmediate(run);
    return () => {};
  };
  return {
    clock: { ...systemClock, now: () => systemClock.now(), monotonic: () => systemClock.monotonic(), after },
    waits,
  };
}

function reset(...answers: Answer[]): void {
  asked.length = 0;
  script = answers;
}

const is = (code: string, part: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError);
  assert.equal(error.code, code);
  assert.match(error.message, part);
  assert.ok(!error.message.includes(KEY), "the key is in the message");
  return true;
};

test("vectors come in order of the texts, of unit length, in batches of batchMax", async () => {
  reset();
  const provider = await createOpenAiProvider({ url, apiKey: KEY, model: "m", dims: 3, batchMax: 2 });
  const vectors = await provider.embed(["a", "bbbb", "cc"], { kind: "passage" });
  assert.deepEqual(
    asked.map(({ input }) => input),
    [["a", "bbbb"], ["cc"]],
  );
  assert.equal(asked[0]?.path, "/v1/embeddings");
  assert.equal(asked[0]?.key, `Bearer ${KEY}`);
  assert.equal(vectors.length, 9);
  [1, 4, 2].forEach((length, at) => {
    assert.ok(Math.abs((vectors[at * 3] as number) - length / Math.hypot(length, 1)) < 1e-6);
  });
});

test("without dims one text is embedded to learn them; prefixes go before each kind", async () => {
  reset();
  const provider = await createOpenAiProvider({ url, model: "m", prefixes: { query: "q: ", passage: "p: " } });
  assert.equal(provider.dims, 3);
  await provider.embed(["x"], { kind: "query" });
  await provider.embed(["x"], { kind: "passage" });
  assert.deepEqual(
    asked.slice(1).map(({ input }) => input[0]),
    ["q: x", "p: x"],
  );
  assert.equal(asked[0]?.key, undefined);
});

test("429 and 5xx are tried again, waiting as long as Retry-After says and with backoff otherwise", async () => {
  const { clock, waits } = impatientClock();
  reset(refuse(429, { "retry-after": "2" }), refuse(503), refuse(500));
  const provider = await createOpenAiProvider({ url, model: "m", dims: 3, clock });
  await provider.embed(["a"], { kind: "query" });
  assert.equal(asked.length, 4);
  assert.equal(waits[0], 2_000);
  assert.ok((waits[1] as number) >= 250 && (waits[1] as number) <= 500, `second wait ${waits[1]}`);
  assert.ok((waits[2] as number) >= 500 && (waits[2] as number) <= 1_000, `third wait ${waits[2]}`);
});

test("a server that keeps refusing ends in rate_limited or provider_failed after four tries", async () => {
  const { clock, waits } = impatientClock();
  const provider = await createOpenAiProvider({ url, model: "m", dims: 3, clock });
  reset(...Array.from({ length: 4 }, () => refuse(429, { "retry-after": "3600" })));
  await assert.rejects(provider.embed(["a"], { kind: "query" }), is("rate_limited", /429/));
  assert.deepEqual(waits, [20_000, 20_000, 20_000], "no wait is longer than its cap");
  reset(...Array.from({ length: 4 }, () => refuse(502)));
  await assert.rejects(provider.embed(["a"], { kind: "query" }), is("provider_failed", /502/));
  assert.equal(asked.length, 4);
});

test("a refused key is not tried again and stays out of the message, even when the server repeats it", async () => {
  reset(refuse(401, {}, `{"error":"Incorrect API key provided: ${KEY}"}`));
  const provider = await createOpenAiProvider({ url, apiKey: KEY, model: "m", dims: 3 });
  await assert.rejects(provider.embed(["a"], { kind: "query" }), is("provider_failed", /401.*\[key\].*check the key/));
  assert.equal(asked.length, 1);
});

test("a vector of another length is dimension_mismatch, one that is no vector provider_failed", async () => {
  const provider = await createOpenAiProvider({ url, model: "m", dims: 3 });
  reset(answerWith([{ index: 0, embedding: [1, 2] }]));
  await assert.rejects(provider.embed(["a"], { kind: "query" }), is("dimension_mismatch", /2 numbers.*dims 3/));
  for (const data of [
    [{ index: 0, embedding: [0, 0, 0] }],
    [{ index: 0, embedding: [1, null, 3] }],
    [{ index: 0, embedding: [1e39, 1, 1] }],
    [{ index: 7, embedding: [1, 2, 3] }],
    [],
    "text",
  ]) {
    reset(answerWith(data));
    await assert.rejects(provider.embed(["a"], { kind: "query" }), is("provider_failed", /vector/));
    assert.equal(asked.length, 1, "an answer that makes no sense is not asked for again");
  }
});

test("a server that hangs is a timeout, a caller that gives up is cancelled, no server is provider_failed", async () => {
  const { clock } = impatientClock();
  const hang: Answer = () => {};
  reset(hang, hang, hang, hang);
  const slow = await createOpenAiProvider({ url, model: "m", dims: 3, timeoutMs: 20, clock });
  await assert.rejects(slow.embed(["a"], { kind: "query" }), is("timeout", /timeoutMs 20/));

  const controller = new AbortController();
  reset(() => controller.abort());
  const provider = await createOpenAiProvider({ url, model: "m", dims: 3 });
  await assert.rejects(
    provider.embed(["a"], { kind: "query", signal: controller.signal }),
    is("cancelled", /cancelled/),
  );

  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const nobody = await createOpenAiProvider({
    url: `http://127.0.0.1:${port}/v1`,
    apiKey: KEY,
    model: "m",
    dims: 3,
    clock,
  });
  await assert.rejects(nobody.embed(["a"], { kind: "query" }), is("provider_failed", /cannot be reached/));
});

test("options outside their limits are invalid_argument", async () => {
  const rejects = (options: object) =>
    assert.rejects(createOpenAiProvider({ url, model: "m", dims: 3, ...options }), is("invalid_argument", /./));
  await rejects({ url: "not an address" });
  await rejects({ url: "ftp://127.0.0.1/v1" });
  await rejects({ model: "" });
  await rejects({ batchMax: 0 });
  await rejects({ timeoutMs: 0 });
  await rejects({ dims: 5_000 });
  await rejects({ apiKey: "two\nlines" });
});
