/** A thread that opens each of `paths` at the moment the other threads do, and answers with what went wrong. */
import { parentPort, workerData } from "node:worker_threads";
import { openCacheFile } from "../../src/cache/disk-file.ts";

/** `arrived` counts the threads that stand before a file, all files together. */
export type OpenAtOnce = { readonly paths: readonly string[]; readonly threads: number; readonly arrived: Int32Array };

const { paths, threads, arrived } = workerData as OpenAtOnce;
const failures: string[] = [];
for (const [at, path] of paths.entries()) {
  Atomics.add(arrived, 0, 1);
  Atomics.notify(arrived, 0);
  for (let count = 0; count < threads * (at + 1); count = Atomics.load(arrived, 0)) Atomics.wait(arrived, 0, count, 1);
  try {
    openCacheFile(path, 10_000_000, (message) => failures.push(message)).close();
  } catch (error) {
    failures.push(String(error));
  }
}
parentPort?.postMessage(failures);
