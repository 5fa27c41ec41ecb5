/** A thread that adopts an index, changes it for a while and gives it up again: see hand-over.test.ts. */
import { parentPort } from "node:worker_threads";
import { createRng, randomBelow } from "@millrace/core";
import { adoptIndex, type ReleasedIndex } from "@millrace/vector";
import { type History, operate } from "./history.ts";

export type OwnerTask = {
  readonly released: ReleasedIndex;
  readonly history: History;
  readonly writes: number;
  readonly seed: number;
};

const port = parentPort;
port?.on("message", ({ released, history, writes, seed }: OwnerTask) => {
  const index = adoptIndex(released);
  const rng = createRng(seed);
  for (let at = 0; at < writes; at++) operate(index, history, randomBelow(rng, history.done.length));
  const next = index.release();
  port.postMessage(next, [...next.ports]);
});
