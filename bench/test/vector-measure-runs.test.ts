import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { measureChurn } from "../vector/measure/churn.ts";
import { measureConcurrent } from "../vector/measure/concurrent.ts";
import { MillraceContender } from "../vector/measure/contender.ts";
import { measureCurve } from "../vector/measure/curve.ts";
import { type GrowthStep, growIndex } from "../vector/measure/grow.ts";
import { insertRows } from "../vector/measure/insert-rows.ts";
import { ConstructionLadder } from "../vector/measure/match-recall.ts";
import { measureMemory } from "../vector/measure/memory.ts";
import { measureSaveLoad } from "../vector/measure/save-load.ts";
import { measureSpaces } from "../vector/measure/spaces.ts";
import { ExactContender, smallSet } from "./small-vectors.ts";

const set = smallSet();
const index = { dims: set.dims, metric: set.metric };

async function filled<Kind extends ExactContender>(contender: Kind): Promise<Kind> {
  await insertRows(contender, set);
  return contender;
}

const fails = (code: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.match(error.message, pattern);
  return error.code === code;
};

test("rows are added under their numbers, in batches, and all are indexed when the clock stops", async () => {
  const contender = new ExactContender();
  const inserted = await insertRows(contender, set, { batchRows: 250, firstId: 1_000, count: 400 });
  assert.equal(inserted.rows, 400);
  assert.deepEqual(
    [...contender.vectors.keys()],
    Array.from({ length: 400 }, (_, at) => 1_000 + at),
  );
  assert.deepEqual(contender.vectors.get(1_399), set.base.slice(399 * 16, 400 * 16));
  assert.ok(contender.isFinished);
  assert.ok(Math.abs(inserted.perSecond * inserted.seconds - 400) < 1e-6);
});

test("a curve has the recall of each effort", async () => {
  const points = await measureCurve(await filled(new ExactContender()), set, { efforts: [60, 300, 600] });
  assert.deepEqual(
    points.map(({ effort }) => effort),
    [60, 300, 600],
  );
  assert.ok((points[0]?.recall ?? 1) < (points[1]?.recall ?? 0) && (points[1]?.recall ?? 1) < 1);
  assert.equal(points[2]?.recall, 1);
});

