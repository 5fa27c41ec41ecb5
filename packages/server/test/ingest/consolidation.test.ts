/** Consolidation over a real engine: what was planted is found, nothing else is, and it is kept. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import { createRng } from "@millrace/core";
import { toSpaceId } from "@millrace/protocol";
import { startEngine, type TestEngine, temporaryDirectory } from "../../../../test/support/engine.ts";
import { until } from "../../../../test/support/until.ts";
import { cluster, conceptsOf, draw, membersOf, type Planted, put } from "./consolidating.ts";

const WAIT = { waitMs: 60_000 };
const defects: unknown[] = [];
let engine: TestEngine;
before(async () => {
  engine = await startEngine({ onDefect: (error) => void defects.push(error) });
});
after(async () => {
  await engine[Symbol.asyncDispose]();
  assert.deepEqual(defects, []);
});

/** Random ones with `duplicates` groups of three duplicates and `patterns` groups of four of a kind among them. */
function plant(seed: number, { noise = 300, duplicates = 5, patterns = 4 } = {}) {
  const rng = createRng(seed);
  const planted: Planted[] = [];
  const groups = { duplicate: [] as string[], pattern: [] as string[] };
  const enter = (vectors: readonly Float32Array[], name: string) => {
    const ids = vectors.map((_, at) => `${name}-${at}`);
    vectors.forEach((vector, at) => void planted.push({ id: ids[at] ?? "", vector }));
    return ids.sort().join(" ");
  };
  enter(
    Array.from({ length: noise }, () => draw(rng)),
    "noise",
  );
  for (let at = 0; at < duplicates; at++) groups.duplicate.push(enter(cluster(rng, 3, 0.98), `same${at}`));
  for (let at = 0; at < patterns; at++) groups.pattern.push(enter(cluster(rng, 4, 0.88), `kind${at}`));
  const shuffled = planted.map((one) => ({ one, key: rng() })).sort((a, b) => a.key - b.key);
  return {
    planted: shuffled.map(({ one }) => one),
    duplicate: groups.duplicate.sort(),
    pattern: groups.pattern.sort(),
  };
}

async function run(
  space: string,
  request: Parameters<ReturnType<TestEngine["client"]["space"]>["consolidate"]>[0] = {},
) {
  const done = await engine.client.space(space).consolidate(request, WAIT);
  assert.equal(done.state, "done", JSON.stringify(done));
  return done;
}

/** Rows of a page of what was found, which is kept in one commit. */
const PAGE_ROWS = 1_024;

/**
 * Holds runs in the middle of their work: the answer to the first step that looks at rows from `row` on comes when it is let through. A run is
 * then there for as long as a test looks at it.
 */
function holdRuns({ server }: TestEngine, row = 0) {
  const { workers } = server.engine.memory.ingest.ingest;
  const ask = workers.consolidate.bind(workers);
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  workers.consolidate = async <T>(space: number, work: Parameters<typeof ask>[1]) => {
    const answer = await ask<T>(space, work);
    if (work.kind === "look" && work.firstRow >= row) {
      reached.resolve();
      await gate.promise;
    }
    return answer;
  };
  const letGo = () => {
    workers.consolidate = ask;
    gate.resolve();
  };
  return { reached: reached.promise, letGo, [Symbol.dispose]: letGo };
}

test("planted duplicates and patterns are found among noise, and nothing else", async () => {
  const { planted, duplicate, pattern } = plant(1);
  await put(engine, "planted", planted);
  const done = await run("planted");
  const { looked, left, duplicates, patterns } = done;
  assert.deepEqual(
    { looked, left, duplicates, patterns },
    { looked: planted.length, left: 0, duplicates: 5, patterns: 4 },
  );
  const concepts = await conceptsOf(engine, "planted");
  assert.deepEqual(membersOf(concepts, "duplicate"), duplicate);
  assert.deepEqual(membersOf(concepts, "pattern"), pattern);
  for (const { id, kind, representative, members, count, createdMs } of concepts) {
    assert.ok(members.includes(representative), id);
    assert.equal(count, members.length);
    assert.ok(id.startsWith(`${kind}-`) && createdMs > 0);
  }
  assert.deepEqual(await engine.client.space("planted").consolidation(), done);
});

