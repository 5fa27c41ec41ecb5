/** A builder thread: see builders.ts. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "@millrace/core";
import { buffersOf, graphImageOf } from "../files/graph-image.ts";
import type { EngineBuild } from "../kernels/engine-module.ts";
import { Segment } from "../segment/segment.ts";
import { SegmentBuilder } from "../segment/segment-builder.ts";
import type { BuilderOrder } from "./builders.ts";

const { signal, build } = workerData as { signal: Int32Array; build: EngineBuild | undefined };
const BUILDER_SLOT = 1;
/** Rows linked before the next look at the orders: about 2 ms. */
const LINKED_AT_ONCE = 128;
/** Sleep without a signal, ms: rows may have come since the last one. */
const SLEEP_MS = 5;

const building = new Map<number, SegmentBuilder>();
const port = parentPort;
assert(port, "a builder is a worker thread");

function follow(order: BuilderOrder): void {
  if (order.kind === "take") {
    const segment = new Segment(order.memory);
    building.set(order.place, new SegmentBuilder(segment, segment.engine(BUILDER_SLOT, build), order.options));
  } else if (order.kind === "forget") {
    building.delete(order.place);
  } else if (order.kind === "settle") {
    for (const builder of building.values()) builder.settle();
    port?.postMessage(order.request);
  } else if (order.kind === "image") {
    const builder = building.get(order.place);
    const image = builder && graphImageOf(builder.segment);
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
  for (const builder of building.values()) hasWork = builder.step(LINKED_AT_ONCE) || hasWork;
  if (!hasWork) Atomics.wait(signal, 0, seen, SLEEP_MS);
}
