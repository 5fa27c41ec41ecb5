import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmbeddingProvider } from "../../src/embedding/provider.ts";
import { withCache } from "../../src/embedding/with-cache.ts";

function counting(): { provider: EmbeddingProvider; asked: string[][] } {
  const asked: string[][] = [];
  const provider: EmbeddingProvider = {
    name: "counting",
    model: "m",
    dims: 2,
    async embed(texts, { kind }) {
      asked.push([...texts]);
      if (texts.includes("fail")) throw new Error("no");
      return Float32Array.from(texts.flatMap((text) => [text.length, kind === "query" ? 1 : 0]));
    },
  };
  return { provider, asked };
}

test("a text is handed on once, and again for another kind", async () => {
  const { provider, asked } = counting();
  const cached = withCache(provider, { entriesMax: 10 });
  assert.deepEqual([...(await cached.embed(["a", "bb", "a"], { kind: "passage" }))], [1, 0, 2, 0, 1, 0]);
  assert.deepEqual([...(await cached.embed(["bb", "ccc"], { kind: "passage" }))], [2, 0, 3, 0]);
  assert.deepEqual([...(await cached.embed(["a"], { kind: "query" }))], [1, 1]);
  assert.deepEqual(asked, [["a", "bb"], ["ccc"], ["a"]]);
  assert.deepEqual(cached.stats(), { hits: 2, misses: 4, entries: 4 });
});

test("what was unused for longest goes first, and a call larger than the cache is still answered", async () => {
  const { provider, asked } = counting();
  const cached = withCache(provider, { entriesMax: 2 });
  for (const text of ["a", "b", "a", "c", "a", "b"]) await cached.embed([text], { kind: "passage" });
  assert.deepEqual(asked.flat(), ["a", "b", "c", "b"]);
  assert.equal((await cached.embed(["x", "y", "z"], { kind: "passage" })).length, 6);
  assert.equal(cached.stats().entries, 2);
});

test("a call that fails keeps nothing", async () => {
  const { provider } = counting();
  const cached = withCache(provider, { entriesMax: 10 });
  await assert.rejects(cached.embed(["fail", "a"], { kind: "passage" }));
  assert.equal(cached.stats().entries, 0);
});
