import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createRng, type Rng, randomBelow } from "@millrace/core";
import type { Memory } from "../../src/index.ts";
import { allOf, openFaulty, scratch } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

/** Damages of each kind. */
const RUNS = Number(process.env.MILLRACE_DAMAGES ?? 4);
const ROWS = 600;
/** What codes may differ by between an index that grew and one that was made at once. */
const CODE_STEP = 0.03;
const REMOVED = ["n5", "n100", "n333"];

const metaOf = (n: number) => ({ id: `n${n}`, payload: { n }, text: `common word${n}` });

/** A directory with observations, some of them replaced and removed, most of them in the saved index. */
async function prepare(directory: string, isSaved: boolean): Promise<void> {
  await using opened = await openFaulty({ directory, bytesMax: 2_000_000 });
  const { ingest } = opened.memory;
  const session = await ingest.open({ space: SPACE, dims: DIMS, session: "p" });
  for (let from = 1; from <= ROWS; from += 40) session.submit(batchOf(from, 40, { metaOf }));
  await session.reached("durable");
  await ingest.remove(SPACE, REMOVED);
  session.submit(batchOf(ROWS + 1, 20, { metaOf: (n) => ({ id: `n${n - ROWS}`, payload: { n } }) }));
  await session.reached("searchable");
  await session.reached("durable");
  if (isSaved) assert.ok((await ingest.drain()).isComplete);
}

/** What a directory should answer: id to the number of its vector. */
function expected(): Map<string, number> {
  const ids = new Map(Array.from({ length: ROWS }, (_, at) => [`n${at + 1}`, at + 1]));
  for (const id of REMOVED) ids.delete(id);
  for (let n = 1; n <= 20; n++) ids.set(`n${n}`, ROWS + n);
  return ids;
}

/** Changes some bytes of some of the files. */
function damage(rng: Rng, directory: string, bytes: number): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const contents = files.map((one) => join(one.parentPath, one.name));
  const path = contents[randomBelow(rng, contents.length)] ?? "";
  const content = readFileSync(path);
  for (let at = 0; at < bytes; at++) {
    const place = randomBelow(rng, content.length);
    content[place] = (content[place] ?? 0) ^ (1 + randomBelow(rng, 255));
  }
  writeFileSync(path, content);
}

/** Everything that is answered is what was observed. */
async function checkTrue(
  memory: Memory,
  known: ReadonlyMap<string, number>,
  strangers: readonly string[],
): Promise<string[]> {
  const results = await allOf(memory);
  const question = vectorOf(0);
  const norm = Math.hypot(...question);
  for (const { id, meta, score } of results) {
    const n = meta?.payload?.n;
    assert.ok(typeof n === "number", `${id} has what was said of it`);
    assert.ok(known.get(id) === n || strangers.includes(id), `${id} answers with number ${n}`);
    const vector = vectorOf(n);
    const dot = vector.reduce((sum, value, at) => sum + value * (question[at] ?? 0), 0);
    const truth = Math.max(0, dot / norm / Math.hypot(...vector));
    assert.ok(Math.abs(score - truth) < CODE_STEP, `${id} scores ${score}, by its vector ${truth}`);
  }
  return results.map(({ id }) => id);
}

test(`a saved index with damaged bytes is made good from the log: all is answered as before (${RUNS} times)`, async () => {
  using base = scratch();
  await prepare(base.path, true);
  const known = expected();
  const rng = createRng(51);
  for (let run = 0; run < RUNS; run++) {
    using copy = scratch();
    cpSync(base.path, copy.path, { recursive: true });
    damage(rng, join(copy.path, "observations/index"), 1 + randomBelow(rng, 50));
    await using opened = await openFaulty({ directory: copy.path });
    const ids = await checkTrue(opened.memory, known, []);
    assert.deepEqual(ids.sort(), [...known.keys()].sort());
    assert.deepEqual(opened.memory.ingest.log.recovered.findings, []);
  }
});

for (const isSaved of [true, false]) {
  test(`a log with damaged bytes ${isSaved ? "beside a saved index" : "alone"}: what is damaged is told and never answered wrong, the rest is answered (${RUNS} times)`, async () => {
    using base = scratch();
    await prepare(base.path, isSaved);
    const known = expected();
    const rng = createRng(isSaved ? 52 : 53);
    let losses = 0;
    for (let run = 0; run < RUNS; run++) {
      using copy = scratch();
      cpSync(base.path, copy.path, { recursive: true });
      damage(rng, join(copy.path, "observations/log"), 1 + randomBelow(rng, 3));
      await using opened = await openFaulty({ directory: copy.path });
      const { memory } = opened;
      const space = memory.spaceId(SPACE);
      const { findings } = memory.ingest.log.recovered;
      // A removal, or an observation that replaced another, may be in what was lost.
      const shown = await checkTrue(memory, known, [
        ...REMOVED,
        ...Array.from({ length: 20 }, (_, at) => `n${at + 1}`),
      ]);
      const letters = memory.ingest.ingest.letters.of(space);
      const missing = [...known.keys()].filter((id) => !shown.includes(id));
      const isTold = findings.length + letters.length > 0;
      assert.ok(missing.length === 0 || isTold, `${missing} are gone and nobody is told`);
      assert.ok(shown.every((id) => known.has(id)) || isTold, "what was removed is back and nobody is told");
      assert.ok(missing.length <= 3 * 40 + 20, `${missing.length} are gone by three bytes`);
      if (missing.length > 0) losses++;
      const { results } = await memory.recall(SPACE, { query: "common", mode: "text", k: 10 });
      assert.ok(results.length > 0);
      const session = await memory.ingest.open({ space: SPACE, session: "q" });
      session.submit(batchOf(1, 1, { metaOf: () => ({ id: "more", payload: { n: 1 } }) }));
      await session.reached("durable");
      await session.reached("searchable");
    }
    if (!isSaved && RUNS >= 8) assert.ok(losses > 0, "some damage hit observations, or nothing is tested");
  });
}

test("an index folder that is gone is made again from the log", async () => {
  using base = scratch();
  await prepare(base.path, true);
  rmSync(join(base.path, "observations/index"), { recursive: true });
  await using opened = await openFaulty({ directory: base.path });
  const known = expected();
  assert.deepEqual((await checkTrue(opened.memory, known, [])).sort(), [...known.keys()].sort());
});
