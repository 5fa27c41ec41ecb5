import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MillraceError } from "@millrace/core";
import { createTransformersProvider } from "../../src/embedding/transformers-provider.ts";

let home = "";
before(async () => {
  home = await mkdtemp(join(tmpdir(), "millrace-transformers-"));
});
after(() => rm(home, { recursive: true, force: true }));

const is = (code: string, part: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, part);
  return true;
};

test("a directory that holds no model is named, with what belongs there", async () => {
  await assert.rejects(createTransformersProvider({ modelDirectory: "" }), is("invalid_argument", /modelDirectory/));
  await assert.rejects(
    createTransformersProvider({ modelDirectory: join(home, "nowhere") }),
    is("invalid_argument", /nowhere has no config\.json.*onnx/),
  );
  await mkdir(join(home, "half"));
  await writeFile(join(home, "half", "config.json"), "{}");
  await assert.rejects(
    createTransformersProvider({ modelDirectory: home, model: "half" }),
    is("invalid_argument", /half has no tokenizer\.json/),
  );
});

test("without the package it says what to install; with it, a broken model is provider_failed", async () => {
  const directory = join(home, "broken");
  await mkdir(directory);
  await writeFile(join(directory, "config.json"), JSON.stringify({ model_type: "bert" }));
  await writeFile(join(directory, "tokenizer.json"), "{}");
  const isInstalled = await import("@huggingface/transformers" as string).then(
    () => true,
    () => false,
  );
  await assert.rejects(
    createTransformersProvider({ modelDirectory: directory }),
    isInstalled ? is("provider_failed", /broken failed/) : is("unavailable", /npm install @huggingface\/transformers/),
  );
});
