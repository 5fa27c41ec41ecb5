/** Observing through the wire into a real engine: what the model promises holds there, too. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { createClient, type Observation } from "@millrace/client";
import { createRng } from "@millrace/core";
import type { SpaceId } from "@millrace/protocol";
import { startProxy } from "../../../../test/support/cutting-proxy.ts";
import { startEngine, type TestEngine, temporaryDirectory } from "../../../../test/support/engine.ts";
import { until } from "../../../../test/support/until.ts";
import { batchOf } from "./batches.ts";
import { Producer } from "./serve-ingest.ts";

const DIMS = 16;
const defects: unknown[] = [];
let engine: TestEngine;
before(async () => {
  engine = await startEngine({ onDefect: (error) => void defects.push(error) });
});
after(async () => {
  await engine[Symbol.asyncDispose]();
  assert.deepEqual(defects, []);
});

const rng = createRng(3);
const vectors = Array.from({ length: 2_000 }, () => Float32Array.from({ length: DIMS }, () => rng() - 0.5));
const vectorOf = (at: number) => vectors[at] ?? assert.fail(`${at}`);
const observation = (at: number): Observation => ({ id: `n${at}`, vector: vectorOf(at) });

/** Which observation is nearest to that vector. */
async function nearest(space: string, at: number): Promise<string | undefined> {
  const { memory } = engine.server.engine;
  const { results } = await memory.recallVectors(space as SpaceId, vectorOf(at), { k: 1 });
  return results[0]?.id;
}

test("what was observed through cut connections is there once each, and found", async () => {
  await using proxy = await startProxy(engine.server.url);
  const client = createClient({ url: proxy.url, rng: createRng(9) });
  const writer = await client.space("cut").observer({ batchObservations: 32, batchMs: 0 });
  const done: Promise<void>[] = [];
  for (let at = 0; at < vectors.length; at += 5) {
    await writer.ready;
    done.push(
      writer.observe(
        [0, 1, 2, 3, 4].map((n) => observation(at + n)),
        { mark: "searchable" },
      ),
    );
    if (at % 25 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (at % 400 === 200) {
      // More than at the cut before, so a connection was made since.
      await until(() => writer.watermarks.accepted >= at - 100);
      proxy.cut();
    }
  }
  await Promise.all(done);
  assert.equal(writer.watermarks.durable, vectors.length);
  assert.ok(proxy.connections > 5);
  await writer.close();
  client.close();
  const { ingest } = engine.server.engine.memory.ingest;
  const id = engine.server.engine.memory.spaceId("cut" as SpaceId);
  assert.equal(ingest.spaceState(id).rows, vectors.length);
  for (const at of [0, 777, 1_999]) assert.equal(await nearest("cut", at), `n${at}`);
});

test("requests are idempotent within a session, and texts are embedded by the space's model", async () => {
  const { url } = engine.server;
  const post = async (space: string, body: string, query = "") => {
    const headers = { "content-type": "application/x-ndjson" };
    const response = await fetch(`${url}/v1/spaces/${space}/observations${query}`, { method: "POST", headers, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const lines = [1, 2, 3].map((at) => JSON.stringify({ ...observation(at), vector: [...vectorOf(at)] })).join("\n");
  const query = "?session=http&seq=1&wait=searchable";
  assert.deepEqual((await post("http", lines, query)).body.accepted, 3);
  assert.deepEqual((await post("http", lines, query)).body.accepted, 0);
  await engine.client.spaces.create({ name: "texts" });
  const texts = await post("texts", JSON.stringify({ text: "a kiln fires clay", id: "kiln" }), "?wait=searchable");
  assert.equal(texts.status, 200, JSON.stringify(texts.body));
  const wrong = await post("texts", JSON.stringify({ vector: [1, 2, 3] }));
  assert.deepEqual([wrong.status, (wrong.body.error as { code: string }).code], [422, "dimension_mismatch"]);
  const remove = () => fetch(`${url}/v1/spaces/texts/observations/kiln`, { method: "DELETE" });
  assert.equal((await remove()).status, 204);
  assert.equal((await remove()).status, 404);
});

test("a session goes on after its socket was lost, and after the engine was started again", async () => {
  const directory = temporaryDirectory();
  const own = await startEngine({ directory });
  {
    await using producer = await Producer.init(own.server.url, { space: "again", dims: DIMS, session: "mine" });
    producer.send(batchOf([1, 2, 3].map((at) => [...vectorOf(at)])));
    await until(() => producer.all("ack").at(-1)?.durable === 3);
  }
  {
    await using producer = await Producer.init(own.server.url, { space: "again", session: "mine" });
    assert.equal((await producer.next("init_ack")).nextSeq, 4);
    producer.send(
      batchOf(
        [4, 5].map((at) => [...vectorOf(at)]),
        { firstSeq: 4 },
      ),
    );
    producer.say({ op: "close" });
    assert.equal((await producer.next("closed")).searchable, 5);
  }
  await own[Symbol.asyncDispose]();
  const later = await startEngine({ directory });
  try {
    await using producer = await Producer.init(later.server.url, { space: "again", session: "mine" });
    const { nextSeq, lastAckedSeq } = await producer.next("init_ack");
    assert.deepEqual([nextSeq, lastAckedSeq], [6, 5]);
  } finally {
    await later[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a batch that is wrong is refused by the engine with a code and a reason, and the session goes on", async () => {
  await using producer = await Producer.init(engine.server.url, { space: "wrong", dims: 4 });
  producer.send(batchOf([[1, Number.NaN, 0, 0]]));
  producer.send(batchOf([[1, 2, 3]]));
  producer.send(batchOf([[1, 2, 3, 4]], { meta: [{ confidence: 3 }] }));
  producer.send(batchOf([[1, 2, 3, 4]], { lane: "low" }));
  producer.send(batchOf([[1, 2, 3, 4]], { firstSeq: 7 }));
  producer.send(batchOf([[1, 2, 3, 4]]));
  await until(() => producer.all("ack").at(-1)?.searchable === 1);
  assert.deepEqual(
    producer.all("rejected").map(({ code }) => code),
    ["invalid_argument", "dimension_mismatch", "invalid_argument", "invalid_argument", "sequence_gap"],
  );
});

test("when its space is deleted a producer hears so, and the next call makes the space again", async () => {
  const handle = engine.client.space("brief");
  const url = `${engine.server.url}/v1/spaces/brief/observations`;
  const post = () =>
    fetch(url, { method: "POST", body: '{"vector":[1,2,3,4]}', headers: { "content-type": "application/x-ndjson" } });
  assert.equal((await post()).status, 200);
  await handle.observe([{ vector: [1, 2, 3, 4] }]);
  await engine.client.spaces.delete("brief");
  await assert.rejects(handle.observe([{ vector: [1, 2, 3, 4] }]), { code: "not_found" });
  await handle.observe([{ vector: [5, 6, 7, 8] }]);
  assert.equal((await post()).status, 200);
  const { ingest } = engine.server.engine.memory.ingest;
  assert.equal(ingest.spaceState(engine.server.engine.memory.spaceId("brief" as SpaceId)).rows, 2);
});
