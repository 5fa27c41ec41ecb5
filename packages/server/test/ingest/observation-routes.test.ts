import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { ManualClock } from "@millrace/core";
import type { ErrorBody, ObserveResponse } from "@millrace/protocol";
import { until } from "../../../../test/support/until.ts";
import { HTTP_SESSION_IDLE_MS, OBSERVE_WAIT_MS } from "../../src/ingest/limits.ts";
import { batchOf, numbered, textsOf } from "./batches.ts";
import { embed } from "./model-ingest.ts";
import { Producer, type ServedIngest, serveIngest } from "./serve-ingest.ts";

const NDJSON = "application/x-ndjson";
const BINARY = "application/x-millrace-observations";

let served: ServedIngest;
let space = "";
let spaces = 0;
before(async () => {
  served = await serveIngest();
});
after(() => served[Symbol.asyncDispose]());
beforeEach(() => {
  space = `space-${++spaces}`;
  served.model.isPrompt = true;
  served.model.refusals.length = 0;
});

function post(body: string | Uint8Array, type = NDJSON, query = "", at = served.url): Promise<Response> {
  const url = `${at}/v1/spaces/${space}/observations${query}`;
  return fetch(url, { method: "POST", body: body as BodyInit, headers: { "content-type": type } });
}

async function taken(response: Promise<Response>, status = 200): Promise<ObserveResponse> {
  const answer = await response;
  const body = (await answer.json()) as ObserveResponse;
  assert.equal(answer.status, status, JSON.stringify(body));
  return body;
}

async function refused(
  response: Promise<Response>,
): Promise<ErrorBody & { readonly status: number; readonly headers: Headers }> {
  const answer = await response;
  const { error } = (await answer.json()) as { error: ErrorBody };
  return { ...error, status: answer.status, headers: answer.headers };
}

const stored = () => served.model.taken.get(space) ?? [];
const line = (value: object) => JSON.stringify(value);

test("lines, lists and binary batches arrive as they were sent, in one order", async () => {
  const lines = `${line({ vector: [1, 2], id: "a", confidence: 0.5 })}\r\n\n${line({ vector: [3, 4] })}\n`;
  const first = await taken(post(lines));
  assert.deepEqual([first.accepted, first.firstSeq, first.lastSeq, first.watermarks.durable], [2, 1, 2, 2]);
  const list = line({ observations: [{ vector: [5, 6], payload: { n: 1 } }] });
  assert.equal((await taken(post(list, "application/json; charset=utf-8"))).firstSeq, 3);
  assert.equal((await taken(post(batchOf([[7, 8]], { encoding: "f16" }), BINARY))).lastSeq, 4);
  assert.deepEqual(stored(), [
    { lane: "normal", vector: [1, 2], meta: { id: "a", confidence: 0.5 } },
    { lane: "normal", vector: [3, 4], meta: null },
    { lane: "normal", vector: [5, 6], meta: { payload: { n: 1 } } },
    { lane: "normal", vector: [7, 8], meta: null },
  ]);
});

test("a lane is named by the query or by the observations, all of a body the same", async () => {
  await taken(post(line({ vector: [1, 2] }), NDJSON, "?lane=high"));
  await taken(post(line({ vector: [3, 4], lane: "low" })));
  assert.deepEqual(
    stored().map(({ lane }) => lane),
    ["high", "low"],
  );
  const mixed = await refused(post(`${line({ vector: [1, 2] })}\n${line({ vector: [1, 2], lane: "low" })}`));
  assert.deepEqual([mixed.status, mixed.code], [400, "invalid_argument"]);
  assert.match(mixed.message, /line 2.*low.*normal/);
});

test("texts without vectors are embedded by the space's model, between those that have one", async () => {
  served.model.spaces.set(space, 3);
  await taken(post(`${line({ text: "abc" })}\n${line({ vector: [9, 9, 9], text: "x" })}\n${line({ text: "hello" })}`));
  await taken(post(textsOf(["zz"]), BINARY));
  await taken(post(line({ observations: [{ text: "only" }] }), "application/json"));
  assert.deepEqual(
    stored().map(({ vector }) => vector),
    [embed("abc", 3), [9, 9, 9], embed("hello", 3), embed("zz", 3), embed("only", 3)],
  );
  assert.deepEqual(stored()[2]?.meta, { text: "hello" });
});

