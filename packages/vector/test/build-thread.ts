/** A thread that runs the orders posted to it, in small steps: see builds.test.ts. */
import { parentPort } from "node:worker_threads";
import { runBuild, type SegmentBuild } from "@millrace/vector";
import { Segment } from "../src/segment/segment.ts";

/** An order, and the linked rows at which the thread stops where it is, without letting go; default: none. */
export type BuildTask = { readonly order: SegmentBuild; readonly linkedMax?: number };

parentPort?.on("message", ({ order, linkedMax = Number.POSITIVE_INFINITY }: BuildTask) => {
  const run = runBuild(order);
  const segment = new Segment(order.memory);
  while (run?.step(8)) {
    if (segment.linked >= linkedMax) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
});
