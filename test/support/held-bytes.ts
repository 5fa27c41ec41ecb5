import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of heap and buffers that this process holds with its garbage collected, so that they do not depend on when the collector runs. */
export function heldBytes(): number {
  // Buffers let go in one collection are given back in the next.
  for (let round = 0; round < 3; round++) collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
