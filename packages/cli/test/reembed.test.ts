import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reembed } from "@millrace/client";
import { startEmbeddingServer } from "../../../test/support/embedding-server.ts";
import { DOCS, folder, RunningCommand, runCommand } from "./command.ts";

test("reembed gives a space another model; the space is as it was when that fails, or after Ctrl-C", async () => {
  await using models = await startEmbeddingServer();
  using place = folder(DOCS);
  const { path: cwd } = place;
  await runCommand(["add", "docs/guide", "docs/bread.html", "docs/museum.txt"], { cwd });
  const missing = await runCommand(["reembed", "default"], { cwd });
  assert.equal(missing.code, 2);
  assert.match(missing.err, /--embedding static, openai or transformers/);
  const service = ["--embedding", "openai", "--embedding-url", models.url, "--embedding-model", "last-word"];
  {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    models.before = async (texts) => {
      if (texts.length === 1) return undefined;
      resolve();
      return new Promise(() => {});
    };
    await using command = new RunningCommand(["reembed", "default", ...service], { cwd });
    await asked;
    command.interrupt();
    const { code, err } = await command.finished;
    assert.equal(code, 130, err);
    assert.match(err, /cancelled; default is as it was, embedded by static/);
  }
  models.before = async (texts) => (texts.length > 1 ? 400 : undefined);
  const failed = await runCommand(["reembed", "default", ...service], { cwd });
  assert.equal(failed.code, 1);
  assert.match(failed.err, /failed: .*answered 400.*default is as it was, embedded by static/);
  models.before = async () => undefined;
  const done = await runCommand(["reembed", "default", ...service, "--json"], { cwd });
  assert.equal(done.code, 0, done.err);
  const { state, to, embedded, total } = JSON.parse(done.out) as Reembed;
  assert.deepEqual([state, to.model, to.dims], ["done", "last-word", 24]);
  assert.ok(embedded >= 3 && embedded === total);
  const same = await runCommand(["reembed", "default", ...service], { cwd });
  assert.match(same.out, /embedded by openai last-word \(24\) already/);
});
