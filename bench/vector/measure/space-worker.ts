/** A thread that owns whole spaces: fills them in turn, waits until all is indexed, searches them when told to. */
import { parentPort, workerData } from "node:worker_threads";
import { assert, toErrorBody } from "@millrace/core";
import { MillraceContender } from "./contender.ts";
import { timeSearches } from "./search-queries.ts";
import type { ReportOf, SpaceCommand, SpaceReport, SpaceTask } from "./space-task.ts";
import { rowsIn } from "./vector-set.ts";
import { warmUp } from "./warm-up.ts";

type Space = { readonly first: number; readonly contender: MillraceContender };

const port = parentPort;
assert(port, "space-worker runs in a thread");
const { set, index, firstRows, batchRows, barrier } = workerData as SpaceTask;
const rows = rowsIn(set);
const ids = Uint32Array.from({ length: rows }, (_, id) => id);
const spaces: Space[] = [];

await run().catch(fail);

async function run(): Promise<void> {
  await warmUp(index, set);
  for (const first of firstRows) spaces.push({ first, contender: new MillraceContender(index) });
  port?.on("message", ({ secondsMaxPerSpace }: SpaceCommand) => {
    search(secondsMaxPerSpace).then(report, fail);
  });
  report({ kind: "ready" });
  Atomics.wait(barrier, 0, 0);
  report(await build());
}

function report(made: SpaceReport): void {
  port?.postMessage(made);
}

/** Tells the error with its code, which an error that leaves a thread by itself loses. */
function fail(error: unknown): void {
  report({ kind: "failed", error: toErrorBody(error) });
}

async function build(): Promise<ReportOf<"built">> {
  const cpu = process.threadCpuUsage();
  const startedNs = process.hrtime.bigint();
  for (let done = 0; done < rows; done += batchRows) {
    const count = Math.min(batchRows, rows - done);
    for (const { first, contender } of spaces) addRows(contender, (first + done) % rows, count);
  }
  for (const { contender } of spaces) await contender.finish();
  const endedNs = process.hrtime.bigint();
  const { user, system } = process.threadCpuUsage(cpu);
  const sum = (pick: (contender: MillraceContender) => number) =>
    spaces.reduce((total, { contender }) => total + pick(contender), 0);
  return {
    kind: "built",
    startedNs,
    endedNs,
    cpuSeconds: (user + system) / 1e6,
    rows: sum((contender) => contender.index.size),
    indexed: sum((contender) => contender.index.indexed),
    bytes: sum((contender) => contender.index.bytes),
  };
}

/** `count` rows from `from` on, going on with row 0 behind the last. */
function addRows(contender: MillraceContender, from: number, count: number): void {
  const end = Math.min(rows, from + count);
  contender.add(ids.subarray(from, end), set.base.subarray(from * set.dims, end * set.dims));
  const rest = count - (end - from);
  if (rest > 0) addRows(contender, 0, rest);
}

async function search(secondsMax: number): Promise<ReportOf<"searched">> {
  const searched = [];
  for (const { contender } of spaces) searched.push(await timeSearches(contender, set, { secondsMax }));
  return { kind: "searched", spaces: searched };
}
