import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LAST_WORD_DIMS, startEmbeddingServer } from "../../../../test/support/embedding-server.ts";
import { documentId } from "../../src/index.ts";
import {
  checkTidy,
  documentOf,
  ended,
  FILLER,
  fill,
  LAST_WORD,
  nearest,
  openMemory,
  SPACE,
  STATIC,
  signalled,
  temporaryDirectory,
} from "./fixture.ts";

test("a space answers by the new model once it is embedded anew, also after a restart, and can be given another again", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  {
    await using open = await openMemory(directory.path, server.url);
    const { memory } = open;
    await fill(open);
    const before = await memory.space(SPACE);
    assert.deepEqual(await nearest(memory, "zebra"), ["about.txt"]);
    const begun = await memory.reembeds.start(SPACE, LAST_WORD);
    assert.deepEqual([begun.state, begun.total], ["running", FILLER.length + 2]);
    const done = await ended(memory);
    assert.deepEqual([done.state, done.embedded, done.to.dims], ["done", FILLER.length + 2, LAST_WORD_DIMS]);
    assert.deepEqual(await nearest(memory, "zebra"), ["ends.txt"]);
    assert.deepEqual(await nearest(memory, "word599", 1), ["wall.txt"]);
    const space = await memory.space(SPACE);
    assert.deepEqual(space.embedding, { ...LAST_WORD, dims: LAST_WORD_DIMS });
    assert.deepEqual([space.documents, space.chunks, space.bytes], [before.documents, before.chunks, before.bytes]);
    assert.equal(space.indexedSeq, space.headSeq, "the space's views are not behind its stream");
    await checkTidy(open, false);
  }
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  await memory.warm();
  assert.deepEqual(await nearest(memory, "zebra"), ["ends.txt"]);
  await memory.putDocument(SPACE, documentOf("late.txt", "A wall that ends with a gnu"));
  assert.deepEqual(await nearest(memory, "gnu"), ["late.txt"]);
  await assert.rejects(memory.ensureSpace(SPACE, STATIC), { code: "conflict", message: /millrace reembed s/ });
  await memory.reembeds.start(SPACE, { ...LAST_WORD, model: "another" });
  assert.equal((await ended(memory)).to.model, "another");
  await checkTidy(open, false);
  await memory.reembeds.start(SPACE, STATIC);
  await ended(memory);
  assert.deepEqual(await nearest(memory, "zebra"), ["about.txt"]);
  await checkTidy(open, false);
  const frames = open.frames();
  assert.deepEqual(
    frames.filter((type) => !type.endsWith("progress")).map((type) => type.slice("memory.reembed.".length)),
    ["started", "done", "started", "done", "started", "done"],
  );
  assert.ok(frames.includes("memory.reembed.progress") && frames.length <= 3 * 22, `${frames.length} frames`);
});

test("until it is done the old model answers, and what is put, replaced and removed meanwhile is as it should be after", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  await fill(open);
  await memory.putDocument(SPACE, documentOf("old.txt", "This ends with an okapi"));
  const [half, go] = [signalled(), signalled()];
  server.before = async (texts) => {
    if (!texts.some((text) => text.includes("word300 "))) return undefined;
    half.signal();
    await go.done;
    return undefined;
  };
  await memory.reembeds.start(SPACE, LAST_WORD);
  await half.done;
  assert.deepEqual(await nearest(memory, "zebra"), ["about.txt"]);
  await memory.putDocument(SPACE, documentOf("late.txt", "A new page that ends with an ibex"));
  await memory.putDocument(SPACE, documentOf("ends.txt", "What ended with a zebra ends with a tapir"));
  await memory.putDocument(SPACE, documentOf("large.txt", ...FILLER.map((part) => `${part} of the large one `)));
  await memory.removeDocument(SPACE, documentId(SPACE, "old.txt"));
  assert.deepEqual(await nearest(memory, "a new page with an ibex"), ["late.txt"], "found by the old model at once");
  const shown = memory.reembeds.state(SPACE);
  assert.ok(shown.state === "running" && shown.embedded > 0 && shown.embedded < shown.total, JSON.stringify(shown));
  go.signal();
  assert.equal((await ended(memory)).state, "done");
  assert.deepEqual(await nearest(memory, "ibex"), ["late.txt"]);
  assert.deepEqual(await nearest(memory, "tapir"), ["ends.txt"]);
  const { chunks } = await memory.space(SPACE);
  assert.equal(chunks, 2 * FILLER.length + 3);
  const all = await nearest(memory, "okapi", 100);
  assert.ok(all.length === 100 && !all.includes("old.txt"), "what is removed does not come back");
  await checkTidy(open, false);
});

