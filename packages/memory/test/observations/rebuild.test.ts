import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import type { Memory } from "../../src/index.ts";
import type { ObservationFilter } from "../../src/observations/columns/filter.ts";
import { openFaulty, SkewedClock, scratch, submitted } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

const CODE_STEP = 0.02;
const HOUR_MS = 3_600_000;
const FILTERS: readonly (ObservationFilter | undefined)[] = [
  undefined,
  { what: "red" },
  { not: { what: "red" }, confidenceMin: 0.5 },
  { size: { gte: 3, lt: 7 } },
  { or: [{ what: "blue" }, { when: { before: 500 } }] },
];

type Told = { readonly id: string; readonly row: number; readonly score: number; readonly about: string };

async function answers(memory: Memory): Promise<Told[][]> {
  const all: Told[][] = [];
  for (const filter of FILTERS) {
    for (let n = 0; n < 4; n++) {
      const { results } = await memory.recallVectors(SPACE, vectorOf(10_000 + n), {
        ...{ k: 2_000, recall: "exact" },
        ...(filter ? { filter } : {}),
      });
      const told = results.map(({ id, row, score, meta, whenMs, acceptedMs, confidence }) => ({
        ...{ id, row, score },
        about: JSON.stringify([meta, whenMs, acceptedMs, confidence]),
      }));
      all.push(told.sort((a, b) => a.row - b.row));
    }
  }
  for (const query of ["common", "word7 word70", "red"]) {
    const { results } = await memory.recall(SPACE, { query, mode: "text", k: 100 });
    all.push(
      results
        .map(({ source, observation }) => ({ id: source, row: observation?.row ?? -1, score: 0, about: "" }))
        .sort((a, b) => a.row - b.row),
    );
  }
  return all;
}

function assertSame(rebuilt: readonly Told[][], before: readonly Told[][]): void {
  rebuilt.forEach((told, at) => {
    const first = before[at] ?? [];
    assert.deepEqual(
      told.map(({ id, row, about }) => [id, row, about]),
      first.map(({ id, row, about }) => [id, row, about]),
      `question ${at}`,
    );
    for (const [place, { id, score }] of told.entries()) {
      assert.ok(Math.abs(score - (first[place]?.score ?? 0)) < CODE_STEP, `${id}: ${score}`);
    }
  });
}

for (const seed of [1, 2]) {
  test(`I9: an index made anew from the log answers as the one that grew: removals, replacements, expiry, filters, words (seed ${seed})`, async () => {
    using directory = scratch();
    const clock = new SkewedClock();
    const rng = createRng(seed);
    let before: Told[][] = [];
    const metaOf = (n: number) => ({
      ...(n % 3 === 0 ? { id: `n${randomBelow(rng, 300)}` } : {}),
      text: `common word${n % 90}`,
      what: ["red", "blue", "green"][n % 3] ?? "",
      confidence: (n % 10) / 10,
      whenMs: n,
      payload: { size: n % 11 },
      ...(n % 7 === 0 ? { ttlMs: HOUR_MS } : {}),
    });
    {
      await using opened = await openFaulty({ directory: directory.path, clock });
      const { memory } = opened;
      const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p" });
      for (let round = 0; round < 12; round++) {
        await submitted(session, batchOf(session.nextSeq, 20 + randomBelow(rng, 60), { metaOf }));
        if (round % 3 === 2)
          await memory.ingest.remove(
            SPACE,
            Array.from({ length: 8 }, () => `n${randomBelow(rng, 300)}`),
          );
        if (round === 6) clock.skewMs += 2 * HOUR_MS;
      }
      await session.reached("durable");
      await session.reached("searchable");
      before = await answers(memory);
      assert.ok(before.every(({ length }) => length > 5));
      assert.ok((await memory.ingest.drain()).isComplete);
    }
    for (const step of ["saved", "gone", "gone"]) {
      if (step === "gone") rmSync(join(directory.path, "observations/index"), { recursive: true });
      await using opened = await openFaulty({ directory: directory.path, clock });
      assertSame(await answers(opened.memory), before);
    }
  });
}
