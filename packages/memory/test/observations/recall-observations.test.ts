import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservationMeta, RecallRequest } from "@millrace/protocol";
import { toSpaceId } from "@millrace/protocol";
import type { Memory } from "../../src/index.ts";
import { batchOf, DIMS, openMemory, SPACE, vectorOf } from "./fixture.ts";

const DAY_MS = 86_400_000;

async function observe(memory: Memory, count: number, metaOf: (n: number) => ObservationMeta | null) {
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  for (let from = 1; from <= count; from += 100) {
    session.submit(batchOf(from, Math.min(100, count - from + 1), { metaOf }));
  }
  await session.reached("searchable");
  return session;
}

const idsOf = async (memory: Memory, request: RecallRequest) =>
  (await memory.recall(SPACE, request)).results.map(({ source }) => source);
const asked = (n: number) => ({ vector: [...vectorOf(n)] });

test("filters by label, payload and time let through what they should, exactly, however few", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const now = Date.now();
  await observe(memory, 600, (n) => ({
    id: `n${n}`,
    who: n % 3 === 0 ? "ada" : "bob",
    whenMs: now - n * DAY_MS,
    payload: { level: n % 10, isOpen: n % 2 === 0 },
  }));
  const all = { k: 100, recall: "exact" as const };
  const byWho = await idsOf(memory, { ...asked(1), ...all, filter: { who: "ada", level: { gte: 8 } } });
  const expected = Array.from({ length: 600 }, (_, at) => at + 1).filter((n) => n % 3 === 0 && n % 10 >= 8);
  assert.deepEqual(new Set(byWho), new Set(expected.map((n) => `n${n}`)));
  const rare = await idsOf(memory, {
    ...asked(1),
    k: 5,
    filter: { level: 7, isOpen: false, who: "ada", when: { recentMs: 30 * DAY_MS } },
  });
  assert.deepEqual(rare, ["n27"]);
  assert.deepEqual(await idsOf(memory, { ...asked(1), k: 5, filter: { who: "nobody" } }), []);
  await assert.rejects(memory.recall(SPACE, { ...asked(1), filter: { level: { near: 3 } } as never }), {
    code: "invalid_argument",
  });
});

test("every score is the sum of the terms that are told, and a newer one wins when all else is equal", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const now = Date.now();
  const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
  const same = batchOf(1, 1).vectors;
  const both = new Uint8Array(same.length * 2);
  both.set(same);
  both.set(same, same.length);
  const metas = [
    { id: "old", whenMs: now - 60 * DAY_MS },
    { id: "new", whenMs: now },
  ];
  const meta = new TextEncoder().encode(JSON.stringify(metas));
  session.submit({ ...batchOf(1, 2), vectors: both, meta });
  await session.reached("searchable");
  const { results } = await memory.recall(SPACE, {
    ...asked(1),
    decay: { kind: "exponential", halfLifeMs: 30 * DAY_MS },
  });
  assert.deepEqual(
    results.map(({ source }) => source),
    ["new", "old"],
  );
  for (const { score, observation } of results) {
    const sum = observation?.terms.reduce((total, { share }) => total + share, 0) ?? 0;
    assert.ok(Math.abs(sum - score) < 1e-12);
  }
  const recency = results[1]?.observation?.terms.find(({ name }) => name === "recency");
  // It falls by so much in an hour.
  const olderBy = 0.25 * (1 - 0.5 ** (1 / (30 * 24)));
  assert.ok(Math.abs((recency?.value ?? 0) - 0.25) < olderBy, "two half-lives ago");
  const above = await memory.recall(SPACE, { ...asked(1), threshold: (results[0]?.score ?? 0) - 1e-3 });
  assert.deepEqual(
    above.results.map(({ source }) => source),
    ["new"],
  );
});

