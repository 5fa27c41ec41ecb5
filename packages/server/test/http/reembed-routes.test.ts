import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { type Client, createClient, type Frame, type Reembed } from "@millrace/client";
import { startEmbeddingServer } from "../../../../test/support/embedding-server.ts";
import { startEngine, temporaryDirectory } from "../../../../test/support/engine.ts";

const LAST_WORD = { provider: "openai", model: "last-word" } as const;
const CHUNKS_MIN = 200;
const SOURCES = [
  { source: "about.txt", text: "The zebra is a striped horse; a zebra runs, a zebra eats grass, near the quarry" },
  { source: "ends.txt", text: "Granite and basalt are rocks of the mountain, hard and old, as grey as a zebra" },
  ...Array.from({ length: CHUNKS_MIN }, (_, n) => ({
    source: `${n}.txt`,
    text: `Brick ${n} of the wall, marked word${n}`,
  })),
];

async function nearest(client: Client): Promise<string | undefined> {
  const { results } = await client.space("s").recall({ query: "zebra", mode: "vector", k: 1 });
  return results[0]?.source;
}

async function ended(client: Client): Promise<Reembed> {
  for (;;) {
    const shown = await client.space("s").reembedding({ waitMs: 10_000 });
    if (shown.state !== "running") return shown;
  }
}

async function framesOf(client: Client): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let after: string | undefined; ; ) {
    const page = await client.stream("space:s").frames({ limit: 1_000, ...(after === undefined ? {} : { after }) });
    frames.push(...page.frames.filter(({ type }) => type.startsWith("memory.")));
    after = page.cursor;
    if (!page.more) return frames;
  }
}

test("a space is given another model over HTTP, with progress in its stream; what cannot be has its status", async () => {
  await using models = await startEmbeddingServer();
  await using engine = await startEngine({ embedding: { url: models.url } });
  const { client } = engine;
  const space = client.space("s");
  await assert.rejects(space.reembed(LAST_WORD), { code: "not_found" });
  await space.add(SOURCES, { waitMs: 60_000 });
  await assert.rejects(space.reembedding(), { code: "not_found" });
  await assert.rejects(space.cancelReembed(), { code: "conflict" });
  const post = (body: unknown) =>
    fetch(`${client.url}/v1/spaces/s/reembed`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  assert.equal((await post({ embedding: { provider: "none", model: "4" } })).status, 400);
  assert.equal((await post({})).status, 400);
  const same = await post({ embedding: { provider: "static" } });
  assert.deepEqual([same.status, ((await same.json()) as Reembed).state], [200, "unchanged"]);
  assert.equal(await nearest(client), "about.txt");
  const begun = await post({ embedding: LAST_WORD });
  assert.equal(begun.status, 202);
  const { run } = (await begun.json()) as Reembed;
  const done = await ended(client);
  assert.deepEqual([done.state, done.run, done.embedded, done.total], ["done", run, SOURCES.length, SOURCES.length]);
  assert.equal(await nearest(client), "ends.txt");
  const { embedding, indexedSeq, headSeq } = await client.spaces.get("s");
  assert.deepEqual([embedding.model, indexedSeq], [LAST_WORD.model, headSeq]);
  const frames = await framesOf(client);
  assert.ok(frames.every(({ id }) => id === run));
  assert.equal(frames[0]?.type, "memory.reembed.started");
  const last = frames.at(-1);
  assert.equal(last?.type, "memory.reembed.done");
  const { from, to, chunks } = last.data as Reembed & { chunks: number };
  assert.deepEqual([from.provider, to.model, chunks], ["static", "last-word", SOURCES.length]);
});

test("an engine that closes meanwhile says so and leaves the space as it was", async () => {
  await using models = await startEmbeddingServer();
  const directory = temporaryDirectory();
  try {
    {
      await using engine = await startEngine({ directory, embedding: { url: models.url } });
      await engine.client.space("s").add(SOURCES, { waitMs: 60_000 });
      models.before = async (texts) => (texts.length > 1 ? new Promise(() => {}) : undefined);
      await engine.client.space("s").reembed(LAST_WORD);
    }
    await using engine = await startEngine({ directory });
    assert.equal(await nearest(engine.client), "about.txt");
    const last = (await framesOf(engine.client)).at(-1);
    assert.deepEqual([last?.type, last?.data], ["memory.reembed.interrupted", { reason: "restart" }]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("kill -9 at any time leaves the space with its old vectors or its new ones, whole, and the next run succeeds", async () => {
  await using models = await startEmbeddingServer();
  const directory = temporaryDirectory();
  const script = join(import.meta.dirname, "reembed-process.ts");
  const start = async () => {
    const child = spawn(process.execPath, ["--conditions=source", script, directory, models.url], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const kill = async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    };
    return { client: createClient({ url }), kill };
  };
  try {
    let running = await start();
    await running.client.space("s").add(SOURCES, { waitMs: 60_000 });
    // In the middle of the first slice, and when its end and the swap are on their way.
    for (const requests of [2, Math.ceil(SOURCES.length / 32)]) {
      let left = requests;
      const { promise, resolve } = Promise.withResolvers<void>();
      models.before = async (texts) => {
        if (texts.length > 1 && --left === 0) resolve();
        return left === 0 && requests === 2 ? new Promise(() => {}) : undefined;
      };
      const { state } = await running.client.space("s").reembed(LAST_WORD);
      if (state === "running") await Promise.race([promise, ended(running.client).catch(() => {})]);
      await running.kill();
      running = await start();
      const { embedding, chunks } = await running.client.spaces.get("s");
      const isOld = embedding.provider === "static";
      assert.equal(await nearest(running.client), isOld ? "about.txt" : "ends.txt");
      assert.equal(chunks, SOURCES.length);
      const { results } = await running.client.space("s").recall({ query: "brick wall", mode: "vector", k: 100 });
      assert.equal(results.length, 100);
      const last = (await framesOf(running.client)).at(-1)?.type;
      assert.equal(last, isOld ? "memory.reembed.interrupted" : "memory.reembed.done");
      models.before = async () => undefined;
      if (!isOld) {
        await running.client.space("s").reembed({ provider: "static" });
        await ended(running.client);
      }
    }
    await running.client.space("s").reembed(LAST_WORD);
    assert.equal((await ended(running.client)).state, "done");
    assert.equal(await nearest(running.client), "ends.txt");
    await running.kill();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
