/** A process that builds one index and says by how much it grew: `node --expose-gc memory-child.ts TASK`. */
import { setImmediate } from "node:timers/promises";
import { assert } from "@millrace/core";
import { openRows } from "../data/data-set.ts";
import { openPeer } from "../peers/peer.ts";
import { type Contender, MillraceContender } from "./contender.ts";
import { addRows } from "./insert-rows.ts";
import type { MemoryFigures, MemoryTask } from "./memory-task.ts";

/** Rows of which the first index is made, whose only purpose is that code and libraries are loaded before the measurement. */
const SCRATCH_ROWS = 2_000;
/** Rows made at a time. */
const PIECE_ROWS = 8_192;

const task = JSON.parse(process.argv[2] ?? "null") as MemoryTask;
const { rows, dims: madeDims } = task;
const source = await openRows(task.source, { count: rows, ...(madeDims === undefined ? {} : { dims: madeDims }) });
await (await fill(Math.min(SCRATCH_ROWS, rows))).close();
const before = await settledRss();
const contender = await fill(rows);
const figures: MemoryFigures = {
  rssBytes: (await settledRss()) - before,
  ...(contender instanceof MillraceContender ? { ownBytes: contender.index.bytes } : {}),
};
console.log(JSON.stringify(figures));
await contender.close();

async function fill(wanted: number): Promise<Contender> {
  const { dims } = source;
  const options = { dims, metric: "cosine" } as const;
  const opened =
    task.contender === "millrace"
      ? new MillraceContender(options)
      : await openPeer(task.contender, { ...options, capacity: wanted });
  for (let from = 0; from < wanted; from += PIECE_ROWS) {
    const base = source.rows(from, Math.min(PIECE_ROWS, wanted - from));
    await addRows(opened, { base, dims }, { firstId: from, batchRows: PIECE_ROWS });
  }
  await opened.finish();
  return opened;
}

/** Resident memory once what is garbage has been given back. */
async function settledRss(): Promise<number> {
  assert(globalThis.gc, "run with --expose-gc");
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await setImmediate();
  }
  return process.memoryUsage.rss();
}
