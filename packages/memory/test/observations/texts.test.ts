import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { Memory } from "../../src/index.ts";
import { FaultProcess } from "./fault-child.ts";
import { openFaulty, scratch, submitted } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE } from "./fixture.ts";

/** Ids that a word finds. */
async function found(memory: Memory, query: string, k = 100): Promise<string[]> {
  const { results } = await memory.recall(SPACE, { query, mode: "text", k });
  return results.map(({ source }) => source).sort();
}

const words = { metaOf: (n: number) => ({ id: `n${n}`, text: `common word${n}` }) };

test("a log that has more than the full text, by kill -9: its words are found", async () => {
  using directory = scratch();
  await using child = await FaultProcess.start(directory.path);
  await child.ask({ op: "send", to: 40, words: true });
  await child.ask({ op: "reach", mark: "searchable" });
  await child.ask({ op: "hold-texts" });
  await child.ask({ op: "send", to: 100, words: true });
  const told = await child.ask({ op: "reach", mark: "durable" });
  assert.deepEqual([told.durable, told.searchable], [100, 40], "what has words is searchable when they are");
  await child.kill();
  await using opened = await openFaulty({ directory: directory.path });
  for (const n of [1, 40, 41, 77, 100]) assert.deepEqual(await found(opened.memory, `word${n}`), [`n${n}`]);
  assert.equal((await found(opened.memory, "common")).length, 100);
});

test("words of rows that the log lost are not found, and those that take their numbers are", async () => {
  using directory = scratch();
  const bytesMax = 524_288;
  let durable = 0;
  let accepted = 0;
  {
    await using opened = await openFaulty({ directory: directory.path, bytesMax });
    const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    while (opened.memory.ingest.ingest.logFailures === 0) {
      await submitted(session, batchOf(session.nextSeq, 100, words));
      await session.reached("searchable");
    }
    for (let more = 0; more < 3; more++) await submitted(session, batchOf(session.nextSeq, 100, words));
    await session.reached("searchable");
    ({ durable, accepted } = session.watermarks);
    assert.ok(accepted - durable >= 300);
    assert.deepEqual(await found(opened.memory, `word${accepted}`), [`n${accepted}`]);
  }
  let isHeld = false;
  const onWrite = (op: string) => {
    if (isHeld && op === "observations.putTexts") throw new MillraceError("storage_full", "the disk is full");
  };
  {
    await using opened = await openFaulty({ directory: directory.path, onWrite });
    assert.deepEqual(await found(opened.memory, `word${accepted}`), [], "the log lost it");
    assert.deepEqual(await found(opened.memory, `word${durable}`), [`n${durable}`]);
    isHeld = true;
    const session = await opened.memory.ingest.open({ space: SPACE, session: "p" });
    session.submit(batchOf(session.nextSeq, 100, { metaOf: (n) => ({ id: `m${n}`, text: `other word${n}` }) }));
    await session.reached("durable");
  }
  await using opened = await openFaulty({ directory: directory.path });
  assert.equal((await found(opened.memory, "other")).length, 100);
  assert.deepEqual(await found(opened.memory, `word${durable + 50}`), [`m${durable + 50}`]);
});

test("words that the store refused once are not passed over when later ones are entered before a crash", async () => {
  using directory = scratch();
  let refusals = 0;
  const onWrite = (op: string) => {
    if (op !== "observations.putTexts" || ++refusals !== 2) return;
    throw new MillraceError("storage_full", "the disk is full");
  };
  {
    await using opened = await openFaulty({ directory: directory.path, onWrite });
    const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    for (let from = 1; from <= 60; from += 10) {
      session.submit(batchOf(from, 10, words));
      await session.reached("durable");
    }
  }
  await using opened = await openFaulty({ directory: directory.path });
  assert.equal((await found(opened.memory, "common")).length, 60);
});

test("all marks come to what has words, without anything more being sent", async () => {
  await using opened = await openFaulty();
  const session = await opened.memory.ingest.open({ space: SPACE, dims: DIMS });
  session.submit(batchOf(1, 10, words));
  await session.reached("indexed");
  assert.equal(session.watermarks.indexed, 10);
});

test("what was removed, replaced or has expired is not found by its words and takes no place of what is there", async () => {
  using directory = scratch();
  const check = async (memory: Memory) => {
    assert.deepEqual(await found(memory, "repeated", 8), ["same"]);
    assert.deepEqual(await found(memory, "removed", 8), []);
  };
  {
    await using opened = await openFaulty({ directory: directory.path });
    const { memory } = opened;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
    session.submit(batchOf(1, 20, { metaOf: (n) => ({ id: `r${n}`, text: "removed" }) }));
    // More than one look into the full text takes.
    session.submit(batchOf(21, 500, { metaOf: () => ({ id: "same", text: "repeated" }) }));
    await session.reached("searchable");
    await memory.ingest.remove(
      SPACE,
      Array.from({ length: 20 }, (_, at) => `r${at + 1}`),
    );
    await check(memory);
  }
  await using opened = await openFaulty({ directory: directory.path });
  await check(opened.memory);
});

test("hits that a filter leaves out do not hide weaker ones that it lets through", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  session.submit(batchOf(1, 900, { metaOf: (n) => ({ id: `n${n}`, text: "plenty", payload: { n } }) }));
  await session.reached("searchable");
  const { results } = await memory.recall(SPACE, { query: "plenty", mode: "text", k: 5, filter: { n: { gt: 897 } } });
  assert.deepEqual(results.map(({ source }) => source).sort(), ["n898", "n899", "n900"]);
});