test("the answer comes at the mark that was asked for", async () => {
  served.model.isPrompt = false;
  const at = async (wait: string) => {
    const answer = post(line({ vector: [1, 2] }), NDJSON, `?wait=${wait}`);
    let isAnswered = false;
    void answer.then(() => {
      isAnswered = true;
    });
    const count = stored().length + 1;
    await until(() => stored().length === count);
    return { answer, isAnswered: () => isAnswered };
  };
  assert.equal((await taken((await at("accepted")).answer, 202)).watermarks.durable, 0);
  const durable = await at("durable");
  const searchable = await at("searchable");
  const indexed = await at("indexed");
  const session = served.model.sessions().find((one) => one.space === space);
  session?.advance("durable");
  assert.deepEqual((await taken(durable.answer)).watermarks, { accepted: 4, durable: 4, searchable: 0, indexed: 0 });
  assert.deepEqual([searchable.isAnswered(), indexed.isAnswered()], [false, false]);
  session?.advance("searchable");
  assert.equal((await taken(searchable.answer)).watermarks.searchable, 4);
  assert.equal(indexed.isAnswered(), false);
  session?.advance("indexed");
  assert.equal((await taken(indexed.answer)).watermarks.indexed, 4);
});

test("within a session a body sent again is taken once, also beside others that wait", async () => {
  const body = `${line({ vector: [1, 2] })}\n${line({ vector: [3, 4] })}`;
  const query = "?session=mine&seq=1";
  const [first, again] = await Promise.all([taken(post(body, NDJSON, query)), taken(post(body, NDJSON, query))]);
  assert.deepEqual([first.accepted, again.accepted].sort(), [0, 2]);
  assert.deepEqual([again.session, again.firstSeq, again.lastSeq], ["mine", 1, 2]);
  const overlap = `${line({ vector: [3, 4] })}\n${line({ vector: [5, 6] })}`;
  assert.equal((await taken(post(overlap, NDJSON, "?session=mine&seq=2"))).accepted, 1);
  assert.equal((await taken(post(batchOf([[7, 8]], { firstSeq: 4 }), BINARY, "?session=mine"))).accepted, 1);
  assert.deepEqual(
    stored().map(({ vector }) => vector[0]),
    [1, 3, 5, 7],
  );
  const gap = await refused(post(body, NDJSON, "?session=mine&seq=9"));
  assert.deepEqual([gap.status, gap.code, gap.retryable], [409, "sequence_gap", true]);
});

const BAD: readonly (readonly [string, string | Uint8Array, string, RegExp, string?])[] = [
  ["an empty body", "", "invalid_argument", /no observation/],
  ["a line that is no JSON", `${line({ vector: [1, 2] })}\n{"vector":`, "invalid_argument", /line 2 is not JSON/],
  ["a line that is no object", "[1]", "invalid_argument", /line 1/],
  ["neither vector nor text", line({ id: "x" }), "invalid_argument", /line 1 has neither/],
  ["an unknown field", line({ vector: [1, 2], colour: "red" }), "invalid_argument", /line 1.*colour/],
  ["a wrong field", `\n${line({ vector: [1, 2], confidence: 7 })}`, "invalid_argument", /line 2.*confidence is 7/],
  ["an id of the engine's", line({ vector: [1, 2], id: "~9" }), "invalid_argument", /line 1.*id/],
  ["a number that is none", line({ vector: [1, "2"] }), "invalid_argument", /line 1.*vector\.1 is "2"/],
  ["NaN", '{"vector":[1,NaN]}', "invalid_argument", /line 1 is not JSON/],
  ["a number beyond 32 bits", '{"vector":[1,1e39]}', "invalid_argument", /line 1.*vector\.1 is 1e\+39/],
  ["vectors of two lengths", `{"vector":[1,2]}\n{"vector":[1,2,3]}`, "dimension_mismatch", /line 2.*3.*line 1 has 2/],
  ["one dimension", '{"vector":[1]}', "invalid_argument", /line 1.*vector/],
  ["too many lines", `${line({ vector: [1, 2] })}\n`.repeat(1_001), "too_large", /1000/],
  ["bytes that are no UTF-8", Uint8Array.of(0xc3, 0x28), "invalid_argument", /UTF-8/],
  ["a list that is none", line({ observations: 1 }), "invalid_argument", /observations/, "application/json"],
  ["fields beside the list", line({ observations: [], a: 1 }), "invalid_argument", /nothing else/, "application/json"],
  ["an empty list", line({ observations: [] }), "invalid_argument", /no observation/, "application/json"],
  ["null", "null", "invalid_argument", /observations/, "application/json"],
  [
    "a bad one in a list",
    line({ observations: [{ vector: [1, 2] }, 7] }),
    "invalid_argument",
    /observations\.1/,
    "application/json",
  ],
  ["a torn batch", batchOf(numbered(2)).subarray(0, -1), "invalid_argument", /not a batch/, BINARY],
  ["an unknown encoding", batchOf(numbered(2)).with(4, 9), "invalid_argument", /encoding 9/, BINARY],
  ["NaN in a batch", batchOf([[Number.NaN, 1]]), "invalid_argument", /finite/, BINARY],
  ["another type", "a,b", "unsupported_type", /text\/csv/, "text/csv"],
];
for (const [what, body, code, message, type] of BAD) {
  test(`a body with ${what} is refused whole, saying where`, async () => {
    const error = await refused(post(body, type ?? NDJSON));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.deepEqual(stored(), []);
    assert.deepEqual(served.defects, []);
  });
}

