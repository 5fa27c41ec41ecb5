import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import type { Memory } from "../../src/index.ts";
import type { RecallAnswer } from "../../src/observations/workers/recall-question.ts";
import { openFaulty, scratch, submitted, until } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

type Generation = { readonly rows: number; readonly removals: number };
type Asked = { readonly generation: Generation; readonly n: number; readonly told: string };

const K = 25;

function told({ results }: { readonly results: readonly { id: string; row: number; score: number }[] }): string {
  return JSON.stringify(results.map(({ id, row, score }) => [id, row, score]));
}

function ask(memory: Memory, n: number, asOf?: Generation) {
  return memory.recallVectors(SPACE, vectorOf(n), { k: K, recall: "exact", ...(asOf ? { asOf } : {}) });
}

test("a generation asked again after more inserts, removals and replacements answers the same", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const rng = createRng(8);
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  const asked: Asked[] = [];
  for (let round = 0; round < 60; round++) {
    // A third of the ids were there before.
    const metaOf = () => ({ id: `n${randomBelow(rng, 40 + round * 10)}` });
    await submitted(session, batchOf(session.nextSeq, 1 + randomBelow(rng, 30), { metaOf }));
    if (round % 3 === 0) await session.reached("searchable");
    if (round % 4 === 0)
      await memory.ingest.remove(
        SPACE,
        Array.from({ length: 5 }, () => `n${randomBelow(rng, 400)}`),
      );
    const n = randomBelow(rng, 1_000);
    const { generation, ...answer } = await ask(memory, n);
    asked.push({ generation, n, told: told(answer) });
    for (const { generation: asOf, n: before, told: first } of asked.filter((_, at) => at % 5 === round % 5)) {
      assert.equal(told(await ask(memory, before, asOf)), first);
    }
  }
  assert.ok(new Set(asked.map(({ told: one }) => one)).size > 50, "the answers differ, or nothing is tested");
});

test("after a worker or the engine is gone a generation is `gone` or answers the same, never something else", async () => {
  using directory = scratch();
  const asked: Asked[] = [];
  const metaOf = (n: number) => ({ id: `n${n % 150}` });
  const check = async (memory: Memory) => {
    for (const { generation, n, told: first } of asked) {
      const again = await ask(memory, n, generation).then(told, (error: { code: string }) => error.code);
      assert.ok(again === first || again === "gone", `${JSON.stringify(generation)}: ${again}\n${first}`);
    }
  };
  const note = async (memory: Memory) => {
    for (let n = 0; n < 5; n++) {
      const { generation, ...answer } = await ask(memory, n);
      asked.push({ generation, n, told: told(answer) });
    }
  };
  {
    await using opened = await openFaulty({ directory: directory.path });
    const { memory } = opened;
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    for (let round = 0; round < 6; round++) {
      session.submit(batchOf(session.nextSeq, 50, { metaOf }));
      await session.reached("searchable");
      await note(memory);
      // In another order than that of the rows.
      await memory.ingest.remove(SPACE, [`n${149 - round}`, `n${round}`]);
      await note(memory);
    }
    const { workers } = memory.ingest.ingest;
    for (const thread of workers.threads) await thread.end();
    await until(() => workers.deaths === 2);
    await check(memory);
    session.submit(batchOf(session.nextSeq, 50, { metaOf }));
    await session.reached("durable");
    await note(memory);
    await check(memory);
  }
  await using opened = await openFaulty({ directory: directory.path });
  await check(opened.memory);
  await opened.memory.ingest.remove(SPACE, ["n20", "n21"]);
  await check(opened.memory);
});

test("a generation is `gone` once too many were removed after it", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const session = await memory.ingest.open({ space: SPACE, dims: 4 });
  session.submit(batchOf(1, 10, { dims: 4, metaOf: (n) => ({ id: `n${n}` }) }));
  await session.reached("searchable");
  const vector = vectorOf(1, 4);
  const first: RecallAnswer = await memory.recallVectors(SPACE, vector, { k: 10 });
  for (let at = 0; at < 70; at++) {
    await submitted(session, batchOf(session.nextSeq, 1_000, { dims: 4, metaOf: () => ({ id: "same" }) }));
  }
  await session.reached("searchable");
  await assert.rejects(memory.recallVectors(SPACE, vector, { k: 10, asOf: first.generation }), {
    code: "gone",
    message: /asOf/,
  });
  const { results, live, generation } = await memory.recallVectors(SPACE, vector, { k: 20, recall: "exact" });
  assert.equal(live, 11);
  assert.equal(results.length, 11);
  const again = await memory.recallVectors(SPACE, vector, { k: 20, recall: "exact", asOf: generation });
  assert.equal(told(again), told({ results }));
});
