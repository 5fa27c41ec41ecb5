import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, MillraceError, randomBelow } from "@millrace/core";
import fc from "fast-check";
import {
  type Concept,
  type ConsolidateOptions,
  type ConsolidationState,
  consolidate,
} from "../../../src/observations/recall/consolidate.ts";

/** Similarities of all pairs, in steps of a hundredth. */
function similarities(seed: number, size: number): number[][] {
  const rng = createRng(seed);
  const table = Array.from({ length: size }, () => new Array<number>(size).fill(1));
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) {
      const similarity = rng() < 0.15 ? 0.75 + randomBelow(rng, 26) / 100 : rng() * 0.75;
      (table[a] as number[])[b] = similarity;
      (table[b] as number[])[a] = similarity;
    }
  }
  return table;
}

const neighboursIn = (table: number[][]) => (row: number) =>
  (table[row] ?? []).map((similarity, other) => ({ row: other, similarity }));

/** The definition, by flooding over all pairs. */
function naive(table: number[][]): Concept[] {
  const groupsAt = (threshold: number) => {
    const left = new Set(table.keys());
    const groups: number[][] = [];
    for (const first of table.keys()) {
      if (!left.delete(first)) continue;
      const group = [first];
      for (const member of group) {
        for (const other of left) {
          if ((table[member]?.[other] ?? 0) < threshold) continue;
          left.delete(other);
          group.push(other);
        }
      }
      if (group.length > 1) groups.push(group.sort((a, b) => a - b));
    }
    return groups;
  };
  const toConcept = (kind: Concept["kind"], members: number[], threshold: number): Concept => {
    const likeness = members.map((member) =>
      (table[member] ?? []).reduce(
        (sum, similarity, other) =>
          sum + (other !== member && similarity >= threshold ? Math.round(similarity * 1e6) : 0),
        0,
      ),
    );
    return { kind, representative: members[likeness.indexOf(Math.max(...likeness))] as number, members };
  };
  const duplicates = groupsAt(0.95);
  const isDuplicate = new Set(duplicates.map(String));
  const patterns = groupsAt(0.8).filter((group) => !isDuplicate.has(String(group)));
  return [
    ...duplicates.map((group) => toConcept("duplicate", group, 0.95)),
    ...patterns.map((group) => toConcept("pattern", group, 0.8)),
  ];
}

/** Runs it to the end; at the given steps it is broken off and taken up from a copy of its state. */
function run(
  options: Omit<ConsolidateOptions, "rows">,
  rows: readonly number[],
  breakEvery = Number.POSITIVE_INFINITY,
): readonly Concept[] {
  let from: ConsolidationState | undefined;
  for (;;) {
    const left = rows.slice(from?.seen ?? 0);
    const steps = consolidate({ ...options, rows: left, ...(from ? { from } : {}) });
    for (let step = 1; ; step++) {
      const { done, value } = steps.next();
      if (done) return value;
      assert.equal(value.state.after, rows[value.seen - 1]);
      // Grouping is not broken off: it begins again.
      if (step < breakEvery || value.seen === rows.length) continue;
      from = structuredClone(value.state);
      break;
    }
  }
}

test("concepts are those of the definition, in whatever order rows come and wherever it is broken off", () => {
  const input = fc.record({
    seed: fc.nat(),
    size: fc.integer({ min: 0, max: 40 }),
    budget: fc.integer({ min: 1, max: 50 }),
    breakEvery: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(input, ({ seed, size, budget, breakEvery }) => {
      const table = similarities(seed, size);
      const rows = [...table.keys()];
      const rng = createRng(seed + 1);
      const shuffled = rows
        .map((row) => ({ row, key: rng() }))
        .sort((a, b) => a.key - b.key)
        .map(({ row }) => row);
      const options = { neighboursOf: neighboursIn(table), budget };
      const expected = naive(table);
      assert.deepEqual(run(options, rows), expected);
      assert.deepEqual(run(options, shuffled), expected);
      assert.deepEqual(run(options, shuffled, breakEvery), expected);
    }),
    { numRuns: 200 },
  );
});

test("a step asks for the neighbours of no more rows than its budget", () => {
  let asked = 0;
  const neighboursOf = (row: number) => {
    asked++;
    return [{ row: row ^ 1, similarity: 0.99 }];
  };
  const steps = consolidate({ rows: Array.from({ length: 1_000 }, (_, at) => at), neighboursOf, budget: 64 });
  for (let next = steps.next(); ; next = steps.next()) {
    assert.ok(asked <= 64);
    asked = 0;
    if (!next.done) continue;
    assert.equal(next.value.length, 500);
    break;
  }
});

test("rows far apart are one group, in order, and grouping too yields", () => {
  const rows = Array.from({ length: 300 }, (_, at) => 4_000_000_000 - at * 40_000);
  const neighboursOf = (row: number) => [{ row: row - 40_000, similarity: 0.9 }];
  let steps = 0;
  const generator = consolidate({ rows, neighboursOf, budget: 10_000 });
  for (let next = generator.next(); ; next = generator.next()) {
    if (!next.done) {
      steps++;
      continue;
    }
    const members = [...rows, 4_000_000_000 - 300 * 40_000].sort((a, b) => a - b);
    assert.deepEqual(next.value, [{ kind: "pattern", representative: members[1], members }]);
    break;
  }
  assert.ok(steps >= 300, `${steps}`);
});

test("a chain of duplicates is one duplicate and no pattern beside it", () => {
  const neighboursOf = (row: number) => [{ row: row + 1, similarity: 0.96 }];
  assert.deepEqual(run({ neighboursOf, budget: 1 }, [3, 1, 2]), [
    { kind: "duplicate", representative: 2, members: [1, 2, 3, 4] },
  ]);
});

test("thresholds and budgets out of range are refused", () => {
  const isRefused = (error: unknown) => error instanceof MillraceError && error.code === "invalid_argument";
  const start = (options: object) => () =>
    consolidate({ rows: [], neighboursOf: () => [], budget: 1, ...options }).next();
  assert.throws(start({ at: { duplicate: 0.7, pattern: 0.8 } }), isRefused);
  assert.throws(start({ at: { duplicate: Number.NaN, pattern: 0.8 } }), isRefused);
  assert.throws(start({ budget: 0 }), isRefused);
});
