import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createRng, ManualClock } from "@millrace/core";
import fc from "fast-check";
import { createClient, type StreamWriter, type WriterStatus } from "../src/index.ts";
import { BACKOFF_CAP_MS, WRITER_EVENTS_MAX } from "../src/limits.ts";
import { AppendModel } from "./append-model.ts";
import { serve } from "./serve.ts";

type Step =
  | { readonly kind: "write" | "take" | "refuse"; readonly count: number }
  | { readonly kind: "deliver"; readonly count: number; readonly isNewestFirst: boolean }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "open" | "commit" | "crash" | "drop" };

const count = (max: number) => fc.integer({ min: 1, max });
const always = <Kind extends string>(kind: Kind) => fc.record({ kind: fc.constant(kind) });
const STEPS = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("write" as const), count: count(40) }),
    fc.record({ kind: fc.constant("write" as const), count: count(3) }),
    fc.record({ kind: fc.constant("take" as const), count: count(4) }),
    fc.record({ kind: fc.constant("take" as const), count: count(4) }),
    fc.record({ kind: fc.constant("refuse" as const), count: count(2) }),
    fc.record({ kind: fc.constant("deliver" as const), count: count(3), isNewestFirst: fc.boolean() }),
    fc.record({ kind: fc.constant("deliver" as const), count: count(3), isNewestFirst: fc.boolean() }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
    always("open" as const),
    always("open" as const),
    always("commit" as const),
    always("commit" as const),
    always("crash" as const),
    always("drop" as const),
  ),
  { minLength: 20, maxLength: 120 },
);

/** One writer on one model engine, moved step by step. */
class Simulation {
  readonly model = new AppendModel();
  readonly clock = new ManualClock();
  readonly states: WriterStatus["state"][] = [];
  readonly writer: StreamWriter;
  written = 0;

  constructor(seed: number, maxInFlight?: number) {
    const { WebSocket } = this.model;
    const client = createClient({ url: "http://model", WebSocket, clock: this.clock, rng: createRng(seed) });
    const onStatus = ({ state }: WriterStatus) => void this.states.push(state);
    this.writer = client.stream("s").writer({ maxInFlight, onStatus });
  }

  get expected(): number[] {
    return Array.from({ length: this.written }, (_, at) => at);
  }

  async run(step: Step): Promise<void> {
    const { model } = this;
    if (step.kind === "write") for (let n = 0; n < step.count; n++) await this.writer.write(this.#event());
    else if (step.kind === "take") model.take(step.count);
    else if (step.kind === "refuse") model.refuseNext = step.count;
    else if (step.kind === "deliver") model.deliver(step.count, step.isNewestFirst);
    else if (step.kind === "advance") this.clock.advance(step.ms);
    else if (step.kind === "commit") model.commit();
    else if (step.kind === "crash") model.crash();
    else if (step.kind === "drop") model.drop(1006);
    else for (const socket of model.sockets) socket.open();
    await setImmediate();
    this.check();
  }

  /** What the writer says is durable is, in order and once. */
  check(): void {
    const { log, durable } = this.model;
    assert.ok(this.writer.durableSeq <= durable, `${this.writer.durableSeq} said, ${durable} durable`);
    assert.deepEqual(log, this.expected.slice(0, log.length));
  }

  /** No more faults: whatever is left must arrive. */
  async settle(): Promise<void> {
    let isDone = false;
    const flushed = this.writer.flush().then(() => {
      isDone = true;
    });
    for (let round = 0; round < 3_000 && !isDone; round++) {
      this.clock.advance(BACKOFF_CAP_MS);
      for (const kind of ["open", "take", "commit"] as const) await this.run({ kind, count: 1_000 } as Step);
      await this.run({ kind: "deliver", count: 1_000, isNewestFirst: false });
    }
    assert.ok(isDone, `${this.writer.held} events are left, the writer went ${this.states.slice(-9)}`);
    await flushed;
  }

  #event() {
    return { type: "x.note", data: this.written++ };
  }
}

test("I3: whatever the connection and the engine do, what is written is in the stream once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, fc.nat(), fc.constantFrom(1, 5, 50, undefined), async (steps, seed, maxInFlight) => {
      const simulation = new Simulation(seed, maxInFlight);
      for (const step of steps) await simulation.run(step);
      await simulation.settle();
      assert.deepEqual(simulation.model.log, simulation.expected);
      assert.equal(simulation.writer.durableSeq, simulation.written);
      await simulation.writer.close();
    }),
    { numRuns: 300 },
  );
});

