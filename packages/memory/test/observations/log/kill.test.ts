import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createRng } from "@millrace/core";
import { nodeLogDisk } from "../../../src/observations/log/log-disk.ts";
import { verifyLog } from "../../../src/observations/log/verify-log.ts";
import { assertRecords, openWriter, readAll, temporaryDirectory } from "./fixture.ts";
import { isKept, RECORD_ROWS, recordNumber } from "./kept-records.ts";

/** More by the environment: docs tell of 200. */
const RUNS = Number(process.env.MILLRACE_LOG_KILLS ?? 30);
const RECLAIM_RUNS = Math.ceil(RUNS / 5);
/** Run beside each other, each in a directory of its own. */
const LANES = 2;

const child = fileURLToPath(new URL("./append-process.ts", import.meta.url));

type Told = { readonly kept: Set<number>; removed: number; reclaimed: number };

/** What processes that start again and again have compiled once. */
const cache = temporaryDirectory();
after(() => cache[Symbol.dispose]());

function start(directory: string, does: string) {
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
  const env = { ...process.env, NODE_COMPILE_CACHE: cache.path };
  return spawn(process.execPath, [...flags, child, directory, does], { stdio: ["ignore", "pipe", "inherit"], env });
}

/** When to kill: after so many lines, or once so many files were reclaimed and more records removed. */
type Limit = { readonly lines: number } | { readonly reclaimed: number };

async function runUntilKilled(directory: string, limit: Limit, told: Told): Promise<void> {
  const appending = start(directory, "lines" in limit ? "append" : "reclaim");
  const exited = once(appending, "exit");
  const before = { ...told };
  let lines = 0;
  for await (const line of createInterface({ input: appending.stdout })) {
    const [word, number] = line.split(" ");
    if (word === "kept") told.kept.add(Number(number));
    else if (word === "removed") told.removed = Math.max(told.removed, Number(number));
    else told.reclaimed += Number(number);
    lines++;
    const isDone =
      "lines" in limit
        ? lines === limit.lines
        : told.reclaimed - before.reclaimed >= limit.reclaimed && told.removed > before.removed;
    if (isDone) appending.kill("SIGKILL");
  }
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL", "the process lives until it is killed");
}

async function check(directory: string, told: Told): Promise<void> {
  const report = await verifyLog(directory);
  assert.ok(report.isSound, JSON.stringify(report.findings));
  const { recovered } = openWriter(nodeLogDisk, { directory });
  assert.ok(
    recovered.findings.every(({ kind }) => kind === "torn"),
    JSON.stringify(recovered.findings),
  );
  const found = new Map(
    readAll(undefined, recovered, directory).map((record) => [record.space * 1e9 + record.firstRow, record]),
  );
  for (const number of told.kept) {
    const record = found.get(1e9 + number * RECORD_ROWS);
    if (record) assertRecords([record], [recordNumber(number)]);
    else assert.ok(!isKept(number) && number < told.removed, `record ${number} was acknowledged and is gone`);
  }
  for (const { space, firstRow } of found.values())
    if (space === 2)
      assert.ok(found.has(1e9 + firstRow * RECORD_ROWS) || !isKept(firstRow), "an append is there whole");
  const last = Math.max(...told.kept);
  for (const space of [1, 2]) {
    const lastSeq = recovered.sessions.find((session) => session.space === space)?.lastSeq ?? 0;
    assert.ok(
      lastSeq >= (space === 1 ? (last + 1) * RECORD_ROWS : last + 1),
      `session of space ${space} goes on at ${lastSeq}`,
    );
  }
}

async function killAgainAndAgain(runs: number, limitOf: () => Limit): Promise<Told> {
  using directory = temporaryDirectory();
  const told: Told = { kept: new Set(), removed: 0, reclaimed: 0 };
  for (let run = 0; run < runs; run++) {
    await runUntilKilled(directory.path, limitOf(), told);
    await check(directory.path, told);
  }
  return told;
}

before(async () => {
  using directory = temporaryDirectory();
  await once(start(directory.path, "exit"), "exit");
});

test(`killed ${RUNS} times while it appends: nothing acknowledged is lost, nothing is half there`, async () => {
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    const rng = createRng(lane + 1);
    return killAgainAndAgain(Math.ceil(RUNS / LANES), () => ({ lines: 1 + Math.floor(rng() ** 3 * 300) }));
  });
  for (const { kept } of await Promise.all(lanes)) assert.ok(kept.size > RUNS);
});

test(`killed ${RECLAIM_RUNS} times while it reclaims: nothing acknowledged and alive is lost, nothing comes back`, async () => {
  const rng = createRng(7);
  const told = await killAgainAndAgain(RECLAIM_RUNS, () => ({ reclaimed: 1 + Math.floor(rng() * 5) }));
  assert.ok(told.reclaimed >= RECLAIM_RUNS && told.removed > 50);
});
