import assert from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import type { ObservationMeta } from "@millrace/protocol";
import fc from "fast-check";
import { ObservationColumns } from "../../../src/observations/columns/observation-columns.ts";
import { bitmapOf, isVisible, type ModelRow, matches, rowsOf } from "./model.ts";
import { filterArbitrary, metaArbitrary } from "./random-filters.ts";

const NOW_MS = 1_000;
const isCode = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

type Step =
  | { readonly kind: "append"; readonly meta: ObservationMeta | null; readonly gap: number }
  | { readonly kind: "remove"; readonly pick: number }
  | { readonly kind: "expire"; readonly nowMs: number; readonly countMax: number }
  | { readonly kind: "final"; readonly keep: number; readonly countMax: number }
  | { readonly kind: "move" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      meta: fc.option(metaArbitrary),
      gap: fc.constantFrom(0, 0, 0, 0, 1, 70),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), pick: fc.nat(300) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("expire" as const), nowMs: fc.nat(2_000), countMax: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("final" as const), keep: fc.nat(6), countMax: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const) }) },
);

/** Columns and a plain list of what they should know, moved by the same steps. */
class Pair {
  columns = new ObservationColumns();
  readonly rows: ModelRow[] = [];
  removals = 0;
  finals = 0;
  readonly ids = new Map<string, number>();

  run(step: Step): void {
    if (step.kind === "append") this.append(step.meta, step.gap);
    else if (step.kind === "remove") assert.equal(this.columns.remove(step.pick), this.#remove(step.pick));
    else if (step.kind === "expire") this.#expire(step.nowMs, step.countMax);
    else if (step.kind === "final") this.#final(step.keep, step.countMax);
    else {
      const { state, transfer } = this.columns.toTransferable();
      assert.deepEqual([this.columns.rows, this.columns.live, this.columns.rowOf("a")], [0, 0, undefined]);
      this.columns = ObservationColumns.from(structuredClone({ state }, { transfer: [...transfer] }));
    }
    this.check();
  }

  append(meta: ObservationMeta | null, gap: number): void {
    for (let skipped = 0; skipped < gap; skipped++) this.rows.push({ meta: null, acceptedMs: 0, isGap: true });
    const row = this.rows.length;
    const old = meta?.id === undefined ? undefined : this.ids.get(meta.id);
    const replaced = this.columns.append(row, meta, row);
    this.rows.push({ meta, acceptedMs: row, isGap: false });
    assert.equal(replaced, old !== undefined && this.#remove(old) ? old : undefined);
    if (meta?.id !== undefined) this.ids.set(meta.id, row);
  }

  check(): void {
    const live = this.rows.flatMap((row, at) => (isVisible(row, at, this.columns.generation) ? [at] : []));
    assert.deepEqual(this.columns.generation, { rows: this.rows.length, removals: this.removals });
    assert.equal(this.columns.live, live.length);
    assert.equal(this.columns.isDense, live.length === this.rows.length);
    const { bitmap, count } = this.columns.filter({}, { nowMs: NOW_MS });
    assert.deepEqual(bitmap, bitmapOf(live, this.rows.length));
    assert.equal(count, live.length);
    for (const [id, row] of this.ids) {
      assert.equal(this.columns.rowOf(id), live.includes(row) ? row : undefined);
    }
  }

  #remove(row: number): boolean {
    const known = this.rows[row];
    if (!known || known.isGap || known.removal !== undefined) return false;
    this.rows[row] = { ...known, removal: ++this.removals };
    return true;
  }

  #expire(nowMs: number, countMax: number): void {
    const due = this.rows
      .flatMap(({ meta, acceptedMs, removal, wasTold }, row) =>
        meta?.ttlMs !== undefined && removal === undefined && !wasTold ? [{ row, atMs: acceptedMs + meta.ttlMs }] : [],
      )
      .filter(({ atMs }) => atMs <= nowMs)
      .sort((a, b) => a.atMs - b.atMs || a.row - b.row)
      .slice(0, countMax)
      .map(({ row }) => row);
    assert.deepEqual(this.columns.expired(nowMs, countMax), due);
    for (const row of due) {
      if (row % 2 === 0) assert.equal(this.columns.remove(row), this.#remove(row));
      else this.rows[row] = { ...(this.rows[row] as ModelRow), wasTold: true };
    }
  }

  #final(keep: number, countMax: number): void {
    const until = this.finals + Math.max(0, Math.min(countMax, this.removals - this.finals - keep));
    const rows = this.rows
      .flatMap(({ removal }, row) => (removal !== undefined ? [{ removal, row }] : []))
      .filter(({ removal }) => removal > this.finals && removal <= until)
      .sort((a, b) => a.removal - b.removal)
      .map(({ row }) => row);
    this.finals = until;
    assert.deepEqual([...this.columns.takeFinal(keep, countMax)], rows);
    assert.equal(this.columns.removalsGone, until);
  }
}

