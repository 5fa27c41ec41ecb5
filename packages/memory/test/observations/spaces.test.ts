import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type SpaceId, toSpaceId } from "@millrace/protocol";
import fc from "fast-check";
import type { IngestSession, Memory } from "../../src/index.ts";
import { FaultProcess } from "./fault-child.ts";
import { idsOf, openFaulty, scratch, submitted, turn, until } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

const RUNS = Number(process.env.MILLRACE_SPACE_RUNS ?? 3);
const KILLS = Number(process.env.MILLRACE_SPACE_KILLS ?? 2);
const NAMES = ["one", "two", "three", "four"].map((name) => toSpaceId(name));

type Action =
  | { readonly kind: "send"; readonly space: SpaceId; readonly count: number }
  | { readonly kind: "delete"; readonly space: SpaceId; readonly isUnderLoad: boolean }
  | { readonly kind: "restart" };

const space = fc.constantFrom(...NAMES);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("send" as const), space, count: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), space, isUnderLoad: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

/** Words of a space, in which life of it. */
async function wordsOf(memory: Memory, name: SpaceId): Promise<Set<string>> {
  const { results } = await memory.recall(name, { query: "common", mode: "text", k: 100 });
  return new Set(results.map(({ text }) => text));
}

async function run(actions: readonly Action[]): Promise<void> {
  using directory = scratch();
  let opened = await openFaulty({ directory: directory.path });
  let sessions = new Map<SpaceId, IngestSession>();
  /** Of each space: which of its lives it is in, and what it holds. */
  const held = new Map<SpaceId, string[]>();
  const lives = new Map<SpaceId, number>();
  const send = async (name: SpaceId, count: number) => {
    const session = sessions.get(name) ?? (await opened.memory.ingest.open({ space: name, dims: DIMS, session: "p" }));
    sessions.set(name, session);
    const ids = held.get(name) ?? [];
    const life = lives.get(name) ?? 0;
    assert.equal(session.nextSeq, ids.length + 1, "a new space begins anew");
    const metaOf = (n: number) => ({ id: `${name}-${life}-${n}`, text: `common ${name}-${life}` });
    await submitted(session, batchOf(session.nextSeq, count, { metaOf }));
    for (let at = 0; at < count; at++) ids.push(`${name}-${life}-${ids.length + 1}`);
    held.set(name, ids);
    return session;
  };
  const check = async () => {
    for (const [name, ids] of held) {
      await sessions.get(name)?.reached("searchable");
      assert.deepEqual(await idsOf(opened.memory, name), ids);
      assert.deepEqual(await wordsOf(opened.memory, name), new Set([`common ${name}-${lives.get(name) ?? 0}`]));
    }
  };
  try {
    for (const one of actions) {
      if (one.kind === "send") await send(one.space, one.count);
      else if (one.kind === "delete" && held.has(one.space)) {
        if (one.isUnderLoad) for (let more = 0; more < 5; more++) await send(one.space, 100);
        await opened.memory.removeSpace(one.space);
        const session = sessions.get(one.space);
        if (session) assert.throws(() => session.submit(batchOf(1, 1)), { code: "not_found" });
        sessions.delete(one.space);
        held.delete(one.space);
        lives.set(one.space, (lives.get(one.space) ?? 0) + 1);
      } else if (one.kind === "restart") {
        await Promise.all([...sessions.values()].map((session) => session.reached("durable")));
        await opened[Symbol.asyncDispose]();
        opened = await openFaulty({ directory: directory.path });
        sessions = new Map();
      }
    }
    await check();
    assert.ok((await opened.memory.ingest.drain()).isComplete, "nothing waits for what was deleted");
    const numbers = NAMES.filter((name) => held.has(name)).map((name) => String(opened.memory.spaceId(name)));
    const folders = readdirSync(join(directory.path, "observations/index"));
    assert.ok(
      folders.every((folder) => numbers.includes(folder)),
      `${folders}`,
    );
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

test(`I10: spaces deleted and made again under the same name hold what was sent since, and no space another's (${RUNS} runs)`, async () => {
  await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 8, maxLength: 30 }), run), {
    numRuns: RUNS,
    // A slow machine takes as long as it takes; a failure says its seed at once.
    endOnFailure: true,
  });
});

test("a space deleted while batches wait in its lane, its worker and its log gives all their memory back", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const { ingest } = memory.ingest;
  const dims = 768;
  const batch = batchOf(0, 500, { dims, firstSeq: 0 });
  for (let round = 0; round < 12; round++) {
    const session = await memory.ingest.open({ space: SPACE, dims, credits: 100_000 });
    for (let sent = 0; sent < 10; sent++) session.submit(batch);
    if (round % 3 === 1) await until(() => session.watermarks.searchable > 0);
    for (let turns = 0; turns < round; turns++) await turn();
    const ended = round % 3 === 0 ? [] : ingest.workers.threads.map((thread) => thread.end());
    if (round % 3 === 1) {
      // While what its workers had in hand waits for the space to be opened again.
      await Promise.all(ended);
      await memory.ingest.dropSpace(memory.spaceId(SPACE));
    }
    await memory.removeSpace(SPACE);
    await Promise.all(ended);
  }
  assert.ok((await memory.ingest.drain()).isComplete);
  const { lanes, waiting } = ingest.admission;
  assert.equal(waiting, 0);
  assert.deepEqual(
    lanes.map(({ depth, bytes }) => [depth, bytes]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  );
});

test(`a space whose deletion is cut off by kill -9 at any point is there whole or not at all (${KILLS} times)`, async () => {
  for (let round = 0; round < KILLS; round++) {
    using directory = scratch();
    await using child = await FaultProcess.start(directory.path);
    await child.ask({ op: "send", to: 300, words: true });
    await child.ask({ op: "reach", mark: "searchable" });
    await child.ask({ op: "reach", mark: "durable" });
    if (round === 0) await child.ask({ op: "die-before", write: "observations.dropTexts" });
    child.tell({ op: "drop" });
    if (round === 0) await child.died();
    const index = join(directory.path, "observations/index");
    // More of the deletion is done each time.
    for (let turns = 0; turns < round * 100; turns++) await turn();
    await child.kill();
    await using opened = await openFaulty({ directory: directory.path });
    const { memory } = opened;
    const isThere = (await memory.spaces()).some(({ name }) => name === SPACE);
    if (isThere) {
      assert.equal((await idsOf(memory)).length, 300);
      assert.deepEqual((await wordsOf(memory, SPACE)).size, 100, "as many as one recall gives");
      continue;
    }
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
    assert.equal(session.nextSeq, 1);
    session.submit(batchOf(1, 3, { metaOf: (n) => ({ id: `new${n}`, text: "common new" }) }));
    await session.reached("searchable");
    assert.deepEqual(await idsOf(memory), ["new1", "new2", "new3"]);
    assert.deepEqual(await wordsOf(memory, SPACE), new Set(["common new"]));
    assert.ok(!existsSync(index) || readdirSync(index).every((folder) => folder === String(memory.spaceId(SPACE))));
  }
});

test("a space without observations answers with none, and takes observations after that", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  await memory.ensureSpace(SPACE, { provider: "none", model: String(DIMS) });
  const { results, live } = await memory.recallVectors(SPACE, vectorOf(1), { k: 3 });
  assert.deepEqual([results.length, live], [0, 0]);
  assert.equal(await memory.ingest.remove(SPACE, ["a"]), 0);
  const session = await memory.ingest.open({ space: SPACE });
  session.submit(batchOf(1, 5));
  await session.reached("searchable");
  assert.equal((await idsOf(memory)).length, 5);
});
