/** Requests that nobody would send, to every route: each is answered as PROTOCOL.md says, and leaves nothing behind. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import fc from "fast-check";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { faultOfError, type Outcome, sendRaw } from "./support/fuzz-client.ts";
import { until } from "./support/until.ts";

const defects: unknown[] = [];
/** How often each status came. */
const answered = new Map<number, number>();
let engine: TestEngine;
let cursor = "";
before(async () => {
  engine = await startEngine({ onDefect: (error) => void defects.push(error) });
  await engine.client.space("docs").add([{ source: "a.md", text: "A weir raises a river." }], { waitMs: 60_000 });
  ({ cursor } = await engine.client.stream("chat").append([{ type: "log", data: 1 }]));
});
after(() => engine[Symbol.asyncDispose]());

/** With the methods that each takes. */
const ROUTES: readonly (readonly [path: string, ...methods: string[]])[] = [
  ["/livez", "GET"],
  ["/metrics", "GET"],
  ["/v1/overview", "GET"],
  ["/v1/spaces", "GET", "POST"],
  ["/v1/spaces/{}", "GET"],
  ["/v1/spaces/{}/documents", "GET", "POST"],
  ["/v1/spaces/{}/documents/{}", "GET"],
  ["/v1/spaces/{}/recall", "POST"],
  ["/v1/jobs", "GET"],
  ["/v1/jobs/{}", "GET"],
  ["/v1/jobs/{}/sources", "GET"],
  ["/v1/jobs/{}/sources/{}", "PUT", "DELETE"],
  ["/v1/jobs/{}/resume", "POST"],
  ["/v1/streams", "GET"],
  ["/v1/streams/{}", "GET", "DELETE"],
  ["/v1/streams/{}/events", "POST", "POST", "POST"],
  ["/v1/streams/{}/frames", "GET"],
  ["/v1/streams/{}/sse", "GET", "HEAD"],
  ["/v1/streams/{}/timeline", "GET"],
  ["/v1/streams/{}/retention", "GET", "PUT", "DELETE"],
  ["/v1/streams/{}/export", "GET"],
  ["/v1/verify", "POST"],
  ["/v1/stream/{}", "PUT", "POST", "GET", "HEAD", "DELETE", "OPTIONS"],
  ["/v1/stream/{}/{}", "PUT", "POST", "GET"],
  ["/v1/ws", "GET"],
  ["/v1/{}", "GET"],
  ["/v1//{}/", "GET"],
];
const METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "get"];
const NAMES = ["docs", "docs", "chat", "chat", "fuzz", "fuzz", "job:1", "space:docs", "0"];
const ODD = ["_x", "..", "%00", "%2e%2e", "%zz", "%C3%A9", "a%2Fb", "", "x".repeat(600)];
const odd = fc.oneof(fc.constantFrom(...ODD), fc.string({ maxLength: 6 }).map(encodeURIComponent));
const part = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, { weight: 1, arbitrary: odd });
/** Mostly a method and a path that go together. */
const call = fc
  .record({
    route: fc.constantFrom(...ROUTES),
    one: part,
    two: part,
    pick: fc.nat(),
    other: fc.option(fc.constantFrom(...METHODS), { freq: 1 }),
  })
  .map(({ route: [path, ...methods], one, two, pick, other }) => {
    const method = (pick % 5 > 0 ? methods[pick % methods.length] : other) ?? "GET";
    return `${method} ${path.replace("{}", one).replace("{}", two)}`;
  });
const places = () => fc.constantFrom(cursor, "e:1", "x", "1", "-1", ":", `${cursor}0`, "%00", "9".repeat(30), "");
const values = fc.oneof(fc.nat().map(String), fc.constantFrom("-1", "1e9", "true", "%F0%9F%A6%9C", "done", "static"));
const QUERIES = ["after", "limit", "until", "prefix", "state", "space", "source", "live"];
const query = fc.array(fc.tuple(fc.constantFrom(...QUERIES), fc.constant(0).chain(places), values, fc.boolean()), {
  maxLength: 3,
});

