import assert from "node:assert/strict";
import { test } from "node:test";
import { createNoisySource, NoisyVectors } from "../ingest/noisy-vectors.ts";
import { runOpenLoop } from "../ingest/open-loop.ts";
import { Producer } from "../ingest/producer.ts";
import { RecallLoad } from "../ingest/recall-load.ts";
import { clusteredSet, ManualPace, type ModelOptions, ModelTarget } from "./ingest-model.ts";

const set = clusteredSet({ rows: 100, dims: 8, queries: 10 });
const vectors = new NoisyVectors(createNoisySource(set.base, 8, 1));

async function openProducer(options: Partial<ModelOptions>) {
  const pace = new ManualPace();
  const target = new ModelTarget(pace, { dims: 8, ...options });
  const producer = await Producer.open(target, {
    ...{ spaces: ["bench-0"], vectors, choose: () => 0, batch: 10, pace },
    ...{ lane: "normal", encoding: "f32" },
  });
  return { pace, target, producer };
}

test("work is done at its intended time, what is late at once, and its intended time stays", async () => {
  const pace = new ManualPace();
  const done: [number, number][] = [];
  const fire = (at: number, intendedMs: number) => {
    if (at === 2) pace.clock.advance(35);
    done.push([intendedMs, pace.nowMs()]);
  };
  await runOpenLoop([{ everyMs: 10, count: 7, fire }], pace);
  assert.deepEqual(done, [
    [0, 0],
    [10, 10],
    [20, 55],
    [30, 55],
    [40, 55],
    [50, 55],
    [60, 60],
  ]);
});

test("flows keep their own times beside one another", async () => {
  const pace = new ManualPace();
  const done: string[] = [];
  const flow = (name: string, everyMs: number, count: number) => ({
    ...{ everyMs, count },
    fire: (_: number, intendedMs: number) => void done.push(`${name}${intendedMs}`),
  });
  await runOpenLoop([flow("a", 4, 3), flow("b", 3, 2)], pace);
  assert.deepEqual(done, ["a0", "b0", "b3", "a4", "a8"]);
});

test("a producer that cannot offer the load says so", async () => {
  const pace = new ManualPace();
  const slow = { everyMs: 1, count: 100, fire: () => pace.clock.advance(1_000) };
  await assert.rejects(runOpenLoop([slow], pace), { code: "timeout", message: /the producer is \d+ ms late.*--rate/ });
});

test("a stall shows in the latency of every batch that was due meanwhile", async () => {
  const { pace, producer, target } = await openProducer({ stall: { at: 10, ms: 500 }, delayMs: 2 });
  await runOpenLoop([producer.flow({ rate: 1_000, total: 1_000 })], pace);
  await producer.sessions[0]?.indexed();
  assert.equal(producer.sent, 1_000);
  assert.equal(target.vectors.get("bench-0")?.length, 1_000);
  // Ten milliseconds a batch: the stalled one and the 49 behind it wait 500, 490, 480 … ms; those before and after do not.
  const late = (quantile: number) => producer.acceptedMicros.quantile(quantile) / 1_000;
  assert.ok(late(0.99) > 480 && late(0.99) < 510, `p99 ${late(0.99)} ms`);
  assert.ok(late(0.75) > 220 && late(0.75) < 280, `p75 ${late(0.75)} ms`);
  assert.ok(late(0.45) < 1, `p45 ${late(0.45)} ms`);
  const { durable, searchable, indexed } = producer.marks;
  for (const table of [durable, searchable, indexed]) {
    assert.equal(table.count, 100);
    assert.ok(table.quantile(0.99) > 480_000 && table.quantile(0.3) >= 1_900, "counted from the intended time");
  }
});

test("what is refused is counted by code, never sent again, and leaves no gap in the numbers", async () => {
  const { pace, producer, target } = await openProducer({ capacity: 25, delayMs: 45 });
  await runOpenLoop([producer.flow({ rate: 1_000, total: 205 })], pace);
  await producer.sessions[0]?.indexed();
  assert.equal(producer.sent, 205);
  assert.equal(producer.accepted + producer.refused, 205);
  assert.ok(producer.refused > 50 && producer.accepted > 50, `${producer.refused} refused`);
  assert.deepEqual([...producer.refusals], [["overloaded", producer.refused]]);
  const held = target.vectors.get("bench-0") ?? [];
  assert.equal(held.length, producer.accepted);
  for (const [n, vector] of held.entries()) assert.deepEqual(vector, vectors.vector(0, n));
});

test("recalls are asked at their times and their latency counts from there", async () => {
  const { pace, producer, target } = await openProducer({ stall: { at: 5, ms: 300 } });
  const recalls = new RecallLoad({
    ...{ target, spaces: ["bench-0"], sessions: producer.sessions },
    ...{ query: set.query, dims: 8, pace },
  });
  await runOpenLoop([producer.flow({ rate: 1_000, total: 1_000 }), recalls.flow(50, 1)], pace);
  await recalls.settled();
  assert.equal(recalls.answered, 50);
  const p99Ms = recalls.micros.quantile(0.99) / 1_000;
  assert.ok(p99Ms > 250 && p99Ms < 310, `p99 ${p99Ms} ms`);
  assert.ok(recalls.micros.quantile(0.5) < 20_000);
  assert.ok(recalls.questions.every(({ prefix, found }) => found.length === Math.min(10, prefix)));
});