test("wrong queries, spaces and dimensions are refused", async () => {
  const body = line({ vector: [1, 2] });
  const codeOf = async (query: string) => (await refused(post(body, NDJSON, query))).code;
  const wrong = [
    "?wait=soon",
    "?lane=express",
    "?seq=1",
    "?session=mine",
    "?session=a%20b&seq=1",
    "?session=mine&seq=0",
  ];
  for (const query of wrong) assert.equal(await codeOf(query), "invalid_argument", query);
  await taken(post(body));
  const mismatch = await refused(post(line({ vector: [1, 2, 3] })));
  assert.deepEqual([mismatch.status, mismatch.code], [422, "dimension_mismatch"]);
  const mixed = await refused(post(`${line({ text: "a" })}\n${line({ vector: [1, 2, 3] })}`));
  assert.equal(mixed.code, "dimension_mismatch");
  space = "Not a space";
  assert.equal((await refused(post(body))).status, 400);
  space = "unknown-and-textual";
  assert.equal((await refused(post(line({ text: "a" })))).status, 404);
});

test("a refusal that passes says when to come back, to the millisecond", async () => {
  served.model.refusals.push({ code: "overloaded", retryAfterMs: 1_234 }, { code: "rate_limited", retryAfterMs: 7 });
  const overloaded = await refused(post(line({ vector: [1, 2] })));
  assert.deepEqual([overloaded.status, overloaded.code, overloaded.retryAfterMs], [503, "overloaded", 1_234]);
  assert.deepEqual([overloaded.headers.get("retry-after"), overloaded.headers.get("retry-after-ms")], ["2", "1234"]);
  const limited = await refused(post(line({ vector: [1, 2] })));
  assert.deepEqual([limited.status, limited.headers.get("retry-after-ms")], [429, "7"]);
  assert.equal((await taken(post(line({ vector: [1, 2] })))).firstSeq, 1);
});

test("a body above the limit is refused before it is read", async () => {
  const error = await refused(post(new Uint8Array(20 * 1024 * 1024 + 65), BINARY));
  assert.deepEqual([error.status, error.code], [413, "too_large"]);
});

test("an observation is removed by its id, once", async () => {
  await taken(post(`${line({ vector: [1, 2], id: "a/b" })}\n${line({ vector: [3, 4] })}`));
  const remove = (id: string) => fetch(`${served.url}/v1/spaces/${space}/observations/${id}`, { method: "DELETE" });
  assert.equal((await remove("a%2Fb")).status, 204);
  assert.equal((await remove("a%2Fb")).status, 404);
  assert.equal(stored().length, 1);
});

test("sessions of requests are kept between them, and given up when nobody comes", async () => {
  const clock = new ManualClock();
  await using own = await serveIngest({ clock });
  for (let n = 0; n < 3; n++) await taken(post(line({ vector: [n, 1] }), NDJSON, "", own.url));
  assert.deepEqual([own.sessions.count, own.model.openCount], [1, 1]);
  clock.advance(HTTP_SESSION_IDLE_MS - 1);
  assert.equal(own.sessions.count, 1);
  clock.advance(1);
  await until(() => own.sessions.count === 0 && own.model.openCount === 0);
  assert.equal((await taken(post(line({ vector: [9, 1] }), NDJSON, "", own.url))).accepted, 1);
});

test("a session that a socket has taken over is opened again by the next request", async () => {
  const body = line({ vector: [1, 2] });
  await taken(post(body, NDJSON, "?session=both&seq=1"));
  {
    await using producer = await Producer.init(served.url, { space, session: "both" });
    assert.equal((await producer.next("init_ack")).nextSeq, 2);
    producer.send(batchOf([[3, 4]], { firstSeq: 2 }));
    await until(() => producer.all("ack").at(-1)?.durable === 2);
  }
  const over = await refused(post(body, NDJSON, "?session=both&seq=3"));
  assert.equal(over.code, "conflict");
  assert.equal((await taken(post(body, NDJSON, "?session=both&seq=3"))).lastSeq, 3);
});

test("a mark that does not come in time is a timeout, and sending again within the session takes nothing twice", async () => {
  const clock = new ManualClock();
  await using own = await serveIngest({ clock });
  own.model.isPrompt = false;
  const query = "?session=slow&seq=1";
  const send = () => post(line({ vector: [1, 2] }), NDJSON, query, own.url);
  const waiting = send();
  await until(() => own.model.sessions()[0]?.waiting === 1);
  clock.advance(OBSERVE_WAIT_MS);
  const late = await refused(waiting);
  assert.deepEqual([late.status, late.code, late.retryable], [504, "timeout", true]);
  own.model.sessions()[0]?.advance();
  assert.equal((await taken(send())).accepted, 0);
  assert.equal(own.model.taken.get(space)?.length, 1);
});
