/** Many spaces on several threads, each thread owning whole spaces: how a server with many users fills its indexes. */
import { Worker } from "node:worker_threads";
import { fromErrorBody, MillraceError } from "@millrace/core";
import type { MillraceOptions } from "./contender.ts";
import { BATCH_ROWS } from "./insert-rows.ts";
import { recallAt } from "./recall.ts";
import { K, rateOf, type SearchRate } from "./search-queries.ts";
import type { ReportOf, SpaceCommand, SpaceReport, SpaceTask } from "./space-task.ts";
import { rowsIn, shareSet, type VectorSet } from "./vector-set.ts";
import { spaceWorkerUrl } from "./worker-url.ts";

/** Seconds that the searches of all spaces may take together. */
const SEARCH_SECONDS_MAX = 8;

export type SpacesOptions = {
  readonly spaces: number;
  /** Threads that the spaces are dealt out to; no more than there are spaces. */
  readonly workers: number;
  /** Options of each space's index. */
  readonly index: MillraceOptions;
  /** Rows of one call of `add`; the spaces of a thread take turns. Default 256. */
  readonly batchRows?: number;
};

export type SpacesRate = {
  readonly rows: number;
  readonly indexed: number;
  readonly bytes: number;
  /** From the first row of the first thread until all rows of the last are indexed. */
  readonly seconds: number;
  readonly perSecond: number;
  /** Rows by the processor time of the threads. */
  readonly perCore: number;
  /** The mean over all spaces; the threads search one after the other, so this is the rate of one thread. */
  readonly search: SearchRate;
};

/**
 * Indexes the whole set once for every space: threads start together behind a barrier, each adds batches to its spaces in turn and
 * waits until all is indexed. The rows of each space begin at another one of the set.
 */
export async function measureSpaces(unshared: VectorSet, options: SpacesOptions): Promise<SpacesRate> {
  const set = shareSet(unshared);
  const barrier = new Int32Array(new SharedArrayBuffer(4));
  const threads = tasksOf(set, options, barrier).map((task) => new SpaceThread(task));
  try {
    await Promise.all(threads.map((thread) => thread.next("ready")));
    const built = threads.map((thread) => thread.next("built"));
    Atomics.store(barrier, 0, 1);
    Atomics.notify(barrier, 0);
    const builds = await Promise.all(built);
    return { ...describeBuilds(builds), search: await searchInTurn(threads, set, options.spaces) };
  } finally {
    for (const thread of threads) await thread.stop();
  }
}

function tasksOf(set: VectorSet, options: SpacesOptions, barrier: Int32Array): SpaceTask[] {
  const { spaces, workers, index, batchRows = BATCH_ROWS } = options;
  const rows = rowsIn(set);
  const firstRows = Array.from({ length: spaces }, (_, space) => Math.floor((space * rows) / spaces));
  return Array.from({ length: Math.min(workers, spaces) }, (_, worker) => ({
    set,
    index,
    firstRows: firstRows.filter((_, space) => space % Math.min(workers, spaces) === worker),
    batchRows,
    barrier,
  }));
}

function describeBuilds(builds: readonly ReportOf<"built">[]): Omit<SpacesRate, "search"> {
  const sum = (pick: (build: ReportOf<"built">) => number) => builds.reduce((total, one) => total + pick(one), 0);
  const started = builds.reduce((first, { startedNs }) => (startedNs < first ? startedNs : first), 2n ** 63n);
  const ended = builds.reduce((last, { endedNs }) => (endedNs > last ? endedNs : last), 0n);
  const seconds = Number(ended - started) / 1e9;
  const rows = sum((build) => build.rows);
  return {
    rows,
    indexed: sum(({ indexed }) => indexed),
    bytes: sum(({ bytes }) => bytes),
    seconds,
    perSecond: rows / seconds,
    perCore: rows / sum(({ cpuSeconds }) => cpuSeconds),
  };
}

async function searchInTurn(threads: readonly SpaceThread[], set: VectorSet, spaces: number): Promise<SearchRate> {
  const parts = [];
  for (const thread of threads) {
    thread.send({ secondsMaxPerSpace: SEARCH_SECONDS_MAX / spaces });
    parts.push(...(await thread.next("searched")).spaces);
  }
  const recalls = parts.map(({ found }) => recallAt(K, set, found));
  return rateOf(recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length, parts);
}

/** One thread and its reports, in their order. */
class SpaceThread {
  readonly #worker: Worker;
  readonly #reports: SpaceReport[] = [];
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(task: SpaceTask) {
    this.#worker = new Worker(spaceWorkerUrl, { workerData: task });
    this.#worker.on("message", (report: SpaceReport) => {
      this.#reports.push(report);
      this.#wake?.();
    });
    const fail = (failure: unknown) => {
      this.#failure ??= failure;
      this.#wake?.();
    };
    this.#worker.once("error", fail);
    this.#worker.once("exit", (code) => fail(new MillraceError("internal", `a thread of spaces ended with ${code}`)));
  }

  send(command: SpaceCommand): void {
    this.#worker.postMessage(command);
  }

  async next<Kind extends SpaceReport["kind"]>(kind: Kind): Promise<ReportOf<Kind>> {
    while (this.#reports.length === 0) {
      if (this.#failure !== undefined) throw MillraceError.from(this.#failure);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const report = this.#reports.shift();
    if (report?.kind === kind) return report as ReportOf<Kind>;
    if (report?.kind === "failed") throw fromErrorBody(report.error);
    throw new MillraceError("internal", `a thread of spaces reported ${report?.kind} instead of ${kind}`);
  }

  /** Ends the thread at once, with what it holds. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