test("a second run after more observations looks at those alone and finds what one run over all finds", async () => {
  const { planted } = plant(2, { noise: 200, duplicates: 12, patterns: 12 });
  await put(engine, "at-once", planted);
  await run("at-once");
  let looked = 0;
  const cuts = [0, 71, 72, 190, planted.length];
  for (let at = 1; at < cuts.length; at++) {
    const part = planted.slice(cuts[at - 1], cuts[at]);
    await put(engine, "by-parts", part);
    const done = await run("by-parts");
    assert.equal(done.looked, part.length);
    looked += done.looked;
  }
  assert.equal(looked, planted.length);
  const plain = async (space: string) =>
    (await conceptsOf(engine, space)).map(({ createdMs: _, ...concept }) => concept);
  const expected = await plain("at-once");
  assert.equal(expected.length, 24);
  assert.deepEqual(await plain("by-parts"), expected);
});

test("a budget bounds a run, and the next goes on where it ended", async () => {
  const { planted, duplicate } = plant(3);
  await put(engine, "bounded", planted);
  const first = await run("bounded", { budget: 100 });
  assert.deepEqual([first.total, first.looked, first.left], [100, 100, planted.length - 100]);
  const second = await run("bounded");
  assert.deepEqual([second.looked, second.left], [planted.length - 100, 0]);
  assert.deepEqual(membersOf(await conceptsOf(engine, "bounded"), "duplicate"), duplicate);
});

test("removed, replaced and expired observations are no members after the next run, nor tie others together", async () => {
  const rng = createRng(4);
  // A chain: the ends are like the middle and not like each other.
  const middle = draw(rng);
  const chain = [draw(rng, middle, 0.96), middle, draw(rng, middle, 0.96)];
  const [gone = draw(rng), kept1 = gone, kept2 = gone, fleeting = gone] = cluster(rng, 4, 0.99);
  const [replaced = gone, other = gone] = cluster(rng, 2, 0.97);
  await put(engine, "goes", [
    ...chain.map((vector, at) => ({ id: `chain-${at}`, vector })),
    { id: "gone", vector: gone },
    { id: "kept-1", vector: kept1 },
    { id: "kept-2", vector: kept2 },
    { id: "fleeting", vector: fleeting, meta: { ttlMs: 1 } },
    { id: "replaced", vector: replaced },
    { id: "other", vector: other },
    ...Array.from({ length: 20 }, (_, at) => ({ id: `n${at}`, vector: draw(rng) })),
  ]);
  // Kept for a millisecond, and one more until it is over.
  const stored = Date.now();
  await until(() => Date.now() > stored + 2);
  await run("goes");
  const before = membersOf(await conceptsOf(engine, "goes"), "duplicate");
  assert.ok(before.includes("chain-0 chain-1 chain-2") && before.includes("other replaced"), before.join("; "));
  assert.ok(before.includes("gone kept-1 kept-2"), "what has expired is no member");
  await engine.client.space("goes").removeObservation("chain-1");
  await engine.client.space("goes").removeObservation("gone");
  await put(engine, "goes", [{ id: "replaced", vector: draw(rng) }]);
  const done = await run("goes");
  assert.equal(done.looked, 1);
  const concepts = await conceptsOf(engine, "goes");
  assert.deepEqual(membersOf(concepts, "duplicate"), ["kept-1 kept-2"]);
  assert.equal(done.duplicates, 1);
});

test("with other thresholds what is found is what they ask for, whatever was looked for before", async () => {
  const rng = createRng(5);
  const loose = cluster(rng, 3, 0.7);
  const close = cluster(rng, 3, 0.9);
  await put(engine, "thresholds", [
    ...loose.map((vector, at) => ({ id: `loose-${at}`, vector })),
    ...close.map((vector, at) => ({ id: `close-${at}`, vector })),
  ]);
  const found = async (request: { duplicate?: number; pattern?: number }) => {
    const { looked } = await run("thresholds", request);
    const concepts = await conceptsOf(engine, "thresholds");
    return { looked, duplicate: membersOf(concepts, "duplicate"), pattern: membersOf(concepts, "pattern") };
  };
  const [closest, loosest] = ["close-0 close-1 close-2", "loose-0 loose-1 loose-2"];
  assert.deepEqual(await found({}), { looked: 6, duplicate: [], pattern: [closest] });
  assert.deepEqual(await found({ duplicate: 0.85 }), { looked: 0, duplicate: [closest], pattern: [] });
  assert.deepEqual(await found({ pattern: 0.93 }), { looked: 0, duplicate: [], pattern: [] });
  // Rows must be looked at anew: their lists end at 0.8.
  assert.deepEqual(await found({ pattern: 0.6 }), { looked: 6, duplicate: [], pattern: [closest, loosest] });
});

