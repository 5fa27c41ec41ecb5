import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmbeddingServer } from "../../../test/support/embedding-server.ts";
import { Embedder } from "../src/embedder.ts";
import { EMBED_BATCH_CHUNKS } from "../src/limits.ts";

test("a text that a service has embedded is not sent again, in whatever batch it comes", async () => {
  await using server = await startEmbeddingServer();
  await using embedder = await Embedder.open({ provider: "openai", url: server.url, model: "last-word" });
  const probe = server.embedded;
  const texts = Array.from({ length: 3 * EMBED_BATCH_CHUNKS }, (_, n) => `text ${n} ends with word${n}`);
  const first = await embedder.embed(texts, "passage");
  assert.equal(server.embedded - probe, texts.length);
  const again = await embedder.embed([...texts.slice(7), "a new one", ...texts.slice(0, 7)], "passage");
  assert.equal(server.embedded - probe, texts.length + 1);
  const { dims } = embedder;
  assert.deepEqual(again.slice(0, 10 * dims), first.slice(7 * dims, 17 * dims));
  await embedder.embed(["a new one"], "query");
  assert.equal(server.embedded - probe, texts.length + 2, "a query is another text than a passage");
});

test("texts of a call are handed over in batches, and a failed one keeps nothing", async () => {
  await using server = await startEmbeddingServer();
  await using embedder = await Embedder.open({ provider: "openai", url: server.url, model: "last-word" });
  const sizes: number[] = [];
  server.before = async (texts) => {
    sizes.push(texts.length);
    return texts.includes("refuse this") ? 400 : undefined;
  };
  const texts = Array.from({ length: EMBED_BATCH_CHUNKS + 5 }, (_, n) => `text ${n}`);
  await embedder.embed(texts, "passage");
  assert.deepEqual(sizes, [EMBED_BATCH_CHUNKS, 5]);
  await assert.rejects(embedder.embed(["kept?", "refuse this"], "passage"), { code: "provider_failed" });
  await embedder.embed(["kept?"], "passage");
  assert.equal(sizes.length, 4, "what came with a refused text is sent again");
});
