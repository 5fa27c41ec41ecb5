import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import type { Frame } from "@millrace/client";
import fc from "fast-check";
import { startEngine } from "../support/engine.ts";
import { heldBytes } from "../support/held-bytes.ts";
import { exchangeRaw, openRaw } from "../support/raw-socket.ts";
import { until } from "../support/until.ts";

const JSON_TYPE = { "content-type": "application/json" };
const TEXT_TYPE = { "content-type": "text/plain" };
const send = (
  method: string,
  url: string,
  headers: Record<string, string> = {},
  body?: string | Uint8Array<ArrayBuffer>,
) => fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
const errorCode = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

test("one log, many views: what is appended here is followed by native clients, and what they append is read here", async () => {
  await using engine = await startEngine();
  const root = `${engine.server.url}/v1/stream`;
  await send("PUT", `${root}/notes`, JSON_TYPE);
  await send("POST", `${root}/notes`, JSON_TYPE, JSON.stringify([{ n: 1 }, { n: 2 }]));
  const seen: Frame[] = [];
  for await (const frame of engine.client.stream("notes").subscribe()) {
    seen.push(frame);
    if (seen.length === 2) break;
  }
  assert.deepEqual(
    seen.map(({ seq, type, data }) => [seq, type, data]),
    [
      [1, "x.durable", { n: 1 }],
      [2, "x.durable", { n: 2 }],
    ],
  );

  await engine.client.stream("chat:7").append([{ type: "log", data: { message: "hello" } }]);
  const native = await send("GET", `${root}/chat:7`);
  assert.equal(native.headers.get("content-type"), "application/json");
  const [frame] = (await native.json()) as Frame[];
  assert.deepEqual([frame?.stream, frame?.seq, frame?.type], ["chat:7", 1, "log"]);
  const waiting = send("GET", `${root}/chat:7?live=long-poll&offset=${native.headers.get("stream-next-offset")}`);
  await engine.client.stream("chat:7").append([{ type: "log", data: { message: "again" } }]);
  assert.deepEqual(
    ((await (await waiting).json()) as Frame[]).map(({ seq }) => seq),
    [2],
  );
  for (const method of ["POST", "DELETE"]) {
    assert.equal((await send(method, `${root}/chat:7`, JSON_TYPE, method === "POST" ? "1" : undefined)).status, 405);
  }
  assert.equal((await send("PUT", `${root}/chat:7`, JSON_TYPE)).status, 409);
  assert.equal(
    (await send("DELETE", `${engine.server.url}/v1/streams/notes`)).status,
    409,
    "deleted by its path or not at all",
  );
});

test("the engine's own streams are read and never written", async () => {
  await using engine = await startEngine();
  const root = `${engine.server.url}/v1/stream`;
  const job = await engine.client.space("s").add([{ source: "a.txt", text: "A mill turns." }]);
  for await (const { type } of engine.client.stream(job.stream).subscribe()) if (type === "job.done") break;
  const read = await send("GET", `${root}/${encodeURIComponent(job.stream)}`);
  assert.equal(read.status, 200);
  assert.equal(((await read.json()) as Frame[]).at(-1)?.type, "job.done");
  for (const path of [job.stream, "space:s", "_x", "job:new/deep"]) {
    for (const method of ["PUT", "POST", "DELETE"]) {
      const refused = await send(method, `${root}/${path}`, TEXT_TYPE, method === "DELETE" ? undefined : "x");
      assert.deepEqual([refused.status, await errorCode(refused)], [403, "forbidden"], `${method} ${path}`);
    }
  }
});

test("pages of other origins are told what there is, and not let in", async () => {
  await using engine = await startEngine();
  const url = `${engine.server.url}/v1/stream/x`;
  const origin = { origin: "https://evil.example", "access-control-request-method": "PUT" };
  const preflight = await send("OPTIONS", url, origin);
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /stream-seq/);
  assert.equal(preflight.headers.get("access-control-allow-origin"), null, "so the browser stops here");
  for (const method of ["GET", "PUT", "POST", "DELETE"]) {
    const refused = await send(
      method,
      url,
      { origin: "https://evil.example", ...TEXT_TYPE },
      method === "PUT" ? "x" : undefined,
    );
    assert.equal(refused.status, 403, method);
  }
  const rebound = await exchangeRaw(
    engine.server.url,
    "GET /v1/stream/x HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
  );
  assert.match(rebound, /^HTTP\/1.1 403 /);
  assert.equal((await send("GET", url)).status, 404, "nothing was made");
});

