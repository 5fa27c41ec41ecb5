/** One thread adds, another searches the same memory at the same time, and every answer is checked. */
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Histogram } from "@millrace/core";
import { createIndex, type VectorIndex } from "@millrace/vector";
import type { MillraceOptions } from "./contender.ts";
import { publishedAt, READING, type ReaderReport, type ReaderRound, STOP, startedAt } from "./reader-task.ts";
import { recallAt } from "./recall.ts";
import type { Violations } from "./result-check.ts";
import { K, timeSearches } from "./search-queries.ts";
import { rowsIn, shareSet, type VectorSet } from "./vector-set.ts";
import { readerWorkerUrl } from "./worker-url.ts";

/** Rows of one `add`, between two of which the writer's event loop turns. */
const BATCH_ROWS = 64;
/** Longest the reader may take to open its indexes. */
const OPEN_MS_MAX = 10_000;
/** Rounds without a search end a measurement that would not end by itself. */
const ROUNDS_MAX = 10_000;

export type ConcurrentOptions = {
  readonly index: MillraceOptions;
  /** Indexes that are filled in turn in one round; the reader searches them at random. */
  readonly spaces: number;
  /** Rounds are repeated, each with empty indexes, until so many searches have been made. */
  readonly searchesMin: number;
  /** Beam width of the searches. Default: what the index has measured for its recall. */
  readonly efSearch?: number;
};

export type ConcurrentRate = {
  /** Rows added by the time the writer took, until all were indexed. */
  readonly insertsPerSecond: number;
  readonly queriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly violations: Violations;
  /** Scores of answers that were compared with exact ones. */
  readonly scoresCompared: number;
  /** Once all rows of the last round were there. */
  readonly recall: number;
  readonly rounds: number;
};

/** `internal` when the reader's thread fails. */
export async function measureConcurrent(unshared: VectorSet, options: ConcurrentOptions): Promise<ConcurrentRate> {
  const set = shareSet(unshared);
  const worker = new Worker(readerWorkerUrl, { workerData: { set } });
  const tally = new Tally();
  let recall = 0;
  try {
    // Compiles both threads' code.
    await runRound(worker, { set, options: { ...options, spaces: 1 }, tally: new Tally() });
    while (tally.searches < options.searchesMin && tally.rounds < ROUNDS_MAX) {
      recall = await runRound(worker, { set, options, tally });
    }
  } finally {
    await worker.terminate();
  }
  return { ...tally.result(), recall };
}

type Round = { readonly set: VectorSet; readonly options: ConcurrentOptions; readonly tally: Tally };

/** Returns the recall of the round's first index once it is full. */
async function runRound(worker: Worker, { set, options, tally }: Round): Promise<number> {
  const indexes = Array.from({ length: options.spaces }, () => createIndex(options.index));
  const control = new Int32Array(new SharedArrayBuffer(4 * startedAt(options.spaces)));
  const reported = once(worker, "message") as Promise<[ReaderReport]>;
  const round: ReaderRound = {
    spaces: indexes.map((index) => index.share()),
    control,
    seed: tally.rounds + 1,
    efSearch: options.efSearch,
  };
  worker.postMessage(
    round,
    round.spaces.map(({ port }) => port),
  );
  // A failure of the thread ends the wait for its report with its error.
  const isReading = Atomics.waitAsync(control, READING, 0, OPEN_MS_MAX);
  await Promise.race([isReading.value, reported]);
  const startedMs = performance.now();
  await fill(indexes, set, control);
  const writeSeconds = (performance.now() - startedMs) / 1_000;
  Atomics.store(control, STOP, 1);
  const [report] = await reported;
  tally.add(report, { rows: rowsIn(set) * indexes.length, seconds: writeSeconds });
  const recall = await recallOf(indexes[0], set);
  for (const index of indexes) await index.close();
  return recall;
}

async function fill(indexes: readonly VectorIndex[], set: VectorSet, control: Int32Array): Promise<void> {
  const rows = rowsIn(set);
  const ids = Uint32Array.from({ length: rows }, (_, id) => id);
  for (let from = 0; from < rows; from += BATCH_ROWS) {
    const end = Math.min(rows, from + BATCH_ROWS);
    for (const [space, index] of indexes.entries()) {
      Atomics.store(control, startedAt(space), end);
      index.addMany(ids.subarray(from, end), set.base.subarray(from * set.dims, end * set.dims));
      Atomics.store(control, publishedAt(space), end);
    }
    await setImmediate();
  }
  for (const index of indexes) await index.settle();
}

async function recallOf(index: VectorIndex | undefined, set: VectorSet): Promise<number> {
  if (!index) return 0;
  const { found } = await timeSearches({ search: (query, k) => index.search(query, k).ids }, set);
  return recallAt(K, set, found);
}

/** Adds up rounds. */
class Tally {
  rounds = 0;
  readonly #violations: Violations = { searches: 0, wrong: 0, short: 0, missing: 0 };
  readonly #times = new Histogram();
  #rows = 0;
  #writeSeconds = 0;
  #readSeconds = 0;
  #scoresCompared = 0;

  get searches(): number {
    return this.#violations.searches;
  }

  add(report: ReaderReport, written: { readonly rows: number; readonly seconds: number }): void {
    this.rounds++;
    this.#rows += written.rows;
    this.#writeSeconds += written.seconds;
    this.#readSeconds += report.seconds;
    this.#scoresCompared += report.scoresCompared;
    for (const kind of ["searches", "wrong", "short", "missing"] as const) {
      this.#violations[kind] += report.violations[kind];
    }
    for (const time of report.nanoseconds) this.#times.record(time);
  }

  result(): Omit<ConcurrentRate, "recall"> {
    return {
      insertsPerSecond: this.#rows / this.#writeSeconds,
      queriesPerSecond: this.searches / this.#readSeconds,
      p50Ms: this.#times.quantile(0.5) / 1e6,
      p99Ms: this.#times.quantile(0.99) / 1e6,
      violations: { ...this.#violations },
      scoresCompared: this.#scoresCompared,
      rounds: this.rounds,
    };
  }
}