test("removing duplicates keeps one of each, and of a chain what is not like it", async () => {
  const rng = createRng(6);
  const same = cluster(rng, 5, 0.98);
  const middle = draw(rng);
  const near = draw(rng, middle, 0.96);
  // Like `near`, which is like `middle`; not like `middle`.
  const far = near.map((value, at) => 2 * 0.96 * value - (middle[at] ?? 0));
  const kind = cluster(rng, 3, 0.87);
  await put(engine, "removing", [
    ...same.map((vector, at) => ({ id: `same-${at}`, vector })),
    ...[middle, near, far].map((vector, at) => ({ id: `chain-${at}`, vector })),
    ...kind.map((vector, at) => ({ id: `kind-${at}`, vector })),
  ]);
  const done = await run("removing", { removeDuplicates: true });
  assert.deepEqual([done.removed, done.duplicates, done.patterns], [6, 0, 1]);
  const { memory } = engine.server.engine;
  const answer = await memory.recallVectors(toSpaceId("removing"), middle, { k: 50, recall: "exact" });
  const ids = answer.results.map(({ id }) => id).sort();
  assert.equal(ids.filter((id) => id.startsWith("same")).length, 1);
  assert.deepEqual(
    ids.filter((id) => !id.startsWith("same")),
    ["chain-1", "kind-0", "kind-1", "kind-2"],
  );
  assert.equal((await run("removing", { removeDuplicates: true })).removed, 0);
});

test("one run goes on in a space at a time, and bad requests are refused", async () => {
  const { planted } = plant(7);
  await put(engine, "one", planted);
  const handle = engine.client.space("one");
  {
    using held = holdRuns(engine);
    const first = handle.consolidate({}, WAIT);
    await held.reached;
    await assert.rejects(handle.consolidate({}, WAIT), { code: "conflict" });
    held.letGo();
    assert.equal((await first).state, "done");
  }
  await assert.rejects(handle.consolidate({ duplicate: 0.7, pattern: 0.9 }), {
    code: "invalid_argument",
    message: /0\.9.*0\.7|0\.7.*0\.9/,
  });
  await assert.rejects(handle.consolidate({ pattern: 0.1 }), { code: "invalid_argument", message: /pattern/ });
  await assert.rejects(handle.concepts({ after: "nonsense" }), { code: "invalid_argument", message: /nonsense/ });
  await assert.rejects(engine.client.space("nowhere").consolidate(), { code: "not_found" });
  await engine.client.spaces.create({ name: "never" });
  await assert.rejects(engine.client.space("never").consolidation(), { code: "not_found" });
  assert.deepEqual((await run("never")).total, 0);
});

test("the space's stream tells of a run", async () => {
  const { planted } = plant(8, { noise: 50 });
  await put(engine, "told", planted);
  const { run: id } = await run("told");
  const { frames } = await engine.client.stream("space:told").frames();
  const [started, done] = frames.filter(({ type }) => type.startsWith("consolidation."));
  assert.deepEqual(
    [started?.type, started?.id, done?.type, done?.id],
    ["consolidation.started", id, "consolidation.done", id],
  );
  assert.deepEqual(started?.data, { duplicate: 0.95, pattern: 0.8, total: planted.length });
  const { tookMs, ...counts } = (done?.data ?? {}) as Record<string, unknown>;
  assert.equal(typeof tookMs, "number");
  const expected = { duplicate: 0.95, pattern: 0.8, total: planted.length, looked: planted.length, left: 0 };
  assert.deepEqual(counts, { ...expected, duplicates: 5, patterns: 4, removed: 0 });
});

test("I10: a concept never has members of two spaces", async () => {
  const rng = createRng(9);
  const same = cluster(rng, 40, 0.98);
  const spaces = ["left", "right"];
  for (const [at, space] of spaces.entries()) {
    const own = same.filter((_, place) => place % 2 === at);
    await put(
      engine,
      space,
      own.map((vector, place) => ({ id: `${space}-${place}`, vector })),
    );
  }
  await Promise.all(spaces.map((space) => run(space)));
  for (const space of spaces) {
    const [concept, ...others] = await conceptsOf(engine, space);
    assert.deepEqual([concept?.count, others.length], [20, 0]);
    assert.ok(concept?.members.every((id) => id.startsWith(space)));
  }
});

