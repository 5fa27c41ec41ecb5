import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MISSING_MAX } from "../../load/limits.ts";
import { OrderCheck } from "../../load/order-check.ts";

function check(numbers: readonly number[], head: number) {
  const order = new OrderCheck();
  for (const number of numbers) order.take(number);
  const { duplicated, reordered } = order;
  return { lost: order.lost(head), duplicated, reordered };
}

test("what comes in order has no fault", () => {
  assert.deepEqual(check([1, 2, 3, 4], 4), { lost: 0, duplicated: 0, reordered: 0 });
});

test("a number that never comes is lost, in the middle and at the end", () => {
  assert.deepEqual(check([1, 3, 4], 6), { lost: 3, duplicated: 0, reordered: 0 });
});

test("a number that comes again is a duplicate", () => {
  assert.deepEqual(check([1, 2, 2, 3, 1], 3), { lost: 0, duplicated: 2, reordered: 0 });
});

test("a number that comes late is reordered and not lost", () => {
  assert.deepEqual(check([1, 3, 4, 2, 5], 5), { lost: 0, duplicated: 0, reordered: 1 });
  assert.deepEqual(check([2, 1, 1], 2), { lost: 0, duplicated: 1, reordered: 1 });
});

test("every delivery is new, a duplicate or late, and what is not delivered is lost", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.infiniteStream(fc.nat()), (head, random) => {
      const numbers: number[] = [];
      for (let number = 1; number <= head; number++) {
        const fate = (random.next().value ?? 0) % 8;
        if (fate === 0) continue;
        if (fate === 1) numbers.push(number);
        if (fate === 2) numbers.splice(Math.max(0, numbers.length - 2), 0, number);
        else numbers.push(number);
      }
      const { lost, duplicated, reordered } = check(numbers, head);
      const distinct = new Set(numbers);
      assert.equal(lost, head - distinct.size);
      assert.equal(duplicated, numbers.length - distinct.size);
      assert.ok(reordered <= distinct.size);
      const isInOrder = [...distinct].every((number, at, all) => at === 0 || number > (all[at - 1] ?? 0));
      assert.equal(reordered === 0, isInOrder);
    }),
  );
});

test("more missing numbers than are remembered still count as lost", () => {
  const head = MISSING_MAX * 3;
  assert.equal(check([head], head).lost, head - 1);
});
