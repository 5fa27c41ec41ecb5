import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NumberTable } from "../../src/classify/number-table.ts";

/** Few keys, so that some come again, and keys that fall into one slot. */
const key = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer(), fc.constantFrom(0x7fffffff, -0x80000000));

test("a table gives what a map gives, round after round", () => {
  fc.assert(
    fc.property(fc.array(fc.array(key, { maxLength: 200 }), { maxLength: 5 }), (rounds) => {
      const table = new NumberTable();
      for (const keys of rounds) {
        table.start(keys.length);
        const expected = new Map<number, number>();
        for (const [at, one] of keys.entries()) {
          if (!expected.has(one)) expected.set(one, at);
          assert.equal(table.add(one, at), expected.get(one));
        }
      }
    }),
  );
});