test("a space that is deleted during a run takes the run, the concepts and the frames with it", async () => {
  const { planted } = plant(10, { noise: 3_000 });
  await put(engine, "doomed", planted);
  await run("doomed", { budget: 1_000 });
  using held = holdRuns(engine);
  const begun = await engine.client.space("doomed").consolidate();
  assert.equal(begun.state, "running");
  await held.reached;
  const { memory } = engine.server.engine;
  await memory.recallVectors(toSpaceId("doomed"), planted[0]?.vector ?? new Float32Array(), { k: 3 });
  assert.equal((await engine.client.space("doomed").consolidation()).state, "running", "a recall is answered between");
  await engine.client.spaces.delete("doomed");
  held.letGo();
  await assert.rejects(engine.client.space("doomed").concepts(), { code: "not_found" });
  await put(engine, "doomed", planted.slice(0, 10));
  assert.deepEqual(await conceptsOf(engine, "doomed"), []);
  await assert.rejects(engine.client.space("doomed").consolidation(), { code: "not_found" });
  assert.equal((await run("doomed")).looked, 10);
  const { frames } = await engine.client.stream("space:doomed").frames();
  assert.equal(frames.filter(({ type }) => type.startsWith("consolidation.")).length, 2, "those of the last run alone");
});

test("workers that die during a run are asked again", async () => {
  const { planted, duplicate } = plant(11, { noise: 1_500 });
  await put(engine, "dying", planted);
  const { memory } = engine.server.engine;
  const handle = engine.client.space("dying");
  using held = holdRuns(engine);
  await handle.consolidate();
  await held.reached;
  for (const thread of memory.ingest.ingest.workers.threads) await thread.end();
  held.letGo();
  const ended = await handle.consolidation(WAIT);
  assert.equal(ended.state, "done", JSON.stringify(ended.error));
  assert.equal(ended.looked, planted.length);
  assert.deepEqual(membersOf(await conceptsOf(engine, "dying"), "duplicate"), duplicate);
});

test("concepts outlast a restart in the middle of a run, which the next run goes on with", async () => {
  const directory = temporaryDirectory();
  const { planted, duplicate, pattern } = plant(12, { noise: 2_500 });
  const half = 1_300;
  try {
    let concepts: unknown[] = [];
    {
      await using first = await startEngine({ directory });
      await put(first, "kept", planted.slice(0, half));
      await first.client.space("kept").consolidate({}, WAIT);
      concepts = await conceptsOf(first, "kept");
      assert.ok(concepts.length > 0);
      await put(first, "kept", planted.slice(half));
      // Its first page is kept when it looks at the second.
      using held = holdRuns(first, 2 * PAGE_ROWS);
      await first.client.space("kept").consolidate();
      await held.reached;
      assert.ok((await first.client.space("kept").consolidation()).looked > 0);
    }
    await using second = await startEngine({ directory });
    const shown = await conceptsOf(second, "kept");
    const ended = (await second.client.space("kept").consolidation()).looked;
    if (ended === half) assert.deepEqual(shown, concepts);
    const done = await second.client.space("kept").consolidate({}, WAIT);
    assert.ok(done.looked < planted.length - half, `${done.looked} of ${planted.length - half} were looked at again`);
    const all = await conceptsOf(second, "kept");
    assert.deepEqual(membersOf(all, "duplicate"), duplicate);
    assert.deepEqual(membersOf(all, "pattern"), pattern);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("a schedule consolidates what changed, and leaves what did not alone", async () => {
  const { planted } = plant(13, { noise: 20 });
  await put(engine, "scheduled", planted);
  const { consolidations } = engine.server.engine.memory.ingest;
  await consolidations.consolidateChanged();
  const first = await engine.client.space("scheduled").consolidation();
  assert.equal(first.looked, planted.length);
  await consolidations.consolidateChanged();
  assert.equal((await engine.client.space("scheduled").consolidation()).run, first.run);
  await put(engine, "scheduled", plant(14, { noise: 5, duplicates: 1, patterns: 0 }).planted);
  await consolidations.consolidateChanged();
  assert.equal((await engine.client.space("scheduled").consolidation()).looked, 8);
});

test("an engine that is told to consolidates by itself, and refuses a pause that no timer keeps", async () => {
  await using scheduled = await startEngine({ consolidateEveryMs: 1_000 });
  const { planted, duplicate } = plant(15, { noise: 20 });
  await put(scheduled, "by-itself", planted);
  const handle = scheduled.client.space("by-itself");
  await until(async () => (await conceptsOf(scheduled, "by-itself")).length === 9);
  assert.deepEqual(membersOf(await conceptsOf(scheduled, "by-itself"), "duplicate"), duplicate);
  assert.equal((await handle.consolidation(WAIT)).left, 0);
  await assert.rejects(startEngine({ consolidateEveryMs: 5 }), {
    code: "invalid_argument",
    message: /consolidateEveryMs is 5/,
  });
});
