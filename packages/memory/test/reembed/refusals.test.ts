import assert from "node:assert/strict";
import { test } from "node:test";
import { toSpaceId } from "@millrace/protocol";
import { LAST_WORD_DIMS, startEmbeddingServer } from "../../../../test/support/embedding-server.ts";
import { until } from "../../../../test/support/until.ts";
import { COMMIT_CHUNKS_MAX } from "../../src/limits.ts";
import {
  ABOUT,
  checkTidy,
  ENDS,
  ended,
  fill,
  LAST_WORD,
  nearest,
  openMemory,
  SPACE,
  STATIC,
  signalled,
  temporaryDirectory,
} from "./fixture.ts";

test("what cannot be is refused with its reason: no such space, no model, a second run, observations", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  await assert.rejects(memory.reembeds.start(SPACE, LAST_WORD), { code: "not_found" });
  await memory.putDocument(SPACE, ENDS);
  assert.throws(() => memory.reembeds.state(SPACE), { code: "not_found" });
  const same = await memory.reembeds.start(SPACE, STATIC);
  assert.deepEqual([same.state, same.to], ["unchanged", same.from]);
  assert.deepEqual(open.frames(), []);
  await assert.rejects(memory.reembeds.start(SPACE, { provider: "none", model: "8" }), { code: "invalid_argument" });
  server.before = async () => 401;
  await assert.rejects(memory.reembeds.start(SPACE, LAST_WORD), { code: "provider_failed", message: /401/ });
  const go = signalled();
  server.before = async (texts) => (texts[0]?.startsWith("T") ? go.done.then(() => undefined) : undefined);
  const first = await memory.reembeds.start(SPACE, LAST_WORD);
  assert.equal((await memory.reembeds.start(SPACE, LAST_WORD)).run, first.run, "asked again it is the same run");
  await assert.rejects(memory.reembeds.start(SPACE, STATIC), { code: "conflict", message: /last-word/ });
  await assert.rejects(memory.ingest.open({ space: SPACE }), { code: "conflict", message: /embedded anew/ });
  go.signal();
  assert.equal((await ended(memory)).state, "done");
  const session = await memory.ingest.open({ space: SPACE });
  assert.equal(session.dims, LAST_WORD_DIMS, "observations have the new dimensions");
  const vectors = new Uint8Array(Float32Array.from({ length: LAST_WORD_DIMS }, (_, at) => at + 1).buffer);
  const batch = { firstSeq: 1, count: 1, lane: "normal", encoding: "f32", dims: LAST_WORD_DIMS } as const;
  session.submit({ ...batch, vectors, meta: new Uint8Array() });
  await session.close();
  await assert.rejects(memory.reembeds.start(SPACE, STATIC), { code: "conflict", message: /holds 1 observations/ });
});

test("a space that is deleted while it is embedded anew is gone with both its vectors, and its name is free", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  await using open = await openMemory(directory.path, server.url);
  const { memory, count } = open;
  await fill(open);
  const other = toSpaceId("other");
  await memory.putDocument(other, ABOUT);
  const half = signalled();
  server.before = async (texts) => {
    if (!texts.some((text) => text.includes("word400 "))) return undefined;
    half.signal();
    return new Promise(() => {});
  };
  await memory.reembeds.start(SPACE, LAST_WORD);
  await half.done;
  await memory.removeSpace(SPACE);
  await until(
    () => count("SELECT count(*) AS n FROM vector_sets") === 0,
    () => "its sets",
  );
  assert.equal(count("SELECT count(*) AS n FROM chunks"), 1);
  assert.equal(count("SELECT count(*) AS n FROM vectors"), 0);
  await memory.putDocument(SPACE, ENDS);
  assert.deepEqual(await nearest(memory, "granite"), ["ends.txt"]);
  assert.deepEqual(await nearest(memory, "zebra", 1, other), ["about.txt"]);
});

test("what a crash left of a run is taken out at the next start, and said", async () => {
  using directory = temporaryDirectory();
  await using server = await startEmbeddingServer();
  {
    await using open = await openMemory(directory.path, server.url);
    await fill(open);
    // As the process leaves it when it dies: a set in the making with some of its vectors.
    const stream = `space:${SPACE}`;
    const begin = { space: 1, run: "r", ...LAST_WORD, dims: 2, stream };
    const set = (await open.storage.write("memory.beginSet", begin)) as number;
    const chunks = Array.from({ length: COMMIT_CHUNKS_MAX + 40 }, (_, at) => at + 1);
    const entered = await open.storage.write("memory.addVectors", {
      ...{ space: 1, set, chunks: [...chunks, 1_000_000] },
      vectors: new Float32Array(2 * (chunks.length + 1)),
    });
    assert.deepEqual(entered, chunks, "no vector for a chunk that is not there");
    const adopt = open.storage.write("memory.adoptSet", { space: 1, set, stream });
    await assert.rejects(adopt, { code: "conflict", message: /296 of 602 chunks/ });
  }
  await using open = await openMemory(directory.path, server.url);
  await checkTidy(open, true);
  assert.deepEqual(open.frames(), ["memory.reembed.interrupted"]);
  assert.deepEqual(await nearest(open.memory, "zebra"), ["about.txt"]);
});

test("a model that has other dimensions by now is told apart from the one a space was made with, and mended by reembed", async () => {
  using directory = temporaryDirectory();
  {
    await using server = await startEmbeddingServer();
    await using open = await openMemory(directory.path, server.url);
    await open.memory.ensureSpace(SPACE, LAST_WORD);
    await open.memory.putDocument(SPACE, ENDS);
  }
  await using server = await startEmbeddingServer(LAST_WORD_DIMS / 2);
  await using open = await openMemory(directory.path, server.url);
  const { memory } = open;
  const refusal = { code: "dimension_mismatch", message: /holds 24 numbers.*now gives 12.*millrace reembed s/ };
  await assert.rejects(nearest(memory, "zebra"), refusal);
  await assert.rejects(memory.putDocument(SPACE, ABOUT), refusal);
  assert.equal((await memory.reembeds.start(SPACE, LAST_WORD)).state, "running");
  assert.equal((await ended(memory)).state, "done");
  assert.deepEqual(await nearest(memory, "zebra"), ["ends.txt"]);
});
