/** A thread that runs the orders posted to it, in small steps, and tells when each is done: see builds.test.ts. */
import { parentPort } from "node:worker_threads";
import { runBuild, type SegmentBuild } from "@millrace/vector";

const port = parentPort;
port?.on("message", (order: SegmentBuild) => {
  const run = runBuild(order);
  let steps = 0;
  while (run?.step(8)) steps++;
  port.postMessage({ place: order.place, steps });
});
