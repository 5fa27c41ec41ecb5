import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createStaticProvider, providerOf } from "../../src/embedding/static-provider.ts";

const provider = createStaticProvider();

async function similarity(left: string, right: string): Promise<number> {
  const vectors = await provider.embed([left, right], { kind: "passage" });
  let sum = 0;
  for (let dim = 0; dim < provider.dims; dim++)
    sum += (vectors[dim] as number) * (vectors[provider.dims + dim] as number);
  return sum;
}

test("any text has a vector of unit length, the same each time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), async (text) => {
      const [first, second] = [
        await provider.embed([text], { kind: "query" }),
        await provider.embed([text], { kind: "query" }),
      ];
      assert.deepEqual(first, second);
      assert.ok(Math.abs(Math.hypot(...first) - 1) < 1e-4);
    }),
  );
});

test("a text's vector does not depend on the texts beside it", async () => {
  const together = await provider.embed(["restart the server", "boil the pasta"], { kind: "passage" });
  const alone = await provider.embed(["boil the pasta"], { kind: "passage" });
  assert.deepEqual(together.slice(provider.dims), alone);
});

test("texts of one meaning are nearer than texts of two, without a shared word", async () => {
  const same = await similarity("restart the server", "reboot a machine");
  assert.ok(same > (await similarity("restart the server", "boil some pasta")) + 0.1);
  assert.ok(
    (await similarity("delete a folder", "remove directories")) >
      (await similarity("delete a folder", "colourful birds")) + 0.1,
  );
});

test("a word the table does not have still tells texts apart, in any script", async () => {
  assert.ok((await similarity("対応 日本語", "日本語")) > 0.5);
  assert.ok(Math.abs(await similarity("日本語", "한국어")) < 0.5);
});

test("unknown words are spelled by known parts", async () => {
  const table = {
    dims: 2,
    rows: 2,
    scales: Float32Array.of(1, 1),
    codes: Int8Array.of(1, 0, 0, 1),
    words: ["heap", "size"],
  };
  const vectors = await providerOf(table, "tiny").embed(["heapsize", "heap heap"], { kind: "query" });
  assert.ok(
    Math.abs((vectors[0] as number) - Math.SQRT1_2) < 1e-6 && Math.abs((vectors[1] as number) - Math.SQRT1_2) < 1e-6,
  );
  assert.deepEqual([...vectors.slice(2)], [1, 0]);
});

test("too many texts, a text too long and a text that is none are refused", async () => {
  await assert.rejects(
    provider.embed(
      Array.from({ length: 10_001 }, () => "a"),
      { kind: "query" },
    ),
    { code: "too_large" },
  );
  await assert.rejects(provider.embed(["a".repeat(100_001)], { kind: "query" }), { code: "too_large" });
  await assert.rejects(provider.embed([7 as unknown as string], { kind: "query" }), { code: "invalid_argument" });
  assert.equal((await provider.embed([], { kind: "query" })).length, 0);
});
