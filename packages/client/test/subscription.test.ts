import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createRng, ManualClock } from "@millrace/core";
import type { Frame, Gap } from "@millrace/protocol";
import fc from "fast-check";
import { createClient, type SubscriptionStatus } from "../src/index.ts";
import { BACKOFF_CAP_MS, BUFFER_FRAMES_MAX } from "../src/limits.ts";
import { ModelEngine } from "./model-engine.ts";

type Step =
  | { readonly kind: "append" | "pump" | "read" | "retain"; readonly count: number }
  | { readonly kind: "deliver"; readonly how: "once" | "twice" | "never"; readonly count: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "drop"; readonly code: number }
  | { readonly kind: "open" | "recreate" | "flow" };

const count = (max: number) => fc.integer({ min: 1, max });
const reliable = [
  fc.record({ kind: fc.constant("append" as const), count: count(900) }),
  fc.record({ kind: fc.constant("pump" as const), count: count(400) }),
  fc.record({ kind: fc.constant("read" as const), count: count(900) }),
  fc.record({
    kind: fc.constant("deliver" as const),
    how: fc.constantFrom("once" as const, "once" as const, "twice" as const, "never" as const),
    count: count(4),
  }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant("drop" as const), code: fc.constantFrom(1006, 1001, 4008, 4503) }),
  fc.record({ kind: fc.constant("open" as const) }),
  fc.record({ kind: fc.constant("flow" as const) }),
  fc.record({ kind: fc.constant("flow" as const) }),
] as const;
const many = { minLength: 20, maxLength: 80 } as const;
const lossy = [
  ...reliable,
  fc.record({ kind: fc.constant("retain" as const), count: count(300) }),
  fc.record({ kind: fc.constant("recreate" as const) }),
] as const;

/** One reader of one model engine, moved step by step. */
class Simulation {
  readonly engine = new ModelEngine();
  readonly clock = new ManualClock();
  readonly got: (Frame | { readonly gap: Gap })[] = [];
  readonly states: SubscriptionStatus[] = [];
  readonly #frames: AsyncIterator<Frame>;
  #wanted = 0;
  #isReading = false;
  bufferedMax = 0;

  constructor(seed: number, window?: number) {
    const { clock, engine } = this;
    engine.speaksCompact = seed % 3 > 0;
    const { WebSocket } = engine;
    const client = createClient({ url: "http://model", WebSocket, clock, rng: createRng(seed) });
    const onGap = (gap: Gap) => void this.got.push({ gap });
    const onStatus = (status: SubscriptionStatus) => void this.states.push(status);
    this.#frames = client.stream(engine.stream).subscribe({ onGap, onStatus, window })[Symbol.asyncIterator]();
  }

  get seqs(): number[] {
    return this.got.flatMap((item) => ("gap" in item ? [] : [item.seq]));
  }

  async run(step: Step): Promise<void> {
    if (step.kind === "append") this.engine.append(step.count);
    else if (step.kind === "pump") this.engine.pump(step.count);
    else if (step.kind === "retain") this.engine.retain(step.count);
    else if (step.kind === "recreate") this.engine.recreate();
    else if (step.kind === "read") this.#read(step.count);
    else if (step.kind === "deliver") this.engine.deliver(step.how, step.count);
    else if (step.kind === "advance") this.clock.advance(step.ms);
    else if (step.kind === "flow") this.#flow();
    else if (step.kind === "open") for (const socket of this.engine.sockets) socket.open();
    else if (step.kind === "drop") for (const socket of [...this.engine.sockets]) socket.drop(step.code);
    await setImmediate();
  }

  /** No more faults: whatever is left must arrive. */
  async settle(): Promise<void> {
    const isBehind = () => {
      const last = this.got.at(-1);
      const { head, epoch } = this.engine;
      return last === undefined || "gap" in last ? head > 0 : last.seq !== head || last.epoch !== epoch;
    };
    for (let round = 0; round < 1_000 && isBehind(); round++) {
      for (const kind of ["open", "pump", "deliver", "read", "advance"] as const) {
        await this.run({ kind, count: 5_000, how: "once", ms: BACKOFF_CAP_MS } as Step);
      }
    }
  }

  async close(): Promise<void> {
    await this.#frames.return?.();
  }

