import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { VectorIndex } from "@millrace/vector";
import type { History } from "./history.ts";
import type { ReaderTask } from "./reader-thread.ts";

const readerUrl = new URL("./reader-thread.ts", import.meta.url);

/** Starts readers of an index, which search so often or until they are told to stop; resolves when all search. */
export async function startReaders(
  index: VectorIndex,
  history: History,
  { readers, searches = Number.POSITIVE_INFINITY }: { readers: number; searches?: number },
) {
  const counters = new Int32Array(new SharedArrayBuffer(16));
  const workers = Array.from({ length: readers }, (_, at) => {
    const shared = index.share();
    const workerData: ReaderTask = { shared, history, counters, searches, seed: at + 1 };
    return new Worker(readerUrl, { workerData, transferList: [shared.port] });
  });
  const faults = Promise.all(workers.map(async (worker) => (await once(worker, "message")) as [string[]]));
  let at = Atomics.load(counters, 1);
  while (at < readers) {
    await Atomics.waitAsync(counters, 1, at, 1_000).value;
    at = Atomics.load(counters, 1);
  }
  return { counters, faults: faults.then((lists) => lists.flat(2)) };
}