test("offsets: of a stream that was deleted and made anew are gone, of the future are refused", async () => {
  await using engine = await startEngine();
  const url = `${engine.server.url}/v1/stream/again`;
  const first = await send("PUT", url, TEXT_TYPE, "one");
  const offset = first.headers.get("stream-next-offset") ?? "";
  await send("DELETE", url);
  const second = await send("PUT", url, TEXT_TYPE, "two");
  assert.ok(
    (second.headers.get("stream-next-offset") ?? "") > offset,
    "offsets of the new stream are above those of the old",
  );
  const stale = await send("GET", `${url}?offset=${offset}`);
  assert.deepEqual([stale.status, await errorCode(stale)], [410, "gone"]);
  const ahead = await send(
    "GET",
    `${url}?offset=${(second.headers.get("stream-next-offset") ?? "").replace(/1$/, "9")}`,
  );
  assert.deepEqual([ahead.status, await errorCode(ahead)], [400, "invalid_argument"]);
});

test("bodies: too large is 413 before it was received, ten thousand messages are one append, 4 MB come back byte for byte", async () => {
  await using engine = await startEngine();
  const root = `${engine.server.url}/v1/stream`;
  await send("PUT", `${root}/bytes`);
  const head = "content-type: application/octet-stream\r\nconnection: close\r\n";
  const refused = await exchangeRaw(
    engine.server.url,
    `POST /v1/stream/bytes HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}content-length: 9999999999\r\n\r\n`,
  );
  assert.match(refused, /^HTTP\/1.1 413 /);
  for (let n = 0; n < 5; n++) {
    const large = await send(
      "POST",
      `${root}/bytes`,
      { "content-type": "application/octet-stream" },
      new Uint8Array(8_000_000),
    );
    assert.deepEqual(
      [large.status, await errorCode(large)],
      [413, "too_large"],
      "who sends all of it is told, not cut off",
    );
  }
  const body = new Uint8Array(4 * 1024 * 1024).map((_, at) => (at * 7919) >> 5);
  const appended = await send("POST", `${root}/bytes`, { "content-type": "application/octet-stream" }, body);
  assert.equal(appended.status, 204);
  const parts: Uint8Array[] = [];
  let offset: string | null = "-1";
  for (let isAtTail = false; !isAtTail; ) {
    const page: Response = await send("GET", `${root}/bytes?offset=${offset}`);
    parts.push(new Uint8Array(await page.arrayBuffer()));
    offset = page.headers.get("stream-next-offset");
    isAtTail = page.headers.get("stream-up-to-date") === "true";
  }
  assert.ok(parts.length > 1, "in pages");
  assert.ok(Buffer.concat(parts).equals(Buffer.from(body)));

  await send("PUT", `${root}/many`, JSON_TYPE);
  const messages = Array.from({ length: 10_000 }, (_, n) => n);
  assert.equal((await send("POST", `${root}/many`, JSON_TYPE, JSON.stringify(messages))).status, 204);
  assert.equal((await send("POST", `${root}/many`, JSON_TYPE, JSON.stringify([...messages, 1]))).status, 413);
  assert.match((await send("HEAD", `${root}/many`)).headers.get("stream-next-offset") ?? "", /_0{11}10000$/);
});

