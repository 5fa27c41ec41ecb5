import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ManualClock } from "@millrace/core";
import { toStreamId } from "@millrace/protocol";
import { SUBSCRIBER_BYTES_MAX, SUBSCRIBER_STALL_MS } from "@millrace/stream";
import fc from "fast-check";
import { WebSocket } from "ws";
import {
  CENTRIFUGO_CHANNELS_MAX,
  CENTRIFUGO_COMMANDS_MAX,
  CENTRIFUGO_CONNECT_MS,
  CENTRIFUGO_HISTORY_MAX,
  CENTRIFUGO_MESSAGE_BYTES_MAX,
  CENTRIFUGO_PING_MS,
  CENTRIFUGO_PONG_MS,
} from "../../src/limits.ts";
import type { Server } from "../../src/server.ts";
import { RawClient, startTestServer, subscribers, unsentBytes, until } from "./raw-client.ts";

let own: Awaited<ReturnType<typeof startTestServer>>;
let server: Server;
before(async () => {
  own = await startTestServer();
  ({ server } = own);
});
after(() => own[Symbol.asyncDispose]());

async function append(to: Server, stream: string, data: readonly unknown[]): Promise<void> {
  const events = data.map((one) => ({ type: "message", data: one }));
  for (let at = 0; at < events.length; at += 1_000)
    await to.engine.sequencer.append(toStreamId(stream), events.slice(at, at + 1_000));
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

test("connect names the client and the heartbeat; a token is not looked at", async () => {
  using client = await RawClient.open(server);
  const reply = await client.call("connect", { token: "of no meaning", data: { any: 1 }, subs: { x: {} } });
  const { client: id, version, ...rest } = reply.connect as Record<string, unknown>;
  assert.ok(typeof id === "string" && id.length > 10 && typeof version === "string");
  assert.deepEqual(rest, { ping: 25, pong: true });
});

test("what breaks the protocol ends the connection with 3501", async () => {
  const first = ["{}", '{"id":1,"ping":{}}', '{"id":1,"subscribe":{"channel":"a"}}', "hello", ""];
  for (const text of first) {
    using client = await RawClient.open(server);
    client.send(text);
    assert.deepEqual(await client.closed, { code: 3501, reason: "bad request" }, text);
    assert.deepEqual(client.replies, []);
  }
  for (const text of ["hello", '{"id":2,"connect":{}}', '{"ping":{}}', '{"id":2,"ping":{}}\n{']) {
    using client = await RawClient.connected(server);
    client.send(text);
    assert.equal((await client.closed).code, 3501, text);
    assert.equal(client.replies.length, 1, "nothing of a message that cannot be read is carried out");
  }
});

test("binary messages, asynchronous messages and messages above the limit end the connection each with its code", async () => {
  using binary = await RawClient.connected(server);
  binary.socket.send(Buffer.from("{}"));
  assert.equal((await binary.closed).code, 3501);
  using sender = await RawClient.connected(server);
  sender.send('{"send":{"data":1}}');
  assert.deepEqual(await sender.closed, { code: 3508, reason: "not available" });
  using large = await RawClient.connected(server);
  large.send(JSON.stringify({ id: 9, ping: { x: "x".repeat(CENTRIFUGO_MESSAGE_BYTES_MAX) } }));
  assert.equal((await large.closed).code, 1009);
  using many = await RawClient.connected(server);
  many.send(new Array<string>(CENTRIFUGO_COMMANDS_MAX + 1).fill("{}").join("\n"));
  assert.equal((await many.closed).code, 3501);
});

test("what one command gets wrong is an error in its own reply", async () => {
  using client = await RawClient.connected(server);
  const codeOf = async (method: string, params: object) => (await client.call(method, params)).error?.code;
  assert.equal(await codeOf("subscribe", { channel: "not a stream" }), 107);
  assert.equal(await codeOf("subscribe", { channel: "a", type: 1 }), 108);
  assert.equal(await codeOf("subscribe", { channel: "a", tf: { op: "eq" } }), 108);
  assert.equal(await codeOf("publish", { channel: "a" }), 107);
  assert.equal(await codeOf("publish", { channel: "a", data: "x".repeat(300_000) }), 107);
  assert.equal(await codeOf("publish", { channel: "space:docs", data: 1 }), 103);
  assert.equal(await codeOf("presence", { channel: "a" }), 108);
  assert.equal(await codeOf("presence_stats", { channel: "a" }), 108);
  assert.equal(await codeOf("rpc", { method: "x" }), 108);
  assert.equal(await codeOf("dance", {}), 104);
  assert.equal(await codeOf("subscribe", { channel: "errors:1" }), undefined);
  assert.equal(await codeOf("subscribe", { channel: "errors:1" }), 105);
  assert.equal(await codeOf("refresh", { token: "t" }), undefined);
  assert.equal(await codeOf("sub_refresh", { channel: "errors:1", token: "t" }), undefined);
  assert.equal(await codeOf("unsubscribe", { channel: "errors:1" }), undefined);
  assert.equal(await codeOf("unsubscribe", { channel: "errors:1" }), undefined);
  assert.equal(await codeOf("subscribe", { channel: "errors:1" }), undefined);
});

test("a connection follows as many channels as the limit says", async () => {
  using client = await RawClient.connected(server);
  const subscribe = (id: number) => JSON.stringify({ id, subscribe: { channel: `limit:${id}` } });
  const ids = numbers(1_001, 1_001 + CENTRIFUGO_CHANNELS_MAX);
  client.send(ids.map(subscribe).join("\n"));
  await until(() => ids.every((id) => client.replies.some((reply) => reply.id === id)));
  const refused = client.replies.filter(({ error }) => error);
  assert.deepEqual(
    refused.map(({ id, error }) => [id, error?.code]),
    [[ids.at(-1), 106]],
  );
});

test("unsubscribing before the subscribe is answered answers both, and the channel is free again", async () => {
  using client = await RawClient.connected(server);
  const commands = ["subscribe", "unsubscribe", "subscribe"];
  client.send(
    commands.map((method, at) => JSON.stringify({ id: at + 11, [method]: { channel: "busy:1" } })).join("\n"),
  );
  await client.find(({ id }) => id === 13);
  assert.ok((await client.find(({ id }) => id === 11)).error);
  assert.deepEqual(
    client.replies.filter(({ id }) => (id ?? 0) > 11).map(({ error }) => error),
    [undefined, undefined],
  );
  await append(server, "busy:1", [1]);
  await client.find(({ push }) => push !== undefined);
  assert.deepEqual(client.offsets("busy:1"), [1], "one subscription, not two");
});

test("recovery hands over at any place: what was missed, then what comes, once and in order", async () => {
  const total = 60;
  for (let offset = 0; offset < total; offset += 7) {
    const channel = `handover:${offset}`;
    await append(server, channel, numbers(1, total));
    const { epoch } = await server.engine.reader.stream(toStreamId(channel));
    using client = await RawClient.connected(server);
    const writing = append(server, channel, numbers(total + 1, total + 5));
    const reply = await client.call("subscribe", { channel, recover: true, epoch, offset });
    await writing;
    const result = reply.subscribe as { recovered: boolean; offset: number; publications: { offset: number }[] };
    assert.deepEqual([result.recovered, result.offset], [true, offset]);
    const got = () => [...result.publications.map((pub) => pub.offset), ...client.offsets(channel)];
    await until(() => got().at(-1) === total + 5);
    assert.deepEqual(got(), numbers(offset + 1, total + 5));
  }
});

test("a position ahead of the channel or of another epoch is not recovered; one without epoch is", async () => {
  await append(server, "places:1", [1, 2, 3]);
  const { epoch } = await server.engine.reader.stream(toStreamId("places:1"));
  const subscribe = async (place: object) => {
    using client = await RawClient.connected(server);
    return await client.call("subscribe", { channel: "places:1", recover: true, ...place });
  };
  const top = { recoverable: true, positioned: true, epoch, offset: 3, was_recovering: true };
  assert.deepEqual((await subscribe({ epoch, offset: 4 })).subscribe, top);
  assert.deepEqual((await subscribe({ epoch: "other", offset: 2 })).subscribe, top);
  assert.deepEqual((await subscribe({ epoch: "_" })).subscribe, top);
  const recovered = (await subscribe({ offset: 2 })).subscribe as { recovered: boolean; publications: unknown[] };
  assert.deepEqual([recovered.recovered, recovered.publications.length], [true, 1]);
  const rejected = await subscribe({ epoch: "other", offset: 2, flag: 2 });
  assert.deepEqual([rejected.error?.code, rejected.error?.temporary], [112, undefined]);
});

test("a position past retention is not recovered; the last one within is", async () => {
  const channel = "kept:1";
  await append(server, channel, numbers(1, 10));
  const stream = toStreamId(channel);
  const { epoch } = await server.engine.reader.stream(stream);
  server.engine.sequencer.trimmed(stream, 6);
  const recover = async (offset: number) => {
    using client = await RawClient.connected(server);
    const { subscribe } = await client.call("subscribe", { channel, recover: true, epoch, offset });
    const result = subscribe as { recovered?: boolean; offset: number; publications?: { offset: number }[] };
    return [result.recovered, result.offset, result.publications?.map((pub) => pub.offset)];
  };
  assert.deepEqual(await recover(4), [undefined, 10, undefined]);
  assert.deepEqual(await recover(5), [true, 5, numbers(6, 10)]);
});

test("history gives the position, forward and backward pages, and says what is past recovery", async () => {
  using client = await RawClient.connected(server);
  const history = async (params: object) => {
    const { history: result, error } = await client.call("history", { channel: "past:1", ...params });
    const { publications, ...place } = (result ?? {}) as { publications?: { offset: number; data: unknown }[] };
    return { offsets: publications?.map(({ offset }) => offset), place, error: error?.code };
  };
  const fresh = (await history({ limit: 10 })).place as { epoch: string; offset: number };
  assert.equal(fresh.offset, 0);
  await append(server, "past:1", numbers(1, 1_200));
  const { epoch } = await server.engine.reader.stream(toStreamId("past:1"));
  assert.equal(fresh.epoch, epoch, "the epoch announced is the one the stream begins with");
  assert.deepEqual(await history({}), { offsets: [], place: { epoch, offset: 1_200 }, error: undefined });
  assert.deepEqual((await history({ limit: 3 })).offsets, [1, 2, 3]);
  assert.deepEqual((await history({ limit: 3, reverse: true })).offsets, [1_200, 1_199, 1_198]);
  assert.deepEqual((await history({ limit: 2, since: { offset: 10, epoch } })).offsets, [11, 12]);
  assert.deepEqual((await history({ limit: 5, since: { offset: 3, epoch }, reverse: true })).offsets, [2, 1]);
  assert.deepEqual((await history({ limit: 5, since: { offset: 1_200 } })).offsets, []);
  assert.equal((await history({ limit: -1 })).offsets?.length, CENTRIFUGO_HISTORY_MAX);
  assert.equal((await history({ limit: 5, since: { offset: 3, epoch: "other" } })).error, 112);
});

test("a backward page of large frames holds the newest, without a hole", async () => {
  using client = await RawClient.connected(server);
  await append(
    server,
    "past:large",
    numbers(1, 60).map((n) => ({ n, text: "x".repeat(60_000) })),
  );
  const { history } = await client.call("history", { channel: "past:large", limit: 50, reverse: true });
  const offsets = (history as { publications: { offset: number }[] }).publications.map(({ offset }) => offset);
  assert.ok(offsets.length >= 5 && offsets.length < 50, `${offsets.length} of 60 KB in a page of about 1 MB`);
  assert.deepEqual(offsets, numbers(61 - offsets.length, 60).reverse());
});

test("a client that says nothing is stale; one that does not answer a ping is gone; one that does stays", async () => {
  const clock = new ManualClock();
  await using timed = await startTestServer(clock);
  using silent = await RawClient.open(timed.server);
  clock.advance(CENTRIFUGO_CONNECT_MS);
  assert.deepEqual(await silent.closed, { code: 3502, reason: "stale" });
  using client = await RawClient.connected(timed.server);
  for (let round = 0; round < 3; round++) {
    const pings = client.replies.length;
    clock.advance(CENTRIFUGO_PING_MS);
    await until(() => client.replies.length === pings + 1);
    assert.deepEqual(client.replies.at(-1), {});
    client.send("{}");
    // Its reply shows that the answer to the ping has been read.
    await client.call("ping", {});
    clock.advance(CENTRIFUGO_PONG_MS);
  }
  clock.advance(CENTRIFUGO_PING_MS);
  await until(() => Object.keys(client.replies.at(-1) ?? { id: 0 }).length === 0);
  await until(() => {
    clock.advance(CENTRIFUGO_PONG_MS);
    return client.socket.readyState !== WebSocket.OPEN;
  });
  assert.deepEqual(await client.closed, { code: 3012, reason: "no pong" });
});

test("I6: a stalled client costs its budget and is closed with 3008; what it read has no hole", async () => {
  const clock = new ManualClock();
  await using timed = await startTestServer(clock);
  using client = await RawClient.connected(timed.server);
  await client.call("subscribe", { channel: "load:1" });
  client.pause();
  for (let n = 0; n < 20; n++) await append(timed.server, "load:1", new Array(10).fill("x".repeat(100_000)));
  await until(async () => (await unsentBytes(timed.server)) > SUBSCRIBER_BYTES_MAX);
  assert.ok((await unsentBytes(timed.server)) < 3 * SUBSCRIBER_BYTES_MAX);
  clock.advance(SUBSCRIBER_STALL_MS);
  client.resume();
  assert.deepEqual(await client.closed, { code: 3008, reason: "slow" });
  const offsets = client.offsets("load:1");
  assert.ok(offsets.length > 0 && offsets.length < 200, `${offsets.length} frames were sent`);
  assert.deepEqual(offsets, numbers(1, offsets.length));
  await until(async () => (await subscribers(timed.server)) === 0);
});

test("a client that asks and never reads the answers is not read from, and closed when it stalls", async () => {
  const clock = new ManualClock();
  await using timed = await startTestServer(clock);
  using client = await RawClient.connected(timed.server);
  await append(timed.server, "past:1", new Array(100).fill("x".repeat(10_000)));
  client.pause();
  const ask = (id: number) => JSON.stringify({ id, history: { channel: "past:1", limit: -1 } });
  for (let n = 0; n < 20; n++) client.send(numbers(2, 100).map(ask).join("\n"));
  await until(async () => (await unsentBytes(timed.server)) > SUBSCRIBER_BYTES_MAX);
  await until(async () => {
    assert.ok((await unsentBytes(timed.server)) < 4 * SUBSCRIBER_BYTES_MAX);
    clock.advance(SUBSCRIBER_STALL_MS);
    return (await subscribers(timed.server)) === 0;
  });
});

test("closing the engine tells clients to come back later", async () => {
  const closing = await startTestServer();
  using client = await RawClient.connected(closing.server);
  await client.call("subscribe", { channel: "a" });
  await closing[Symbol.asyncDispose]();
  assert.deepEqual(await client.closed, { code: 3001, reason: "shutdown" });
});

test("no message makes the server fail or leak: whatever is sent, it goes on and all subscribers go", async () => {
  const method = fc.constantFrom("subscribe", "unsubscribe", "publish", "history", "presence", "refresh", "rpc", "x");
  const field = fc.constantFrom("channel", "recover", "offset", "epoch", "limit", "since", "data", "flag", "reverse");
  const value = fc.oneof(fc.constantFrom("fuzz:1", "fuzz:2", true, 0, 1, -1, 2 ** 53), fc.jsonValue({ maxDepth: 2 }));
  const command = fc
    .record({
      id: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.jsonValue()),
      method,
      params: fc.dictionary(field, value),
    })
    .map(({ id, method: name, params }) => JSON.stringify({ id, [name]: params }));
  const line = fc.oneof({ weight: 8, arbitrary: command }, fc.json(), fc.string(), fc.constant("{}"));
  const message = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n"));
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), fc.boolean(), async (messages, isConnected) => {
      using client = await (isConnected ? RawClient.connected(server) : RawClient.open(server));
      for (const text of messages) client.send(text);
      using witness = await RawClient.connected(server);
      assert.equal((await witness.call("ping", {})).error, undefined);
    }),
    { numRuns: 300 },
  );
  await until(async () => (await subscribers(server)) === 0);
  const { sequencer } = server.engine;
  await until(() => [...sequencer.opened()].every(({ followers, holds }) => followers === 0 && holds === 0));
});