test("a run that is cancelled, or whose model fails half-way, leaves the space whole; the next one succeeds", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  await fill(open);
  const whole = async () => {
    assert.deepEqual(await nearest(memory, "zebra"), ["about.txt"]);
    assert.equal((await memory.space(SPACE)).embedding.provider, "static");
    await checkTidy(open, true);
  };
  server.before = async (texts) => (texts.some((text) => text.includes("word400 ")) ? 400 : undefined);
  await memory.reembeds.start(SPACE, LAST_WORD);
  const failed = await ended(memory);
  assert.deepEqual([failed.state, failed.error?.code], ["failed", "provider_failed"]);
  assert.ok(failed.embedded > 0, "it failed in the middle");
  await whole();
  const half = signalled();
  server.before = async (texts) => {
    if (!texts.some((text) => text.includes("word400 "))) return undefined;
    half.signal();
    return new Promise(() => {});
  };
  await memory.reembeds.start(SPACE, LAST_WORD);
  await half.done;
  assert.equal((await memory.reembeds.cancel(SPACE)).state, "cancelled");
  await assert.rejects(memory.reembeds.cancel(SPACE), { code: "conflict" });
  await whole();
  server.before = async () => undefined;
  await memory.reembeds.start(SPACE, LAST_WORD);
  assert.equal((await ended(memory)).state, "done");
  assert.deepEqual(await nearest(memory, "zebra"), ["ends.txt"]);
  assert.deepEqual(
    open.frames().filter((type) => !/started|progress/.test(type)),
    ["memory.reembed.failed", "memory.reembed.interrupted", "memory.reembed.done"],
  );
});

test("puts and recalls go on while a space goes from model to model: none fails, and no document is lost", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  await fill(open);
  let isOver = false;
  let puts = 0;
  let recalls = 0;
  // No run of the service is done before there were some of both.
  server.before = async (texts) => {
    if (!texts.some((text) => text.includes("word300 "))) return undefined;
    const [putsMin, recallsMin] = [puts + 11, recalls + 11];
    while (!isOver && (puts < putsMin || recalls < recallsMin)) await turn();
    return undefined;
  };
  const put = async () => {
    while (!isOver) {
      const n = puts++;
      await memory.putDocument(SPACE, documentOf(`put-${n}.txt`, `Put as number ${n}, it ends with unicorn${n}`));
    }
  };
  const ask = async () => {
    for (; !isOver; recalls++) {
      const found = await nearest(memory, "zebra", 1);
      assert.ok(found[0] === "about.txt" || found[0] === "ends.txt", `found ${found[0]}`);
    }
  };
  const others = [put(), put(), ask(), ask()];
  const failed = Promise.all(others);
  try {
    for (const choice of [LAST_WORD, STATIC, LAST_WORD, { ...LAST_WORD, model: "another" }]) {
      await Promise.race([memory.reembeds.start(SPACE, choice), failed]);
      const end = await Promise.race([ended(memory), failed]);
      assert.ok("state" in end && end.state === "done", JSON.stringify(end));
    }
  } finally {
    isOver = true;
  }
  await failed;
  assert.ok(puts > 20 && recalls > 20, `${puts} puts, ${recalls} recalls`);
  for (let n = 0; n < puts; n++) {
    const { results } = await memory.recall(SPACE, { query: `unicorn${n}`, mode: "vector", k: 1 });
    assert.equal(results[0]?.source, `put-${n}.txt`);
  }
  await checkTidy(open, false);
});