test("what is written in one turn goes as one message, and no more is under way than was allowed", async () => {
  const simulation = new Simulation(1, 100);
  await simulation.run({ kind: "open" });
  await simulation.run({ kind: "write", count: 60 });
  await simulation.run({ kind: "take", count: 9 });
  assert.deepEqual([simulation.model.messages, simulation.model.log.length], [1, 60]);
  await simulation.run({ kind: "commit" });
  await simulation.run({ kind: "deliver", count: 9, isNewestFirst: false });
  await simulation.run({ kind: "write", count: 500 });
  await simulation.run({ kind: "take", count: 99 });
  assert.equal(simulation.model.log.length, 160);
  await simulation.settle();
  await simulation.writer.close();
});

test("a write waits for room while the engine is away; one that does not wait is refused, and nothing is lost", async () => {
  const simulation = new Simulation(2);
  const { writer, model } = simulation;
  let last: Promise<void> | undefined;
  for (; simulation.written < WRITER_EVENTS_MAX; simulation.written++) {
    last = writer.write({ type: "x.note", data: simulation.written });
  }
  let isTaken = false;
  const room = last?.then(() => {
    isTaken = true;
  });
  await assert.rejects(writer.write({ type: "x.note", data: -1 }), { code: "overloaded" });
  await setImmediate();
  assert.ok(!isTaken, "the write that filled the writer waits");
  await simulation.settle();
  await room;
  assert.equal(model.log.length, WRITER_EVENTS_MAX);
  await writer.close();
});

test("a refusal that cannot pass ends the writer and names the events; what is no event is refused alone", async () => {
  const error = { code: "terminal", message: "m1 has ended", retryable: false };
  await using real = await serve((_, response) => {
    response.writeHead(409, { "content-type": "application/json" }).end(JSON.stringify({ error }));
  });
  const client = createClient({ url: real.url, WebSocket: null });
  const writer = client.stream("s").writer();
  await assert.rejects(writer.write({ type: "", data: 1 }), { code: "invalid_argument" });
  await assert.rejects(writer.write({ type: "x", data: 1n }), { code: "invalid_argument" });
  await assert.rejects(writer.write({ type: "x", data: undefined }), { code: "invalid_argument" });
  await assert.rejects(writer.write({ type: "x", data: "ü".repeat(140_000) }), { code: "too_large" });
  await writer.write({ type: "x", data: 1 });
  await writer.write({ type: "x", data: 2 });
  await assert.rejects(writer.flush(), { code: "terminal", message: /^events 1 to 2 .*m1 has ended/ });
  await assert.rejects(writer.write({ type: "x", data: 3 }), { code: "terminal" });
  await assert.rejects(writer.close(), { code: "terminal" });
});

test("closing the client ends its writers", async () => {
  const model = new AppendModel();
  const client = createClient({ url: "http://model", WebSocket: model.WebSocket, clock: new ManualClock() });
  const writer = client.stream("s").writer();
  await writer.write({ type: "x", data: 1 });
  const flushed = assert.rejects(writer.flush(), { code: "cancelled" });
  client.close();
  await flushed;
  assert.equal(model.sockets.size, 0);
});

test("without a WebSocket the writer sends requests, one after the other", async () => {
  const seqs: number[] = [];
  let under = 0;
  await using real = await serve(async (request, response) => {
    assert.equal(++under, 1);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { producer, events } = JSON.parse(String(Buffer.concat(parts))) as {
      producer: { seq: number };
      events: unknown[];
    };
    seqs.push(producer.seq);
    under--;
    if (seqs.length === 3) return void response.destroy();
    response.end(JSON.stringify({ epoch: "e1", accepted: events.length }));
  });
  const client = createClient({ url: real.url, WebSocket: null, rng: () => 0 });
  const writer = client.stream("s").writer({ maxInFlight: 2 });
  for (let n = 0; n < 6; n++) {
    await writer.write({ type: "x", data: n });
    if (n % 2 === 1) await writer.flush();
  }
  await writer.close();
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
  assert.equal(seqs[3], seqs[2], "the request that was cut is sent again as it was");
});
