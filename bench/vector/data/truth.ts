/** Exact answers for data sets: computed by two threads, then kept on disk under a checksum of rows and queries. */
import { Worker } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { cacheNumbers } from "./cache.ts";
import type { ExactSearch } from "./exact.ts";
import { truthWorkerUrl } from "./worker-url.ts";

/** More than the two cores that the numbers of this project are measured on would only take turns. */
const THREADS = 2;

/**
 * As `exactNearest`, on two threads and only once for equal rows, queries and metric. `name` begins the file's name.
 * A changed generator changes the checksum, so a stale answer is never read.
 */
export function findTruth(name: string, search: ExactSearch): Promise<Int32Array> {
  const { metric, dims, base, query, k } = search;
  const checksum = crc32(bytesOf(query), crc32(bytesOf(base))).toString(16);
  const rows = base.length / dims;
  const key = `${name}-${metric}-${rows}x${dims}-top${k}-${checksum}.i32`;
  return cacheNumbers({
    key,
    create: (bytes) => new Int32Array(bytes),
    isValid: (ids) => ids.length === (query.length / dims) * k && ids.every((id) => id >= 0 && id < rows),
    make: () => searchInThreads(search),
  });
}

/** The queries shared out evenly; each thread reads the same rows. */
export async function searchInThreads(search: ExactSearch): Promise<Int32Array> {
  const { dims, query, k } = search;
  const queries = query.length / dims;
  const base = share(search.base);
  const perThread = Math.ceil(queries / THREADS);
  const starts = Array.from({ length: THREADS }, (_, at) => Math.min(queries, at * perThread));
  const parts = await Promise.all(
    starts.map((from) => runWorker({ ...search, base, query: query.slice(from * dims, (from + perThread) * dims) })),
  );
  const ids = new Int32Array(queries * k);
  for (const [at, part] of parts.entries()) ids.set(part, (starts[at] ?? 0) * k);
  return ids;
}

function runWorker(search: ExactSearch): Promise<Int32Array> {
  const worker = new Worker(truthWorkerUrl, { workerData: search });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new MillraceError("internal", "a thread of the exact search ended early")));
  });
}

/** A copy that threads read in place. */
function share(rows: Float32Array): Float32Array {
  const shared = new Float32Array(new SharedArrayBuffer(rows.byteLength));
  shared.set(rows);
  return shared;
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
