/** A thread that searches a shared index and checks each result against what may have been in it: see readers.test.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { createRng, randomBelow } from "@millrace/core";
import { openReader, type SearchResult, type SharedIndex } from "@millrace/vector";
import { similarity } from "./exact.ts";
import { type History, isPresent, SCORE_SLACK, vectorOf } from "./history.ts";

export type ReaderTask = {
  readonly shared: SharedIndex;
  readonly history: History;
  /** [searches done by all readers, readers that began, readers that ended, 1 when to stop]. */
  readonly counters: Int32Array;
  /** Searches after which it stops by itself. */
  readonly searches: number;
  readonly seed: number;
};

const K = 10;
/** Searches between two that ask for every id there is. */
const COMPLETE_EVERY = 8;
const FAULTS_MAX = 5;

const faults: string[] = [];
const { shared, history, counters, searches, seed } = workerData as ReaderTask;
const reader = openReader(shared);
const rng = createRng(seed);
const ids = history.done.length;
const before = new Int32Array(ids);
const after = new Int32Array(ids);

/** Operations of which an id may have seen so many during the search that lies between the two copies. */
function mayBe(id: number, holds: (operations: number) => boolean): boolean {
  for (let n = before[id] ?? 0; n <= (after[id] ?? 0); n++) if (holds(n)) return true;
  return false;
}

function isCertain(id: number): boolean {
  return !mayBe(id, (n) => !isPresent(id, n));
}

function copy(from: Int32Array, to: Int32Array): void {
  for (let id = 0; id < ids; id++) to[id] = Atomics.load(from, id);
}

function check(
  query: Float32Array,
  k: number,
  { ids: found, scores }: SearchResult,
  isExact: boolean,
): string | undefined {
  const seen = new Set(found);
  if (seen.size !== found.length) return `an id twice among ${found}`;
  let certain = 0;
  for (let id = 0; id < ids; id++) if (isCertain(id)) certain++;
  if (found.length < Math.min(k, certain)) return `${found.length} results for k ${k} of ${certain} rows`;
  for (const [at, id] of found.entries()) {
    const score = scores[at] ?? Number.NaN;
    if (at > 0 && !(score <= (scores[at - 1] ?? 0))) return `score ${score} of place ${at} after ${scores[at - 1]}`;
    const isRight = (n: number) =>
      isPresent(id, n) && Math.abs(similarity(shared.metric, query, lastVector(id, n)) - score) < SCORE_SLACK;
    if (!mayBe(id, isRight)) return `${id} scores ${score}; operations ${before[id]}–${after[id]}`;
  }
  if (!isExact) return undefined;
  const worst = found.length < k ? Number.NEGATIVE_INFINITY : (scores[k - 1] ?? 0) + SCORE_SLACK;
  for (let id = 0; id < ids; id++) {
    if (seen.has(id) || !isCertain(id)) continue;
    const isWorse = (n: number) => similarity(shared.metric, query, lastVector(id, n)) <= worst;
    if (!mayBe(id, isWorse)) return `${id} is missing of ${found.length}; operations ${before[id]}–${after[id]}`;
  }
  return undefined;
}

/** Of a present id: its last operation was the addition. */
function lastVector(id: number, n: number): Float32Array {
  return vectorOf(id, n, shared.dims);
}

Atomics.add(counters, 1, 1);
Atomics.notify(counters, 1);
for (let at = 0; at < searches && Atomics.load(counters, 3) === 0 && faults.length < FAULTS_MAX; at++) {
  const isComplete = at % COMPLETE_EVERY === 0;
  const isExact = isComplete || at % 3 === 0;
  const k = isComplete ? ids : K;
  const query = vectorOf(randomBelow(rng, ids), 1 + randomBelow(rng, 3), shared.dims);
  copy(history.done, before);
  const result = reader.search(query, k, isExact ? { recall: "exact" } : {});
  copy(history.begun, after);
  const fault = check(query, k, result, isExact);
  if (fault) faults.push(`search ${at} of seed ${seed}${isExact ? ", exact" : ""}: ${fault}`);
  Atomics.add(counters, 0, 1);
}
reader.close();
Atomics.add(counters, 2, 1);
parentPort?.postMessage(faults);