test("a generation asked again answers the same, whatever came and went since", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  const session = await observe(memory, 200, (n) => ({ id: `n${n}` }));
  const request = { ...asked(5), k: 20, recall: "exact" as const };
  const before = await memory.recall(SPACE, request);
  assert.ok(before.generation);
  session.submit(batchOf(201, 100, { metaOf: (n) => ({ id: `n${n}` }) }));
  await session.reached("searchable");
  const gone = before.results.slice(0, 5).map(({ source }) => source);
  assert.equal(await memory.ingest.remove(SPACE, gone), 5);
  const after = await idsOf(memory, { ...request, asOf: before.generation });
  assert.deepEqual(
    after,
    before.results.map(({ source }) => source),
  );
  const now = await idsOf(memory, request);
  assert.ok(gone.every((id) => !now.includes(id)));
});

test("words and vector together: an observation is found by either, and words alone need no vector", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  await observe(memory, 100, (n) => ({ id: `n${n}`, text: n === 42 ? "the quern stone is cracked" : `note ${n}` }));
  assert.equal((await idsOf(memory, { query: "cracked quern" }))[0], "n42");
  const both = await memory.recall(SPACE, { ...asked(7), query: "cracked quern", k: 2 });
  assert.deepEqual(new Set(both.results.map(({ source }) => source)), new Set(["n7", "n42"]));
  assert.equal(both.results.find(({ source }) => source === "n42")?.text, "the quern stone is cracked");
  assert.equal(await memory.ingest.remove(SPACE, ["n42"]), 1);
  assert.deepEqual(await idsOf(memory, { query: "cracked quern" }), []);
});

test("answers come better and better, the last one final, and a recall that is given up ends", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  await observe(memory, 300, (n) => ({ id: `n${n}`, text: `note ${n}` }));
  const stages: string[] = [];
  for await (const { stage, results } of memory.recallStages(SPACE, { ...asked(9), query: "note 12", k: 3 })) {
    assert.equal(results.length, 3);
    stages.push(stage ?? "");
  }
  assert.equal(stages[0], "provisional");
  assert.deepEqual(
    stages.filter((stage) => stage === "final"),
    ["final"],
  );
  assert.equal(stages.at(-1), "final");
  const leave = new AbortController();
  const stopped = memory.recallStages(SPACE, { ...asked(9), query: "note" }, leave.signal);
  await stopped.next();
  leave.abort();
  await assert.rejects(async () => {
    for await (const _ of stopped);
  });
});

test("what results are linked to is found with them, a hop away, and no further than asked", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  await observe(memory, 100, (n) => (n > 1 && n <= 4 ? { id: `n${n}`, links: [`n${n - 1}`] } : { id: `n${n}` }));
  const k = 3;
  const alone = await idsOf(memory, { ...asked(1), k });
  assert.ok(!alone.includes("n2"), "it is not near by itself");
  const linked = await memory.recall(SPACE, {
    ...asked(1),
    ...{
      k,
      associations: { depth: 1, budget: 100 },
      weights: { similarity: 1, association: 2, confidence: 0, importance: 0, recency: 0 },
    },
  });
  assert.ok(linked.results.some(({ source }) => source === "n2"));
});

test("questions that cannot be answered say why", async () => {
  await using opened = await openMemory();
  const { memory } = opened;
  await observe(memory, 10, () => null);
  await assert.rejects(memory.recall(SPACE, { vector: [1, 2] }), {
    code: "dimension_mismatch",
    message: /2 numbers.*16/,
  });
  await assert.rejects(memory.recall(SPACE, {}), { code: "invalid_argument" });
  await assert.rejects(memory.recall(toSpaceId("nowhere"), asked(1)), { code: "not_found" });
  const { generation } = await memory.recall(SPACE, asked(1));
  assert.ok(generation);
  const later = { ...generation, rows: generation.rows + 1 };
  await assert.rejects(memory.recall(SPACE, { ...asked(1), asOf: later }), { code: "invalid_argument" });
});
