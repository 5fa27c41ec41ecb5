import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdTable } from "../src/id-table.ts";
import { TopK } from "../src/top-k.ts";

test("an id table holds what a map holds after any sequence of set and delete", () => {
  const step = fc.record({
    id: fc.oneof(fc.nat(80), fc.integer({ min: 2 ** 32 - 5, max: 2 ** 32 - 1 })),
    slot: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: "max" }), (steps) => {
      const table = new IdTable();
      const map = new Map<number, number>();
      for (const { id, slot } of steps) {
        if (slot === null) assert.equal(table.delete(id), map.delete(id));
        else {
          table.set(id, slot);
          map.set(id, slot);
        }
        assert.equal(table.size, map.size);
      }
      for (let id = 0; id <= 80; id++) assert.equal(table.get(id), map.get(id));
    }),
    { numRuns: 100 },
  );
});

test("the heap keeps the k best, ties by id", () => {
  const entry = fc.record({ id: fc.nat(50), score: fc.integer({ min: -3, max: 3 }) });
  fc.assert(
    fc.property(
      fc.uniqueArray(entry, { selector: ({ id }) => id, maxLength: 50, size: "max" }),
      fc.integer({ min: 1, max: 20 }),
      (entries, k) => {
        const best = new TopK(k);
        for (const { id, score } of entries) best.offer(id, score);
        const expected = [...entries].sort((a, b) => b.score - a.score || a.id - b.id).slice(0, k);
        assert.equal(best.threshold, expected.length === k ? expected.at(-1)?.score : Number.NEGATIVE_INFINITY);
        const { ids, scores } = best.take();
        assert.deepEqual(
          [...ids].map((id, at) => ({ id, score: scores[at] })),
          expected.map(({ id, score }) => ({ id, score })),
        );
      },
    ),
  );
});