/** Addresses that are refused before anything is sent to them: nothing here may leave the machine. */
const url = fc.constantFrom("http://127.0.0.1:1/", "http://[::1]:1/", "file:///etc/passwd", "nonsense", "", "http://");
const json = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, {}, [], 0, "", 1e300));
const rarely = <A, B>(one: fc.Arbitrary<A>, other: fc.Arbitrary<B>) =>
  fc.oneof({ weight: 1, arbitrary: one }, { weight: 9, arbitrary: other });
const event = fc.record(
  {
    type: rarely(
      json,
      fc.constantFrom("log", "llm.start", "llm.delta", "llm.final", "x.y", "job.done", "openai.chunk"),
    ),
    id: rarely(json, fc.constantFrom("m1", "m2", "m3")),
    data: fc.oneof(json, fc.record({ append: fc.string() }), fc.record({ offset: json, append: fc.string() })),
    correlation: rarely(json, fc.constantFrom({}, { run: "r" })),
    messageId: rarely(json, fc.string({ minLength: 1, maxLength: 3 })),
  },
  { requiredKeys: ["type", "data"] },
);
const producer = fc.record({ id: fc.constantFrom("p", ""), epoch: fc.nat(2), seq: rarely(json, fc.nat(5)) });
const body = fc.oneof(
  json,
  fc.record(
    { events: fc.array(event, { minLength: 1, maxLength: 4 }), producer, ack: fc.constantFrom("accepted", "durable") },
    { requiredKeys: ["events"] },
  ),
  fc.record({ sources: fc.array(fc.oneof(fc.record({ url }), fc.record({ source: json, text: json }), json)) }),
  fc.record({ query: fc.oneof(fc.string(), json), k: json, mode: json }, { requiredKeys: ["query"] }),
  fc.record({ name: fc.oneof(fc.constantFrom("fuzz", "x"), json), embedding: json }, { requiredKeys: ["name"] }),
  fc.record({ maxFrames: json, maxAgeMs: json, maxBytes: json }, { requiredKeys: [] }),
);
const bytes = fc.oneof(
  { weight: 6, arbitrary: body.map((value) => Buffer.from(JSON.stringify(value))) },
  body.map((value) => Buffer.from(JSON.stringify(value).slice(0, -1))),
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  fc.constant(Buffer.from("[".repeat(20_000))),
);
const header = fc.constantFrom(
  "Content-Type: application/json",
  "Content-Type: text/html; charset=x",
  "Content-Type: \u0001",
  "Expect: 100-continue",
  "Expect: wonders",
  "Last-Event-ID: e:1",
  "Last-Event-ID: \u00e9",
  "Origin: http://elsewhere.example",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: x",
  "Range: bytes=0-1",
  "Content-Encoding: gzip",
  "Producer-Id: p",
  "Producer-Seq: 1e3",
  "Stream-Closed: true",
  "Stream-TTL: 9e9",
  "Transfer-Encoding: gzip, chunked",
  "Content-Length: 5",
  "Host: elsewhere.example",
  "no colon",
  `X-Long: ${"x".repeat(17_000)}`,
);
const framing = fc.constantFrom(
  "length",
  "length",
  "length",
  "chunked",
  "chunked-cut",
  "chunked-garbage",
  "too-long",
  "none",
);

type Sent = { readonly bytes: Buffer; readonly isWhole: boolean };
const request: fc.Arbitrary<Sent> = fc
  .record({
    line: call,
    query,
    headers: fc.oneof(
      { weight: 5, arbitrary: fc.constant<string[]>([]) },
      { weight: 2, arbitrary: fc.array<string>(header, { maxLength: 2 }) },
    ),
    bytes,
    framing,
    isJson: fc.nat(5).map((n) => n > 0),
    cut: fc.tuple(fc.nat(9), fc.nat(400)).map(([n, at]) => (n > 0 ? undefined : at)),
  })
  .map(({ line, query: pairs, headers, bytes: content, framing: how, isJson, cut }) => {
    const search = pairs.map(([name, place, value, isPlace]) => `${name}=${isPlace ? place : value}`).join("&");
    const lines = [`${line}${search === "" ? "" : `?${search}`} HTTP/1.1`, "Host: localhost", ...headers];
    if (isJson) lines.push("Content-Type: application/json");
    const { fields, payload, isWhole } = framed(how, content);
    const whole = Buffer.concat([Buffer.from(`${[...lines, ...fields].join("\r\n")}\r\n\r\n`, "latin1"), payload]);
    // With a length of its own, or an upgrade, the request may be longer than what is sent.
    const isKnown = isWhole && !headers.some((one) => /^(Content-Length|Transfer|Connection|Upgrade)/.test(one));
    return cut === undefined ? { bytes: whole, isWhole: isKnown } : { bytes: whole.subarray(0, cut), isWhole: false };
  });

