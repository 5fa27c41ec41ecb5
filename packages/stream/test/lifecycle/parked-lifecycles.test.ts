/** What is open in streams that are not in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import { Lifecycles } from "../../src/lifecycle/lifecycles.ts";
import { ParkedLifecycles } from "../../src/lifecycle/parked-lifecycles.ts";
import { LiveStream } from "../../src/live-stream.ts";

/** A stream with `count` messages opened, of which the frames up to `durable` are kept. */
function opened(name: string, count: number, durable = count): LiveStream {
  const live = new LiveStream(name as StreamId);
  live.lifecycles = new Lifecycles();
  for (let at = 1; at <= count; at++) live.lifecycles.apply({ type: "llm.start", id: `m${at}`, data: {} }, at, []);
  live.lifecycles.settle(durable);
  live.durable = durable;
  return live;
}

const idsOf = (parked: ParkedLifecycles, name: string, head: number) =>
  parked.complete(name as StreamId, head, []).map(({ id }) => id);

test("what a stream has open comes back with it, at the place it was left and nowhere else", () => {
  const parked = new ParkedLifecycles();
  parked.park(opened("a", 2));
  assert.deepEqual(idsOf(parked, "a", 3), [], "frames have come since");
  parked.park(opened("a", 2));
  assert.deepEqual(idsOf(parked, "a", 2), ["m1", "m2"]);
  assert.deepEqual(idsOf(parked, "a", 2), [], "once");
});

test("a message whose first frame was not kept is not open when the stream comes back", () => {
  const parked = new ParkedLifecycles();
  parked.park(opened("a", 3, 2));
  assert.deepEqual(idsOf(parked, "a", 2), ["m1", "m2"]);
});

test("I12: streams with much open give way, oldest first, however few they are", () => {
  const parked = new ParkedLifecycles(25);
  for (const name of ["a", "b", "c", "a", "d"]) parked.park(opened(name, 10));
  assert.ok(parked.rows <= 25);
  assert.deepEqual([idsOf(parked, "b", 10).length, idsOf(parked, "c", 10).length], [0, 0]);
  assert.deepEqual([idsOf(parked, "a", 10).length, idsOf(parked, "d", 10).length], [10, 10]);
  assert.equal(parked.rows, 0);
});