test("after any steps, filters give exactly the rows that a look at each of them gives, now and as of every generation kept", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.array(filterArbitrary, { minLength: 3, maxLength: 6 }),
      fc.nat(200),
      (steps, filters, before) => {
        const pair = new Pair();
        const generations = [pair.columns.generation];
        for (const one of steps) {
          pair.run(one);
          generations.push(pair.columns.generation);
        }
        for (const filter of filters) {
          for (const asOf of generations) {
            const ask = () => pair.columns.filter(filter, { nowMs: NOW_MS, beforeRow: before, asOf });
            if (asOf.removals < pair.finals) {
              assert.throws(ask, isCode("gone"));
              continue;
            }
            const expected = rowsOf(
              pair.rows,
              (row, at) => at < before && isVisible(row, at, asOf) && matches(filter, row, NOW_MS),
            );
            const { bitmap, count } = ask();
            assert.deepEqual(bitmap, bitmapOf(expected, Math.min(before, asOf.rows)), JSON.stringify({ filter, asOf }));
            assert.equal(count, expected.length);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("a pinned generation gives the same rows however much is added, replaced and removed after it", () => {
  const rng = createRng(7);
  const columns = new ObservationColumns();
  let row = 0;
  const grow = (count: number) => {
    for (let at = 0; at < count; at++) columns.append(row++, { id: `i${randomBelow(rng, 400)}`, what: "w" }, row);
  };
  grow(1_000);
  const asOf = columns.generation;
  const first = columns.filter({ what: "w" }, { nowMs: 0, asOf });
  for (let round = 0; round < 20; round++) {
    grow(500);
    for (let at = 0; at < 50; at++) columns.remove(randomBelow(rng, row));
    assert.deepEqual(columns.filter({ what: "w" }, { nowMs: 0, asOf }), first);
  }
  assert.notEqual(columns.filter({ what: "w" }, { nowMs: 0 }).count, first.count);
  columns.takeFinal(0, 1);
  assert.deepEqual(columns.filter({}, { nowMs: 0, asOf: { rows: 5, removals: 1 } }).count <= 5, true);
  while (columns.takeFinal(0).length > 0);
  assert.throws(() => columns.filter({}, { nowMs: 0, asOf }), isCode("gone"));
  assert.throws(
    () => columns.filter({}, { nowMs: 0, asOf: { ...columns.generation, rows: row + 1 } }),
    isCode("invalid_argument"),
  );
});

test("numbers and filters are right across pages, and pages of which nothing is left give their memory back", () => {
  const columns = new ObservationColumns();
  const rows = 200_000;
  for (let row = 0; row < rows; row++) {
    const meta = row % 10 === 0 ? { whenMs: row * 2, confidence: 0.7, importance: 0.25, payload: { n: row } } : null;
    columns.append(row, meta, row);
  }
  assert.deepEqual([columns.whenMs(130_000), columns.acceptedMs(130_000)], [260_000, 130_000]);
  assert.deepEqual([columns.confidence(130_000), columns.importance(130_000)], [0.7, 0.25]);
  assert.deepEqual([columns.confidence(130_001), columns.importance(130_001)], [1, 0.5]);
  const window = columns.filter({ when: { between: [65_000, 140_000] } }, { nowMs: 0 });
  let expected = 0;
  for (let row = 0; row < rows; row++) {
    const when = row % 10 === 0 ? row * 2 : row;
    if (when >= 65_000 && when < 140_000) expected++;
  }
  assert.equal(window.count, expected);
  assert.equal(columns.filter({ n: { gte: 65_530, lt: 65_560 } }, { nowMs: 0 }).count, 3);
  assert.equal(columns.filter({ confidenceMin: 0.7 }, { nowMs: 0 }).count, rows);
  assert.equal(columns.filter({ confidenceMin: 0.7001 }, { nowMs: 0 }).count, rows - rows / 10);
  assert.deepEqual(columns.ceilings(400_000), { confidence: 1, importance: 0.5, ageMs: 20 });
  const full = columns.bytes;
  for (let row = 0; row < 150_000; row++) columns.remove(row);
  while (columns.takeFinal(0).length > 0);
  assert.ok(columns.bytes < 0.55 * full, `${columns.bytes} of ${full}`);
  assert.ok(Number.isNaN(columns.whenMs(100)));
  assert.equal(columns.filter({ n: { exists: true } }, { nowMs: 0 }).count, 5_000);
  assert.deepEqual(columns.filter({}, { nowMs: 0, beforeRow: 150_001 }).count, 1);
});

test("ceilings are the greatest that any row has, and go with the pages that had them", () => {
  const columns = new ObservationColumns();
  columns.append(0, { confidence: 0.9, importance: 0.8, whenMs: 5_000 }, 1);
  for (let row = 1; row < 65_540; row++)
    columns.append(row, { confidence: 0.2, importance: 0.1, whenMs: 1_000 - row }, 1);
  const moved = ObservationColumns.from(structuredClone({ state: columns.state }));
  for (const one of [columns, moved]) {
    assert.deepEqual(one.ceilings(6_000), { confidence: 0.9, importance: 0.8, ageMs: 1_000 });
    for (let row = 0; row < 65_536; row++) one.remove(row);
    while (one.takeFinal(0).length > 0);
    assert.deepEqual(one.ceilings(6_000), { confidence: 0.2, importance: 0.1, ageMs: 6_000 - (1_000 - 65_536) });
  }
  assert.equal(new ObservationColumns().ceilings(0).ageMs, Number.POSITIVE_INFINITY);
});

test("a space of few rows takes little, and rows without labels cost 22 bytes each", () => {
  const columns = new ObservationColumns();
  columns.append(0, null, 1);
  assert.ok(columns.bytes < 2_048, `${columns.bytes}`);
  for (let row = 1; row < 65_536; row++) columns.append(row, null, 1);
  assert.ok(columns.bytes / 65_536 < 22, `${columns.bytes / 65_536}`);
});

test("ids that are replaced for ever take memory for those that are there", () => {
  const columns = new ObservationColumns();
  const options = { id: "", ttlMs: 1e12 };
  for (let row = 0; row < 300_000; row++) {
    const replaced = columns.append(row, { ...options, id: `id-${row % 100}` }, row);
    assert.equal(replaced, row < 100 ? undefined : row - 100);
    if (row % 1_000 === 0) columns.takeFinal(0);
  }
  columns.takeFinal(0);
  assert.equal(columns.live, 100);
  assert.equal(columns.rowOf("id-7"), 299_907);
  assert.ok(columns.bytes < 3_000_000, `${columns.bytes}`);
});

test("what it knows survives serialising", () => {
  const pair = new Pair();
  const rng = createRng(3);
  for (let at = 0; at < 500; at++) pair.append({ id: `x${randomBelow(rng, 90)}`, who: `p${at % 7}`, ttlMs: at }, 0);
  pair.columns = new ObservationColumns(deserialize(serialize(pair.columns.state)));
  pair.check();
  assert.equal(
    pair.columns.filter({ who: "p3" }, { nowMs: 0 }).count,
    rowsOf(pair.rows, (row) => row.removal === undefined && row.meta?.who === "p3").length,
  );
  pair.append({ id: "x5", who: "p3" }, 0);
  pair.check();
});

test("bad meta is refused by name and nothing of it is kept", () => {
  const columns = new ObservationColumns();
  const bad: readonly [Record<string, unknown>, RegExp][] = [
    [{ confidence: 1.5 }, /confidence is 1\.5; it must be a number from 0 to 1/],
    [{ importance: "high" }, /importance is "high"/],
    [{ whenMs: Number.NaN }, /whenMs is null/],
    [{ ttlMs: -1 }, /ttlMs is -1/],
    [{ what: 7 }, /what is 7; it must be a string/],
    [{ id: 7 }, /id is 7/],
    [{ payload: "text" }, /payload is "text"/],
  ];
  for (const [meta, message] of bad) {
    const append = () => columns.append(0, { what: "kept", ...meta } as never, 1);
    assert.throws(append, (error) => isCode("invalid_argument")(error) && message.test((error as Error).message));
    assert.deepEqual(columns.generation, { rows: 0, removals: 0 });
    assert.deepEqual(columns.fields, []);
  }
  columns.append(3, null, 1);
  assert.throws(() => columns.append(3, null, 1), /row 3 cannot follow 4 rows/);
  assert.throws(() => columns.append(2 ** 32 - 1, null, 1), /row 4294967295 cannot follow 4 rows/);
});

test("a gap of millions of rows, as reclaiming leaves behind, takes no memory", () => {
  const columns = new ObservationColumns();
  columns.append(0, { id: "a" }, 1);
  const before = columns.bytes;
  columns.append(5_000_000, { id: "b" }, 2);
  assert.equal(columns.rows, 5_000_001);
  assert.equal(columns.live, 2);
  assert.deepEqual([columns.rowOf("a"), columns.rowOf("b"), columns.isLive(4_999_999)], [0, 5_000_000, false]);
  assert.ok(columns.bytes < before + 4_000_000, `${columns.bytes} after ${before}`);
});
