/** A thread that searches indexes which another thread is writing, and checks every answer. */
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { assert, createRng, randomBelow } from "@millrace/core";
import { openReader } from "@millrace/vector";
import {
  publishedAt,
  READING,
  type ReaderReport,
  type ReaderRound,
  type ReaderTask,
  STOP,
  startedAt,
} from "./reader-task.ts";
import { ResultCheck, type SearchContext } from "./result-check.ts";
import { K } from "./search-queries.ts";
import { rowOf } from "./vector-set.ts";

/** Searches between two turns of the event loop, through which a reader may hear of new segments. */
const SEARCHES_A_TURN = 64;
/**
 * One search in so many is an exact one, not timed, for a row that was added: half of these for one of the newest, half for any. It must
 * find the row, which no search to a recall below 1 promises.
 */
const COPY_EVERY = 64;
const NEWEST_ROWS = 256;
/** Room for the times of one round. */
const SEARCHES_MAX = 2_000_000;

const port = parentPort;
assert(port, "reader-worker runs in a thread");
const { set } = workerData as ReaderTask;
const queries = set.query.length / set.dims;

port.on("message", (round: ReaderRound) => {
  read(round).then(
    (report) => port.postMessage(report),
    (error: unknown) => {
      throw error;
    },
  );
});

async function read({ spaces, control, seed, efSearch }: ReaderRound): Promise<ReaderReport> {
  const readers = spaces.map((shared) => openReader(shared));
  const rng = createRng(seed);
  const check = new ResultCheck(set);
  const times = new Float32Array(SEARCHES_MAX);
  const usual = efSearch === undefined ? {} : { efSearch };
  let made = 0;
  let timed = 0;
  Atomics.store(control, READING, 1);
  Atomics.notify(control, READING);
  const startedMs = performance.now();
  while (Atomics.load(control, STOP) === 0 && made < SEARCHES_MAX) {
    if (made % SEARCHES_A_TURN === 0) await setImmediate();
    const space = randomBelow(rng, spaces.length);
    const reader = readers[space];
    assert(reader, "each space has a reader");
    const publishedBefore = Atomics.load(control, publishedAt(space));
    const copyOf = made % COPY_EVERY === 0 ? chooseRow(rng, publishedBefore) : undefined;
    const query = copyOf === undefined ? rowOf(set.query, made % queries, set.dims) : rowOf(set.base, copyOf, set.dims);
    const beforeMs = performance.now();
    const answer = copyOf === undefined ? reader.search(query, K, usual) : reader.search(query, K, { recall: "exact" });
    if (copyOf === undefined) times[timed++] = (performance.now() - beforeMs) * 1e6;
    made++;
    const startedAfter = Atomics.load(control, startedAt(space));
    const context: SearchContext = { query, k: K, publishedBefore, startedAfter };
    check.check(answer, copyOf === undefined ? context : { ...context, copyOf });
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  for (const reader of readers) reader.close();
  const { violations, scoresCompared } = check;
  return { seconds, nanoseconds: times.slice(0, timed), violations, scoresCompared };
}

function chooseRow(rng: () => number, published: number): number | undefined {
  if (published === 0) return undefined;
  const from = rng() < 0.5 ? Math.max(0, published - NEWEST_ROWS) : 0;
  return from + randomBelow(rng, published - from);
}
