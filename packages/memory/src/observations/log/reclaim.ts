/** Gives the space of dead records back while appends go on: asks which rows are alive, has files rewritten, tells what moved. */
import { assert, type Clock } from "@millrace/core";
import { WorkerClient } from "../../worker-client.ts";
import { observationLogWorkerUrl } from "../../worker-url.ts";
import type { LogFinding } from "./finding.ts";
import type { WriteMode } from "./log-disk.ts";
import type { LogState, LogThreadData } from "./log-messages.ts";
import type { ReclaimStep, Survey } from "./reclaimer.ts";
import type { PositionColumns } from "./record-columns.ts";

/**
 * How many rows of each range of a space are alive: neither removed nor expired. Two numbers a range, first row and count; one number
 * back for each. 0 gives a record up; a space that is not known any more has 0 everywhere.
 */
export type LiveRowsOf = (space: number, ranges: Uint32Array) => Uint32Array | Promise<Uint32Array>;

export type ReclaimRequest = {
  readonly liveRowsOf: LiveRowsOf;
  /** Where observations now are that lay elsewhere; the old places are `gone` once it resolves. */
  readonly onMoved?: (moved: PositionColumns) => void | Promise<void>;
  /** Files that are about to go: what was in them and did not move is no more. After `onMoved`. */
  readonly onRemoved?: (files: readonly number[]) => void;
  readonly signal?: AbortSignal;
};

export type ReclaimReport = {
  readonly filesRemoved: number;
  readonly filesWritten: number;
  /** Of the files removed, less those of the files written. */
  readonly bytesFreed: number;
  readonly findings: readonly LogFinding[];
};

export type ReclaimOwner = {
  /** Asks the thread that appends. */
  readonly call: <Result>(op: string, args: unknown) => Promise<Result>;
  readonly directory: string;
  readonly mode: WriteMode;
  readonly fileBytesMax: number;
  readonly clock: Clock;
};

export async function reclaimFiles(owner: ReclaimOwner, request: ReclaimRequest): Promise<ReclaimReport> {
  const { directory, mode, fileBytesMax } = owner;
  const { closed } = await owner.call<LogState>("state", undefined);
  const bytesOf = new Map(closed.map(({ file, bytes }) => [file, bytes]));
  const report = { filesRemoved: 0, filesWritten: 0, bytesFreed: 0, findings: [] as readonly LogFinding[] };
  if (closed.length === 0) return report;
  await using thread = new WorkerClient(observationLogWorkerUrl, "log-reclaim", {
    role: "reclaim",
    directory,
    mode,
  } satisfies LogThreadData);
  const args = { files: [...bytesOf.keys()], fileBytesMax, nowMs: owner.clock.now() };
  const survey = await thread.call<Survey>("survey", args);
  const live = await askLive(survey, request.liveRowsOf);
  await thread.call("decide", live, [live.buffer]);
  for (;;) {
    request.signal?.throwIfAborted();
    const step = await thread.call<ReclaimStep | undefined>("step", await owner.call<number>("reserve", undefined));
    if (!step) break;
    const { removed, added, moved } = step;
    await owner.call("replace", { removed, added });
    if (moved && moved.kind.length > 0) await request.onMoved?.(moved);
    request.onRemoved?.(removed);
    await thread.call("discard", undefined);
    report.filesRemoved += removed.length;
    report.filesWritten += added ? 1 : 0;
    report.bytesFreed += removed.reduce((sum, file) => sum + (bytesOf.get(file) ?? 0), 0) - (added?.bytes ?? 0);
  }
  const { list } = await thread.call<{ readonly list: readonly LogFinding[] }>("findings", undefined);
  return { ...report, findings: list };
}

/** One question for each space, for all its records. */
async function askLive({ space, firstRow, count }: Survey, liveRowsOf: LiveRowsOf): Promise<Uint32Array<ArrayBuffer>> {
  const bySpace = new Map<number, number[]>();
  for (const [at, number] of space.entries()) {
    const places = bySpace.get(number);
    if (places) places.push(at);
    else bySpace.set(number, [at]);
  }
  const live = new Uint32Array(space.length);
  for (const [number, places] of bySpace) {
    const ranges = new Uint32Array(places.length * 2);
    for (const [nth, at] of places.entries()) ranges.set([firstRow[at] ?? 0, count[at] ?? 0], nth * 2);
    const answer = await liveRowsOf(number, ranges);
    assert(answer.length === places.length, "liveRowsOf gives a number for each range");
    for (const [nth, at] of places.entries()) live[at] = answer[nth] ?? 0;
  }
  return live;
}
