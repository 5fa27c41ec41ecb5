/** The Centrifugo protocol with the client its makers publish, unmodified, over real sockets that are really cut. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRng, Deadline, randomBelow } from "@millrace/core";
import { toStreamId } from "@millrace/protocol";
import { Centrifuge, type PublicationContext, type SubscribedContext, type Subscription } from "centrifuge";
import { WebSocket } from "ws";
import { CuttingRelay } from "./support/cutting-relay.ts";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { LIMIT_MS } from "./support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

type Following = {
  readonly client: Centrifuge;
  readonly subscription: Subscription;
  readonly publications: PublicationContext[];
  readonly subscribed: SubscribedContext[];
} & Disposable;

function relayTo({ server }: TestEngine): Promise<CuttingRelay> {
  return CuttingRelay.start(server.url);
}

function relayUrl({ url }: CuttingRelay): string {
  return `${url.replace("http", "ws")}/connection/websocket`;
}

function createCentrifuge(url: string, options: { token?: string } = {}): Centrifuge {
  return new Centrifuge(url, { websocket: WebSocket, minReconnectDelay: 1, maxReconnectDelay: 4, ...options });
}

/** A client that follows the channel, with all it was given. */
async function follow(url: string, channel: string): Promise<Following> {
  const client = createCentrifuge(url);
  const subscription = client.newSubscription(channel, { recoverable: true, minResubscribeDelay: 1 });
  const publications: PublicationContext[] = [];
  const subscribed: SubscribedContext[] = [];
  subscription.on("publication", (publication) => publications.push(publication));
  subscription.on("subscribed", (context) => subscribed.push(context));
  subscription.subscribe();
  client.connect();
  await subscription.ready(LIMIT_MS);
  return { client, subscription, publications, subscribed, [Symbol.dispose]: () => client.disconnect() };
}

function directUrl({ server }: TestEngine): string {
  return `${server.url.replace("http", "ws")}/connection/websocket`;
}

async function append(channel: string, data: readonly unknown[]): Promise<void> {
  const stream = toStreamId(channel);
  const events = data.map((one) => ({ type: "message", data: one }));
  const { sequencer } = engine.server.engine;
  for (let at = 0; at < events.length; at += 1_000) await sequencer.append(stream, events.slice(at, at + 1_000));
}

