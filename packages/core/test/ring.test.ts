import assert from "node:assert/strict";
import { test } from "node:test";
import { Ring } from "@millrace/core";
import fc from "fast-check";

test("I12: a ring holds the newest items within both bounds, against a plain list", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 10, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 10 })),
      (countMax, bytesMax, sizes) => {
        const ring = new Ring<number>({ countMax, bytesMax });
        let list: { item: number; bytes: number }[] = [];
        sizes.forEach((bytes, item) => {
          ring.push(item, bytes);
          list.push({ item, bytes });
          const total = () => list.reduce((sum, entry) => sum + entry.bytes, 0);
          while (list.length > countMax || total() > bytesMax) list = list.slice(1);
          assert.equal(ring.bytes, total());
        });
        const held = Array.from({ length: ring.count }, (_, at) => ring.at(ring.first + at));
        assert.deepEqual(
          held,
          list.map(({ item }) => item),
        );
        assert.equal(ring.evicted + ring.count, ring.next);
        assert.equal(ring.at(ring.first - 1), undefined);
        assert.equal(ring.at(ring.next), undefined);
      },
    ),
  );
});

test("an item larger than the ring is a defect of the caller", () => {
  assert.throws(() => new Ring<string>({ countMax: 2, bytesMax: 4 }).push("x", 5), /does not fit/);
});

test("a cleared ring counts on", () => {
  const ring = new Ring<string>({ countMax: 4, bytesMax: 100 });
  ring.push("a", 1);
  ring.clear();
  ring.push("b", 1);
  assert.deepEqual([ring.first, ring.next, ring.at(1)], [1, 2, "b"]);
});
