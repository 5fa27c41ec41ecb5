import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import type { SubscriptionConfig } from "../../src/durable-streams/subscriptions/subscription-record.ts";
import type { WakeRequest } from "../../src/durable-streams/subscriptions/subscription-request.ts";
import type { Claim, Subscriptions } from "../../src/durable-streams/subscriptions/subscriptions.ts";
import { WebhookSender } from "../../src/durable-streams/subscriptions/webhook.ts";
import { openStreams, temporaryDirectory, toAppend, toMake } from "./fixture.ts";

const PULL: SubscriptionConfig = {
  type: "pull-wake",
  pattern: "work/*",
  streams: [],
  wakeStream: "wakes",
  leaseMs: 1_000,
};
const done = (claim: Claim): WakeRequest => ({
  wakeId: claim.wake_id,
  generation: claim.generation,
  acks: claim.streams.map(({ path, tail_offset: offset }) => ({ path, offset })),
  isDone: true,
});
const bodyCode = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: { body?: { error: { code: string } } }) => error.body?.error.code,
  );

type Hook = { readonly body: Record<string, unknown>; readonly signature: string };

/** A receiver of webhooks that answers with the statuses given, then with 200, and tells of each that came. */
async function openReceiver(statuses: number[] = []) {
  const hooks: Hook[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = "";
    for await (const part of request) text += String(part);
    hooks.push({
      body: JSON.parse(text) as Record<string, unknown>,
      signature: String(request.headers["webhook-signature"]),
    });
    response.writeHead(statuses.shift() ?? 200, { location: "http://10.0.0.1/" }).end('{"done":true}');
    for (const wake of waiting.splice(0)) wake();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    hooks,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async until(count: number): Promise<void> {
      while (hooks.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks until the condition holds: what is waited for has no event of its own. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

const statusOf = (subscriptions: Subscriptions) => subscriptions.describe("s").then(({ state }) => state);

test("work that is claimed is one worker's until its lease ends, then another's; the first is fenced off", async () => {
  using directory = temporaryDirectory();
  const clock = new ManualClock();
  await using log = await openStreams(directory.path, { clock });
  const { streams, subscriptions } = log;
  subscriptions.start("http://127.0.0.1:1");
  await subscriptions.create("s", PULL);
  assert.equal(await bodyCode(subscriptions.claim("s", "one")), "NO_PENDING_WORK");
  await streams.create(toMake("work/1", "x"));
  const first = await subscriptions.claim("s", "one");
  assert.deepEqual(
    first.streams.map(({ path, has_pending }) => [path, has_pending]),
    [["work/1", true]],
  );
  assert.equal(await bodyCode(subscriptions.claim("s", "two")), "ALREADY_CLAIMED");
  clock.advance(1_000);
  await eventually(async () => (await statusOf(subscriptions)).generation > first.generation);
  const second = await subscriptions.claim("s", "two");
  assert.ok(second.generation > first.generation);
  assert.equal(await bodyCode(subscriptions.acknowledge("s", first.token, done(first), "pull")), "FENCED");
  assert.equal(await subscriptions.acknowledge("s", second.token, done(second), "pull"), false);
  assert.equal(await bodyCode(subscriptions.claim("s", "one")), "NO_PENDING_WORK");
});

test("acknowledgements never go back, never beyond the tail, and are all or none", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  const { streams, subscriptions } = log;
  await subscriptions.create("s", PULL);
  await streams.create(toMake("work/1", "x"));
  await streams.create(toMake("work/2", "x"));
  await streams.write("work/1", toAppend("y"));
  const claim = await subscriptions.claim("s", "one");
  const [one, two] = claim.streams;
  assert.ok(one && two);
  const ack = (acks: WakeRequest["acks"]) =>
    subscriptions.acknowledge("s", claim.token, { ...done(claim), acks, isDone: false }, "pull");
  const good = { path: two.path, offset: two.tail_offset };
  assert.equal(
    await bodyCode(ack([good, { path: one.path, offset: one.tail_offset.replace(/2$/, "3") }])),
    "INVALID_OFFSET",
  );
  assert.equal(await bodyCode(ack([good, { path: "work/none", offset: one.tail_offset }])), "INVALID_OFFSET");
  const acked = async () => (await subscriptions.describe("s")).links.map(({ acked_offset }) => acked_offset);
  assert.deepEqual(await acked(), ["-1", "-1"]);
  await ack([good, { path: one.path, offset: one.tail_offset }]);
  assert.equal(await bodyCode(ack([{ path: one.path, offset: one.tail_offset.replace(/2$/, "1") }])), "INVALID_OFFSET");
  assert.equal(await bodyCode(subscriptions.acknowledge("s", `${claim.token}x`, done(claim), "pull")), "TOKEN_INVALID");
  assert.equal(await bodyCode(subscriptions.acknowledge("s", "..", done(claim), "pull")), "TOKEN_INVALID");
});

test("a webhook that fails is tried again, later and later, with the same wake; a redirect is a failure", async () => {
  using directory = temporaryDirectory();
  await using receiver = await openReceiver([500, 302]);
  const clock = new ManualClock();
  await using log = await openStreams(directory.path, { clock });
  const { streams, subscriptions } = log;
  subscriptions.start("http://127.0.0.1:1");
  await subscriptions.create("s", {
    type: "webhook",
    pattern: "**",
    streams: [],
    webhookUrl: receiver.url,
    leaseMs: 1_000,
  });
  await streams.create(toMake("a/b/c", "x"));
  await receiver.until(1);
  await eventually(async () => (await statusOf(subscriptions)).tries === 1);
  clock.advance(799);
  assert.equal(receiver.hooks.length, 1, "not before its pause is over");
  clock.advance(401);
  await receiver.until(2);
  await eventually(async () => (await statusOf(subscriptions)).tries === 2);
  clock.advance(2_400);
  await receiver.until(3);
  await eventually(async () => (await statusOf(subscriptions)).wakeId === null);
  const [wake, again, last] = receiver.hooks.map(({ body }) => body.wake_id);
  assert.ok(wake === again && again === last);
  const { links, state } = await subscriptions.describe("s");
  assert.deepEqual(
    [links[0]?.acked_offset, state.status],
    [links[0]?.tail_offset, "active"],
    "done: true acknowledges all",
  );
});

test("a wake that was not delivered before a restart is delivered after it, signed with the same key", async () => {
  using directory = temporaryDirectory();
  await using receiver = await openReceiver();
  const config: SubscriptionConfig = { type: "webhook", streams: ["a"], webhookUrl: receiver.url, leaseMs: 1_000 };
  let kid: string;
  {
    await using log = await openStreams(directory.path);
    kid = log.subscriptions.signing.publicJwk.kid;
    await log.streams.create(toMake("a"));
    await log.subscriptions.create("s", config);
    // The engine ends here: what was appended is told to nobody.
    await log.subscriptions.close();
    await log.streams.write("a", toAppend("x"));
  }
  await using log = await openStreams(directory.path);
  assert.equal((await log.subscriptions.create("s", config)).isNew, false);
  log.subscriptions.start("http://127.0.0.1:1");
  await receiver.until(1);
  assert.match(receiver.hooks[0]?.signature ?? "", new RegExp(`,kid=${kid},`));
  assert.equal(JSON.stringify(receiver.hooks[0]?.body.streams).includes('"path":"a"'), true);
});

test("I12: a subscription whose own wake stream matches its pattern is not woken by its wakes", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  const { streams, subscriptions } = log;
  await streams.create(toMake("wakes", "", { contentType: "application/json", events: () => [] }));
  await subscriptions.create("s", { ...PULL, pattern: "**" });
  await streams.create(toMake("a", "x"));
  await eventually(async () => (await statusOf(subscriptions)).wakeId !== null);
  const claim = await subscriptions.claim("s", "one");
  assert.deepEqual(
    claim.streams.map(({ path }) => path),
    ["a"],
  );
  assert.equal(await subscriptions.acknowledge("s", claim.token, done(claim), "pull"), false);
  const tail = await streams.with("wakes", async (stream) => {
    using reader = await streams.read(stream);
    return reader.tail;
  });
  assert.equal(tail, 1);
});

test("a deleted stream is of no subscription any more, and one made at its path later begins anew", async () => {
  using directory = temporaryDirectory();
  await using log = await openStreams(directory.path);
  const { streams, subscriptions } = log;
  await streams.create(toMake("work/1", "x"));
  await subscriptions.create("s", PULL);
  assert.equal((await subscriptions.describe("s")).links.length, 1);
  assert.equal(
    await bodyCode(subscriptions.claim("s", "one")),
    "NO_PENDING_WORK",
    "what was there before is not pending",
  );
  await streams.remove("work/1");
  assert.equal((await subscriptions.describe("s")).links.length, 0);
  await streams.create(toMake("work/1", "y"));
  assert.equal((await subscriptions.claim("s", "one")).streams[0]?.acked_offset, "-1");
});

test("webhooks go to public hosts by https and to loopback by http, and nowhere else", () => {
  const sender = new WebhookSender([]);
  for (const url of ["http://127.0.0.1:80/x", "http://localhost/x", "https://example.com/x", "https://93.184.216.34/"])
    sender.check(url);
  const refused = [
    ...[
      "http://10.0.0.1/",
      "http://example.com/",
      "https://10.0.0.1/",
      "https://127.0.0.1/",
      "https://[::1]/",
      "https://169.254.169.254/",
    ],
    ...[
      "ftp://example.com/",
      "https://user:secret@example.com/",
      "http://127.0.0.1.example.com/",
      "http://[::ffff:10.0.0.1]/",
      "nonsense",
    ],
  ];
  for (const url of refused) {
    assert.throws(
      () => sender.check(url),
      (error: { body?: { error: { code: string } } }) => error.body?.error.code === "WEBHOOK_URL_REJECTED",
      url,
    );
  }
  new WebhookSender(["10.0.0.0/8"]).check("https://10.0.0.1/");
});
