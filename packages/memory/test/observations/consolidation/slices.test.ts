import assert from "node:assert/strict";
import { test } from "node:test";
import { BUSY_SHARE, SLICE_MS } from "../../../src/observations/consolidation/limits.ts";
import { Slices } from "../../../src/observations/consolidation/slices.ts";

/** A thread's time: a step takes what it says, and one event runs after another. */
class Thread {
  nowMs = 0;
  #event: { readonly atMs: number; readonly run: () => void } | undefined;

  monotonic(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    assert.equal(this.#event, undefined, "one slice is due at a time");
    this.#event = { atMs: this.nowMs + delayMs, run };
    return () => {};
  }

  /** The next event, when its time has come; false when there is none. */
  turn(): boolean {
    const event = this.#event;
    this.#event = undefined;
    if (!event) return false;
    this.nowMs = Math.max(this.nowMs, event.atMs);
    event.run();
    return true;
  }

  *steps(count: number, stepMs: number, onStep: () => void = () => {}): Generator<void, number> {
    for (let at = 0; at < count; at++) {
      onStep();
      this.nowMs += stepMs;
      yield;
    }
    return count;
  }
}

const isWanted = () => true;

test("a slice ends with the step in which its time is over, and questions are answered after every step", async () => {
  const clock = new Thread();
  let done = 0;
  let answered = 0;
  const slices = new Slices({ clock, between: () => void answered++ });
  const step = () => {
    assert.equal(answered, done, "a question waits for one step");
    done++;
  };
  const result = slices.run(clock.steps(40, 1, step), isWanted);
  for (let before = 0; clock.turn(); before = done) assert.ok(done - before <= SLICE_MS, `${done - before} at once`);
  assert.equal(await result, 40);
  assert.equal(clock.nowMs, 40, "an idle thread goes on at once");
});

test("one step that takes long is a slice of its own", async () => {
  const clock = new Thread();
  let done = 0;
  const slices = new Slices({ clock, between: () => {} });
  const result = slices.run(
    clock.steps(3, 50, () => void done++),
    isWanted,
  );
  for (let turns = 1; turns <= 3; turns++) {
    clock.turn();
    assert.equal(done, turns);
  }
  clock.turn();
  assert.equal(await result, 3);
});

test("while batches come it takes its share of the time, and all of it once they do not", () => {
  const clock = new Thread();
  let isBusy = true;
  let worked = 0;
  const slices: Slices = new Slices({ clock, between: () => isBusy && slices.batched() });
  void slices.run(
    clock.steps(10_000, 1, () => void worked++),
    isWanted,
  );
  while (clock.nowMs < 3_000) clock.turn();
  const share = worked / clock.nowMs;
  assert.ok(Math.abs(share - BUSY_SHARE) < 0.02, `${share}`);
  isBusy = false;
  while (clock.nowMs < 3_100) clock.turn();
  const before = { worked, nowMs: clock.nowMs };
  while (clock.nowMs < 3_400) clock.turn();
  assert.equal(worked - before.worked, clock.nowMs - before.nowMs);
});

test("works take turns, one that is not wanted any more ends, and what one throws is its own", async () => {
  const clock = new Thread();
  const order: string[] = [];
  const slices = new Slices({ clock, between: () => {} });
  let isSecondWanted = true;
  const run = (name: string, wanted: () => boolean) =>
    slices.run(
      clock.steps(6, SLICE_MS, () => void order.push(name)),
      wanted,
    );
  const first = run("first", isWanted);
  const second = run("second", () => isSecondWanted);
  // biome-ignore lint/correctness/useYield: it fails at its first step
  const failing = (function* (): Generator<void, never> {
    throw new Error("broken");
  })();
  const broken = slices.run(failing, isWanted);
  const outcomes = Promise.allSettled([first, second, broken]);
  for (let at = 0; at < 5; at++) clock.turn();
  assert.deepEqual(order, ["first", "second", "first", "second"]);
  isSecondWanted = false;
  while (clock.turn());
  const [one, two, three] = await outcomes;
  assert.deepEqual(one, { status: "fulfilled", value: 6 });
  assert.equal(two?.status === "rejected" && two.reason.code, "unavailable");
  assert.equal(three?.status === "rejected" && three.reason.message, "broken");
  assert.equal(order.filter((name) => name === "second").length, 2);
});