/** Asks again and again, for as long as it takes to get there. */
async function until(isReached: () => boolean, what: string): Promise<void> {
  const deadline = Deadline.after(LIMIT_MS);
  while (!isReached()) {
    deadline.check(what);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const offsetsOf = (publications: readonly PublicationContext[]) => publications.map(({ offset }) => offset);

test("the client connects, whatever its token, subscribes, publishes and gets what others append, in order", async () => {
  const client = createCentrifuge(directUrl(engine), { token: "not a token" });
  using one = await follow(directUrl(engine), "live:1");
  client.connect();
  await client.ready(LIMIT_MS);
  assert.deepEqual(one.subscribed[0]?.streamPosition?.offset, 0);
  await client.publish("live:1", { from: "client" });
  await append("live:1", [{ from: "engine" }, "two"]);
  await one.subscription.publish({ from: "subscription" });
  await until(() => one.publications.length === 4, "four publications");
  assert.deepEqual(
    one.publications.map(({ offset, data }) => [offset, data as unknown]),
    [
      [1, { from: "client" }],
      [2, { from: "engine" }],
      [3, "two"],
      [4, { from: "subscription" }],
    ],
  );
  const { frames } = await engine.server.engine.reader.frames(toStreamId("live:1"), undefined, 10);
  const { type, id } = JSON.parse(frames[0]?.json ?? "") as { type: string; id: string };
  assert.deepEqual([type, one.publications[0]?.tags], ["message", { type: "message", id }]);
  client.disconnect();
});

test("history, presence and calls answer as documented", async () => {
  using one = await follow(directUrl(engine), "calls:1");
  await append("calls:1", ["a", "b", "c"]);
  const { publications, offset, epoch } = await one.subscription.history({ limit: 2, reverse: true });
  assert.deepEqual([offsetsOf(publications), offset], [[3, 2], 3]);
  assert.equal(epoch, one.subscribed[0]?.streamPosition?.epoch);
  await assert.rejects(one.subscription.presence(), { code: 108 });
  await assert.rejects(one.subscription.presenceStats(), { code: 108 });
  await assert.rejects(one.client.rpc("any", {}), { code: 108 });
  await assert.rejects(one.client.publish("job:1", {}), { code: 103 });
  await assert.rejects(one.client.publish("not a stream", {}), { code: 107 });
});

test("the engine's own streams can be followed", async () => {
  using one = await follow(directUrl(engine), "space:docs");
  await engine.client.space("docs").add([{ source: "a.md", text: "# A\n\nSome words to keep." }]);
  await until(() => one.publications.length > 0, "the document's frame");
  assert.equal(one.publications[0]?.tags?.type, "document.stored");
});

test("after unsubscribing nothing comes; subscribing again recovers what was missed", async () => {
  using one = await follow(directUrl(engine), "pause:1");
  using witness = await follow(directUrl(engine), "pause:1");
  await append("pause:1", [1, 2]);
  await until(() => one.publications.length === 2, "two publications");
  one.subscription.unsubscribe();
  await append("pause:1", [3, 4, 5]);
  await until(() => witness.publications.length === 5, "the witness");
  assert.deepEqual(offsetsOf(one.publications), [1, 2]);
  one.subscription.subscribe();
  await one.subscription.ready(LIMIT_MS);
  await until(() => one.publications.length === 5, "what was missed");
  assert.deepEqual(offsetsOf(one.publications), offsetsOf(witness.publications));
});

test("two clients of a channel see the same", async () => {
  using one = await follow(directUrl(engine), "twin:1");
  using two = await follow(directUrl(engine), "twin:1");
  await Promise.all([one, two].flatMap(({ client }) => numbers(1, 50).map((n) => client.publish("twin:1", { n }))));
  await until(() => one.publications.length === 100 && two.publications.length === 100, "100 publications each");
  assert.deepEqual(one.publications, two.publications);
  assert.deepEqual(offsetsOf(one.publications), numbers(1, 100));
});

test("a client that was cut off recovers all it missed, up to the limit; one further behind is told where the channel is", async () => {
  await using relay = await relayTo(engine);
  using one = await follow(relayUrl(relay), "far:1");
  await append("far:1", [0]);
  await until(() => one.publications.length === 1, "the first publication");
  const cutOffFor = async (missed: number) => {
    relay.isOpen = false;
    relay.cut();
    await until(() => one.subscription.state === "subscribing", "the cut");
    await append("far:1", numbers(1, missed));
    relay.isOpen = true;
    const times = one.subscribed.length;
    await until(() => one.subscribed.length > times, "subscribing again");
    return one.subscribed.at(-1);
  };
  const near = await cutOffFor(10_000);
  assert.deepEqual([near?.wasRecovering, near?.recovered, near?.streamPosition?.offset], [true, true, 1]);
  await until(() => one.publications.length === 10_001, "what was missed");
  assert.deepEqual(offsetsOf(one.publications), numbers(1, 10_001));
  const far = await cutOffFor(10_001);
  assert.deepEqual([far?.wasRecovering, far?.recovered, far?.streamPosition?.offset], [true, false, 20_002]);
  await append("far:1", ["after"]);
  await until(() => one.publications.length > 10_001, "the live one");
  assert.deepEqual(offsetsOf(one.publications).slice(10_001), [20_003]);
});

test("a channel whose log is made anew is not recovered: the client is told the new epoch and goes on there", async () => {
  using one = await follow(directUrl(engine), "anew:1");
  await append("anew:1", [1, 2, 3]);
  await until(() => one.publications.length === 3, "three publications");
  const codes: number[] = [];
  one.subscription.on("subscribing", ({ code }) => codes.push(code));
  await engine.server.engine.sequencer.remove([toStreamId("anew:1")]);
  await until(() => one.subscribed.length === 2, "subscribing again");
  assert.deepEqual(codes, [2500]);
  const [before, now] = one.subscribed;
  assert.deepEqual([now?.wasRecovering, now?.recovered, now?.streamPosition?.offset], [true, false, 0]);
  assert.notEqual(now?.streamPosition?.epoch, before?.streamPosition?.epoch);
  await append("anew:1", ["new"]);
  await until(() => one.publications.length === 4, "the new one");
  assert.deepEqual([one.publications[3]?.offset, one.publications[3]?.data], [1, "new"]);
});

test("frames that were seen and then not kept are taken back: the client is told the new epoch and where the log is", async () => {
  await using small = await startEngine({ dataBytesMax: 4 * 1024 * 1024 });
  using one = await follow(directUrl(small), "cut:1");
  const { sequencer, reader } = small.server.engine;
  const stream = toStreamId("cut:1");
  const events = [{ type: "message", data: "x".repeat(200_000) }];
  await sequencer.append(stream, events);
  const codes: number[] = [];
  one.subscription.on("subscribing", ({ code }) => codes.push(code));
  let full = false;
  while (!full) {
    // The disk stands still until the client has seen it, so that what it refuses then has been seen.
    const frozen = await freezeWriter(small.directory);
    const { durable, lastSeq } = await sequencer.submit(stream, events);
    await until(() => one.publications.at(-1)?.offset === lastSeq, `publication ${lastSeq}`);
    frozen[Symbol.dispose]();
    await durable.catch(({ code }: { code: string }) => {
      assert.equal(code, "storage_full");
      full = true;
    });
  }
  await until(() => one.subscribed.length === 2, "subscribing again");
  const { epoch, head } = await reader.stream(stream);
  assert.ok((one.publications.at(-1)?.offset ?? 0) > head, "a frame was seen that is not in the log");
  assert.deepEqual(codes, [2500]);
  const [before, now] = one.subscribed;
  assert.deepEqual([now?.wasRecovering, now?.recovered, now?.streamPosition?.offset], [true, false, head]);
  assert.notEqual(now?.streamPosition?.epoch, before?.streamPosition?.epoch);
  const since = now?.streamPosition && { ...now.streamPosition, offset: 0 };
  const { publications } = await one.subscription.history({ limit: 3, ...(since ? { since } : {}) });
  assert.deepEqual(offsetsOf(publications), [1, 2, 3], "the new epoch reads the frames that were kept");
  assert.equal(epoch, now?.streamPosition?.epoch, "the log learned of the new epoch before the client did");
});

test("I1, I6: 500 connections cut at random bytes while a writer appends: nothing lost, repeated or out of order", async (t) => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 2 ** 31);
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const rng = createRng(seed);
  await using relay = await relayTo(engine);
  using one = await follow(relayUrl(relay), "random:1");
  let cuts = 0;
  one.client.on("connecting", () => cuts++);
  // What a client misses comes in one message: connections that always end before its end would never bring it on.
  relay.nextCut = () => randomBelow(rng, 20_000);
  let written = 0;
  const writing = (async () => {
    while (cuts < 500) {
      const count = 1 + randomBelow(rng, 20);
      await append(
        "random:1",
        numbers(written + 1, written + count).map((n) => ({ n, text: "x".repeat(n % 50) })),
      );
      written += count;
      await until(() => one.publications.length > written - 100, "the client to come near");
    }
  })();
  relay.cut();
  await writing;
  relay.nextCut = () => Number.POSITIVE_INFINITY;
  relay.cut();
  await until(() => one.publications.length >= written, `${written} publications`);
  t.diagnostic(`${cuts} cuts, ${one.subscribed.length} subscribes, ${written} publications`);
  assert.deepEqual(offsetsOf(one.publications), numbers(1, written));
  assert.deepEqual(
    one.publications.map(({ data }) => (data as { n: number }).n),
    numbers(1, written),
  );
  assert.ok(one.subscribed.length > 20, "connections must live long enough to recover");
  assert.ok(one.subscribed.slice(1).every(({ recovered }) => recovered));
});
