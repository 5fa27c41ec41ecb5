import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, KeyedExecutor, randomBelow } from "@millrace/core";

test("tasks of one key run one at a time in order, keys side by side, never above the limit", async () => {
  const executor = new KeyedExecutor({ concurrencyMax: 3, waitingMax: 1_000 });
  const rng = createRng(1);
  const order = new Map<string, number[]>();
  const busy = new Set<string>();
  let running = 0;
  let peak = 0;
  const tasks = Array.from({ length: 200 }, (_, n) => {
    const key = `k${randomBelow(rng, 7)}`;
    return executor.run(key, async () => {
      assert.ok(!busy.has(key));
      busy.add(key);
      peak = Math.max(peak, ++running);
      for (let turns = randomBelow(rng, 4); turns > 0; turns--) await Promise.resolve();
      order.set(key, [...(order.get(key) ?? []), n]);
      busy.delete(key);
      running--;
    });
  });
  await Promise.all(tasks);
  await executor.idle();
  assert.equal(peak, 3);
  for (const seen of order.values())
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
});

test("a failing task fails alone, and one above the limit is refused with a time to retry", async () => {
  const executor = new KeyedExecutor({ concurrencyMax: 1, waitingMax: 1 });
  const gate = Promise.withResolvers<void>();
  const first = executor.run("a", () => gate.promise);
  const second = executor.run("b", () => Promise.reject(new Error("mine")));
  await assert.rejects(
    executor.run("c", async () => 1),
    { code: "overloaded", retryAfterMs: 1_000 },
  );
  gate.resolve();
  await first;
  await assert.rejects(second, /mine/);
  assert.equal(await executor.run("c", async () => 3), 3);
});