  /** A little of what happens when nothing goes wrong, so that faults meet a stream that flows. */
  #flow(): void {
    this.engine.append(3);
    this.clock.advance(BACKOFF_CAP_MS);
    for (const socket of this.engine.sockets) socket.open();
    this.engine.deliver("once", 2);
    for (let message = 0; message < 3; message++) this.engine.pump(7);
  }

  #read(more: number): void {
    this.#wanted += more;
    if (this.#isReading) return;
    this.#isReading = true;
    void this.#pull();
  }

  async #pull(): Promise<void> {
    for (; this.#wanted > 0; this.#wanted--) {
      const next = await this.#frames.next();
      if (next.done) break;
      this.got.push(next.value);
    }
    this.#isReading = false;
  }
}

const windows = fc.option(fc.integer({ min: 20, max: 300 }), { nil: undefined });

test("I1: whatever the connection does, every frame comes once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...reliable), many), fc.nat(), windows, async (steps, seed, window) => {
      const simulation = new Simulation(seed, window);
      for (const step of steps) await simulation.run(step);
      await simulation.settle();
      await simulation.close();
      assert.deepEqual(
        simulation.seqs,
        Array.from({ length: simulation.engine.head }, (_, at) => at + 1),
      );
      assert.equal(simulation.engine.wrongAcks, 0);
    }),
    { numRuns: 150 },
  );
});

test("frames are missing only where a gap said so, in its place among them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(...lossy), many), fc.nat(), windows, async (steps, seed, window) => {
      const simulation = new Simulation(seed, window);
      for (const step of steps) await simulation.run(step);
      simulation.engine.append(1);
      await simulation.settle();
      await simulation.close();
      let at: { epoch: string; seq: number } | undefined;
      for (const item of simulation.got) {
        if ("gap" in item) at = { epoch: item.gap.epoch, seq: item.gap.first - 1 };
        else {
          if (at) assert.deepEqual([item.epoch, item.seq], [at.epoch, at.seq + 1]);
          at = item;
        }
      }
      assert.deepEqual([at?.epoch, at?.seq], [simulation.engine.epoch, simulation.engine.head]);
    }),
    { numRuns: 150 },
  );
});

test("a reader that stops reading stops the stream, and gets the rest when it goes on", async () => {
  const simulation = new Simulation(1);
  simulation.engine.append(BUFFER_FRAMES_MAX * 3);
  for (let round = 0; round < 40; round++) {
    await simulation.run({ kind: "open" });
    await simulation.run({ kind: "pump", count: 300 });
    await simulation.run({ kind: "deliver", how: "once", count: 1 });
  }
  assert.equal(simulation.states.at(-1)?.state, "paused");
  assert.equal([...simulation.engine.sockets].flatMap((socket) => [...socket.subs]).length, 0, "it unsubscribed");
  await simulation.settle();
  assert.equal(simulation.seqs.length, BUFFER_FRAMES_MAX * 3);
  await simulation.close();
});

test("a connection that says nothing for 45 s is opened again", async () => {
  const simulation = new Simulation(2);
  await simulation.run({ kind: "open" });
  await simulation.run({ kind: "advance", ms: 45_001 });
  const waiting = simulation.states.find((status) => status.state === "waiting");
  assert.match(waiting?.state === "waiting" ? waiting.error.message : "", /said nothing for 45000 ms/);
  await simulation.run({ kind: "advance", ms: BACKOFF_CAP_MS });
  await simulation.run({ kind: "open" });
  assert.equal(simulation.engine.subscribes, 2);
  await simulation.close();
});

test("with a window the engine stays that far ahead of the loop, on one subscription", async () => {
  const simulation = new Simulation(3, 10);
  simulation.engine.append(1_000);
  for (let read = 0; read < 60; read++) {
    await simulation.run({ kind: "open" });
    await simulation.run({ kind: "pump", count: 500 });
    await simulation.run({ kind: "deliver", how: "once", count: 9 });
    const [place] = [...simulation.engine.sockets].flatMap((socket) => [...socket.subs.values()]);
    assert.ok((place?.next ?? 0) - 1 - simulation.seqs.length <= 10, `${place?.next} sent, ${read} read`);
    await simulation.run({ kind: "read", count: 1 });
  }
  assert.ok(simulation.seqs.length === 60 && simulation.engine.subscribes === 1);
  await simulation.settle();
  assert.equal(simulation.seqs.length, 1_000);
  await simulation.close();
});

test("a window out of range is refused", () => {
  const client = createClient({ url: "http://model", WebSocket: new ModelEngine().WebSocket });
  for (const window of [0, 1.5, BUFFER_FRAMES_MAX + 1]) {
    const frames = client.stream("s").subscribe({ window });
    assert.throws(() => frames[Symbol.asyncIterator](), { code: "invalid_argument" });
  }
});