test("I6: readers by events that take nothing cost their budget each, and one that reads again gets all of it", async () => {
  await using engine = await startEngine();
  const url = `${engine.server.url}/v1/stream/flood`;
  await send("PUT", url, TEXT_TYPE);
  const { host } = new URL(url);
  const open = () =>
    openRaw(engine.server.url, `GET /v1/stream/flood?live=sse&offset=-1 HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  const readers = await Promise.all(Array.from({ length: 10 }, open));
  for (const reader of readers) reader.pause();
  const piece = "#".repeat(100_000);
  const before = heldBytes();
  for (let n = 0; n < 200; n++) await send("POST", url, TEXT_TYPE, piece);
  const grown = heldBytes() - before;
  assert.ok(grown < 60 * 1024 * 1024, `${Math.round(grown / 1e6)} MB more for 20 MB appended to ten stalled readers`);
  const [again] = readers;
  assert.ok(again);
  let received = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  again.once("close", resolve);
  again.on("data", (data: Buffer) => {
    for (const byte of data) if (byte === 35) received++;
    if (received >= 20_000_000) resolve();
  });
  again.resume();
  await ended;
  for (const reader of readers) reader.destroy();
  assert.equal(received, 20_000_000);
});

test("closing the engine ends those who wait and those who follow", async () => {
  const engine = await startEngine();
  const url = `${engine.server.url}/v1/stream/idle`;
  await send("PUT", url, TEXT_TYPE);
  const events = await send("GET", `${url}?live=sse&offset=-1`);
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  const poll = send("GET", `${url}?live=long-poll&offset=now`).then(({ status }) => status);
  await until(async () => (await engine.client.overview()).subscribers === 2);
  await engine[Symbol.asyncDispose]();
  assert.equal((await reader.read()).done, true);
  assert.equal(await poll, 204);
});

/** Every status that PROTOCOL.md names for these routes. */
const DOCUMENTED = new Set([200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 413, 431, 499, 503]);
const STREAM_HEADERS = [
  ...["stream-ttl", "stream-expires-at", "stream-closed", "stream-seq", "stream-forked-from", "stream-fork-offset"],
  ...[
    "stream-fork-sub-offset",
    "producer-id",
    "producer-epoch",
    "producer-seq",
    "content-type",
    "if-none-match",
    "authorization",
  ],
];
const VALUES = [
  ...[
    "",
    "0",
    "1",
    "-1",
    "1e3",
    "true",
    "9007199254740993",
    "99999999999999999999",
    "2030-01-01T00:00:00Z",
    "application/json",
  ],
  ...[
    "text/plain",
    "/v1/stream/f-1",
    "/v1/stream/%00",
    "/v1/stream/",
    "0000000000000000_0000000000000000",
    "x".repeat(600),
    "null",
  ],
];

test("whatever head and body is sent, the answer has a documented status and the engine goes on", async () => {
  let defects = 0;
  await using engine = await startEngine({ onDefect: () => defects++ });
  const value = fc.oneof(
    fc.constantFrom(...VALUES),
    fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, "")),
  );
  const segment = fc.oneof(
    fc.constantFrom("f-1", "f-2", "f-1/deep", "a%2Fb", "%", "__ds", "__ds/jwks.json", "..", "job:x", ""),
    fc.webSegment(),
  );
  const control = fc
    .constantFrom(...["", "/streams", "/claim", "/ack", "/release", "/callback", "/nothing"])
    .map((end) => `__ds/subscriptions/s${end}`);
  const query = fc.constantFrom(
    "",
    "?offset=-1",
    "?offset=now&live=sse",
    "?offset=",
    "?live=long-poll",
    "?offset=%00",
    "?offset=-1&offset=1",
    "?live=x",
  );
  const body = fc.oneof(
    fc.constantFrom(
      "",
      "[]",
      "{",
      "[1,2]",
      '{"type":"pull-wake","pattern":"f-*","wake_stream":"f-2"}',
      '{"acks":[{}]}',
      "[".repeat(2_000),
    ),
    fc.json(),
    fc.string(),
  );
  const headers = fc.dictionary(fc.constantFrom(...STREAM_HEADERS), value, { maxKeys: 5, noNullPrototype: true });
  const method = fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH");
  const target = fc
    .tuple(fc.oneof({ weight: 3, arbitrary: segment }, control), query)
    .map((parts) => `/v1/stream/${parts.join("")}`);
  await fc.assert(
    fc.asyncProperty(method, target, headers, body, async (verb, path, head, text) => {
      const status = await statusOf(engine.server.url, { method: verb, path, headers: head, body: text });
      assert.ok(DOCUMENTED.has(status), `${verb} ${path}: ${status}`);
    }),
    { numRuns: 1_500 },
  );
  assert.equal(defects, 0);
  assert.equal((await send("GET", `${engine.server.url}/readyz`)).status, 200);
});

test("whatever bytes come as a request to these routes, the engine goes on", async () => {
  await using engine = await startEngine();
  const line = fc.string({ maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), line, async (lines, rest) => {
      const text = `PUT /v1/stream/raw${rest} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${lines.join("\r\n")}\r\n\r\n`;
      const answer = await Promise.race([exchangeRaw(engine.server.url, text), headersTimeout()]);
      if (answer !== "") assert.ok(DOCUMENTED.has(Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1])), answer.slice(0, 60));
    }),
    { numRuns: 150 },
  );
  assert.equal((await send("GET", `${engine.server.url}/readyz`)).status, 200);
});

/** A request that announces more than it sends is waited for by the engine for longer than a test may take. */
function headersTimeout(): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve(""), 500).unref());
}

type Fuzzed = {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
};

/** The status; what follows it is not waited for. */
function statusOf(url: string, { method, path, headers, body }: Fuzzed): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method, path, headers: { ...headers, "content-length": Buffer.byteLength(body) } },
      (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      },
    );
    request.once("error", reject);
    request.end(body);
  });
}
