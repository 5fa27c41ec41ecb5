/** A builder thread: see builders.ts. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "@millrace/core";
import { buffersOf, graphImageOf } from "../files/graph-image.ts";
import { drain } from "../segment/measurement.ts";
import { SegmentRun } from "../segment/run-build.ts";
import type { BuilderOrder } from "./builders.ts";

const { signal } = workerData as { signal: Int32Array };
/** Rows linked before the next look at the orders: about 2 ms. */
const LINKED_AT_ONCE = 128;
/** Rows linked at once where nothing else waits. */
const SETTLED_AT_ONCE = 1_024;
/** Sleep without a signal, ms: rows may have come since the last one. */
const SLEEP_MS = 5;

const building = new Map<number, SegmentRun>();
const port = parentPort;
assert(port, "a builder is a worker thread");

function follow(order: BuilderOrder): void {
  if (order.kind === "take") {
    const run = SegmentRun.begin(order.build);
    if (run) building.set(order.build.place, run);
  } else if (order.kind === "forget") {
    building.get(order.place)?.close();
    building.delete(order.place);
  } else if (order.kind === "settle") {
    for (const run of building.values()) drain(run.settling(SETTLED_AT_ONCE));
    port?.postMessage(order.request);
  } else if (order.kind === "image") {
    const run = building.get(order.place);
    const image = run && graphImageOf(run.segment);
    order.port.postMessage(image, image ? buffersOf(image) : []);
    order.port.close();
  } else {
    unreachable(order);
  }
}

for (;;) {
  const seen = Atomics.load(signal, 0);
  for (let order = receiveMessageOnPort(port); order; order = receiveMessageOnPort(port)) {
    follow(order.message as BuilderOrder);
  }
  let hasWork = false;
  for (const run of building.values()) hasWork = run.stepOn(LINKED_AT_ONCE) || hasWork;
  if (!hasWork) Atomics.wait(signal, 0, seen, SLEEP_MS);
}