test("the cheapest build that reaches a recall is found, and each is made once", async () => {
  const opened: ExactContender[] = [];
  /** Looks at no more rows than it was built with. */
  class Limited extends ExactContender {
    readonly #rows: number;

    constructor(rows: number) {
      super();
      this.#rows = rows;
    }

    override setEffort(effort: number): void {
      super.setEffort(Math.min(this.#rows, effort * 10));
    }
  }
  const open = async (efConstruction: number) => {
    const contender = new Limited(efConstruction);
    opened.push(contender);
    return contender;
  };
  const ladder = new ConstructionLadder(open, set, [100, 300, 600]);
  const half = await ladder.match(0.45);
  const all = await ladder.match(1);
  assert.equal(half?.efConstruction, 300);
  assert.ok((half?.search.recall ?? 0) >= 0.44 && half.effort <= 32, JSON.stringify(half));
  assert.deepEqual([all?.efConstruction, all?.effort, all?.search.recall], [600, 64, 1]);
  assert.equal(opened.length, 3);
  const least = new ConstructionLadder(open, set, [100]);
  assert.equal(await least.match(1), undefined);
  assert.equal(least.isMissing, false);
  const missing = new ConstructionLadder(async () => undefined, set);
  assert.equal(await missing.match(0.5), undefined);
  assert.equal(missing.isMissing, true);
  await ladder.close();
  assert.ok(opened.slice(0, 3).every(({ isClosed }) => isClosed));
});

test("spaces on two threads hold all rows and are all searched", async () => {
  const measured = await measureSpaces(set, { spaces: 5, workers: 2, index, batchRows: 64 });
  assert.deepEqual([measured.rows, measured.indexed], [3_000, 3_000]);
  assert.equal(measured.search.queries, 5 * 20);
  assert.ok(measured.search.recall >= 0.9, `recall ${measured.search.recall}`);
  assert.ok(measured.bytes > 3_000 * 16 && measured.perSecond > 0 && measured.perCore > 0);
  assert.ok(Math.abs(measured.perSecond * measured.seconds - 3_000) < 1e-6);
});

test("a thread that cannot build fails the measurement with its error", async () => {
  const nan = { ...set, base: set.base.with(7, Number.NaN) };
  await assert.rejects(measureSpaces(nan, { spaces: 2, workers: 2, index }), fails("invalid_argument", /\[7\] is NaN/));
});

test("a reader's answers hold while rows are being added", async () => {
  const large = smallSet({ rows: 4_000, dims: 32 });
  const options = { index: { ...index, dims: 32, graphRowsMin: 1_000 }, spaces: 2, searchesMin: 300 };
  const measured = await measureConcurrent(large, options);
  const { searches, ...broken } = measured.violations;
  assert.ok(searches >= 300 && measured.rounds >= 1 && measured.scoresCompared > 0);
  assert.deepEqual(broken, { wrong: 0, short: 0, missing: 0 });
  assert.ok(measured.recall >= 0.8 && measured.p50Ms <= measured.p99Ms && measured.insertsPerSecond > 0);
});

test("an index grows in steps, searched after each", async () => {
  const large = smallSet({ rows: 3_000, dims: 8 });
  const source = { ...large, rows: (from: number, count: number) => large.base.slice(from * 8, (from + count) * 8) };
  const steps: GrowthStep[] = [];
  const options = { rows: 3_000, stepRows: 1_250, query: large.query };
  for await (const step of growIndex(new ExactContender(), source, options)) steps.push(step);
  assert.deepEqual(
    steps.map(({ rows, recall }) => [rows, recall]),
    [
      [1_250, 1],
      [2_500, 1],
      [3_000, 1],
    ],
  );
  assert.ok(
    steps.every(({ insertsPerSecond, p50Ms, rssBytes }) => insertsPerSecond > 0 && p50Ms > 0 && rssBytes > 1e7),
  );
});

test("churn removes and adds again, and ends with the rows there were", async () => {
  const own = new MillraceContender(index);
  await insertRows(own, set);
  const measured = await measureChurn(own, set, { rounds: 2, bytesOf: () => own.index.bytes });
  assert.equal(own.index.size, 600);
  assert.ok(measured.after.recall >= 0.9, `recall ${measured.after.recall}`);
  assert.ok(measured.bytesBefore > 0 && measured.bytesAfter > 0);
  await own.close();
});

test("churn fails an index that still finds what was removed", async () => {
  class Forgetful extends ExactContender {
    override remove(id: number): void {
      if (id % 2 === 0) super.remove(id);
    }
  }
  await assert.rejects(
    measureChurn(await filled(new Forgetful()), set),
    fails("internal", /with row \d*[13579], which was removed/),
  );
});

class Saved extends ExactContender {
  save(path: string): void {
    writeFileSync(path, JSON.stringify([...this.vectors].map(([id, vector]) => [id, [...vector]])));
  }

  load(path: string): void {
    const rows = JSON.parse(readFileSync(path, "utf8")) as [number, number[]][];
    for (const [id, vector] of rows) this.vectors.set(id, Float32Array.from(vector));
  }
}

test("a saved index is loaded elsewhere and answers the same", async () => {
  const saved = await measureSaveLoad(await filled(new Saved()), new Saved(), set);
  assert.ok(saved && saved.fileBytes > 600 * 16 && saved.saveSeconds > 0 && saved.loadSeconds > 0);
  const own = new MillraceContender(index);
  await insertRows(own, set);
  const ownSaved = await measureSaveLoad(own, new MillraceContender(index), set);
  assert.ok(ownSaved && ownSaved.fileBytes > 600 * 16, JSON.stringify(ownSaved));
  await own.close();
  const cannot = await measureSaveLoad(await filled(new ExactContender()), new ExactContender(), set);
  assert.equal(cannot, undefined);
});

test("an index that lost rows over a load fails the measurement", async () => {
  class Lossy extends Saved {
    override load(path: string): void {
      super.load(path);
      for (let id = 0; id < 300; id++) this.remove(id);
    }
  }
  await assert.rejects(
    measureSaveLoad(await filled(new Saved()), new Lossy(), set),
    fails("internal", /after a load; before the/),
  );
});

test("memory is that by which a process of its own grows", async () => {
  const grown = await measureMemory({ contender: "millrace", source: "uniform", dims: 64, rows: 20_000 });
  const { rssBytes, ownBytes = 0 } = grown;
  // At least a byte a dimension; what the index counts is what the process grew by, give or take the heap.
  assert.ok(ownBytes >= 20_000 * 64, `${ownBytes} bytes`);
  assert.ok(rssBytes > ownBytes * 0.5 && rssBytes < ownBytes * 3 + 30e6, `${rssBytes} bytes, ${ownBytes} of the index`);
  const failed = measureMemory({ contender: "millrace", source: "uniform", dims: 1, rows: 10 });
  await assert.rejects(failed, fails("unavailable", /memory of millrace was not measured: [\s\S]*1/));
});
