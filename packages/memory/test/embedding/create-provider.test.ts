import assert from "node:assert/strict";
import { test } from "node:test";
import { createProvider, type ProviderSpec } from "../../src/embedding/create-provider.ts";

test("the static provider needs nothing, and refuses a model this build does not have", async () => {
  const provider = await createProvider({ provider: "static" });
  assert.equal(provider.name, "static");
  assert.equal((await provider.embed(["one", "two"], { kind: "passage" })).length, 2 * provider.dims);
  assert.equal((await createProvider({ provider: "static", model: provider.model })).dims, provider.dims);
  await assert.rejects(createProvider({ provider: "static", model: "another" }), { code: "invalid_argument" });
});

test("a provider nobody knows is refused with the names of those there are", async () => {
  await assert.rejects(createProvider({ provider: "cohere" } as unknown as ProviderSpec), {
    code: "invalid_argument",
    message: /static, openai, transformers or none/,
  });
});