function framed(how: string, content: Buffer): { fields: string[]; payload: Buffer; isWhole: boolean } {
  const chunk = Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from("\r\n")]);
  const chunked = ["Transfer-Encoding: chunked"];
  if (how === "none") return { fields: [], payload: Buffer.alloc(0), isWhole: true };
  if (how === "chunked") {
    const first = content.length === 0 ? Buffer.alloc(0) : chunk;
    return { fields: chunked, payload: Buffer.concat([first, Buffer.from("0\r\n\r\n")]), isWhole: true };
  }
  if (how === "chunked-cut") return { fields: chunked, payload: chunk, isWhole: false };
  if (how === "chunked-garbage")
    return { fields: chunked, payload: Buffer.from("zz\r\n{}\r\n0\r\n\r\n"), isWhole: false };
  const length = how === "too-long" ? "99999999999" : String(content.length);
  return { fields: [`Content-Length: ${length}`], payload: content, isWhole: how === "length" };
}

/** What of the outcome PROTOCOL.md does not allow. */
function faultOf(outcome: Outcome, { isWhole }: Sent): string | undefined {
  if (outcome.kind === "silent") return `no answer: ${JSON.stringify(outcome.text.slice(0, 200))}`;
  if (outcome.kind === "closed") return isWhole ? `closed without an answer: ${outcome.text}` : undefined;
  const { status, headers, body: text } = outcome;
  answered.set(status, (answered.get(status) ?? 0) + 1);
  if (!(status >= 200 && status < 600)) return `status ${status}`;
  // HEAD has no body, and neither has what was cut.
  if (status < 400 || text === "") return undefined;
  if (!headers.get("content-type")?.startsWith("application/json")) return `${status} without the error body: ${text}`;
  return faultOfError((JSON.parse(text) as { error?: { code?: unknown } }).error, status);
}

async function round(requests: number, seed: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(request, async (sent) => {
      const fault = faultOf(await sendRaw(engine.server.url, sent.bytes, sent.isWhole), sent);
      assert.equal(fault, undefined, sent.bytes.subarray(0, 400).toString("latin1"));
      assert.deepEqual(defects, []);
    }),
    { numRuns: requests, seed },
  );
  await until(async () => (await engine.client.overview()).subscribers === 0);
}

/** What the engine and this process hold open now, by kind. */
async function held(): Promise<Record<string, number>> {
  const { queues, subscribers } = await engine.client.overview();
  const counts: Record<string, number> = { subscribers, waiting: queues.storage.depth };
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind === "Timeout" || kind === "Immediate") continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  for (const stream of ["chat", "fuzz"]) {
    const live = await engine.server.engine.sequencer.follow(stream as StreamId);
    counts[stream] = live.followers;
    engine.server.engine.sequencer.release(live);
  }
  return counts;
}

test("any request to any route is answered with a documented code or a clean close, and nothing is left of it", async () => {
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
  console.log(`FUZZ_SEED=${seed}`);
  await round(800, seed);
  const first = await held();
  await round(800, seed + 1);
  if (process.env.FUZZ_SEED) console.log(answered);
  await until(async () => {
    const now = await held();
    return Object.entries(now).every(([kind, count]) => count <= (first[kind] ?? 0));
  }, held);
  // The requests reach what they are for: not everything was refused on the way in, and nothing that was taken broke it.
  const { lastSeq } = await engine.client.stream("after").append([{ type: "log", data: 1 }]);
  assert.equal(lastSeq, 1);
  for (const status of [200, 400, 404, 405])
    assert.ok(answered.has(status), `${status} is not among ${[...answered.keys()]}`);
});
