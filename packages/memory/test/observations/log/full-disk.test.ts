import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ObservationLog } from "../../../src/observations/log/observation-log.ts";
import { assertRecords, observations, readAll, temporaryDirectory } from "./fixture.ts";

const child = fileURLToPath(new URL("./limited-process.ts", import.meta.url));
const FILE_BYTES = 1_000_000;

test("a kernel that refuses to let the file grow: the append fails as storage_full, leaves nothing, and later ones work again", async () => {
  using directory = temporaryDirectory();
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
  const limited = spawn(process.execPath, [...flags, child, directory.path], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(limited, "exit");
  const lines = createInterface({ input: limited.stdout })[Symbol.asyncIterator]();
  const said = async (): Promise<string> => String((await lines.next()).value);
  assert.equal(await said(), "open");
  execFileSync("prlimit", ["--pid", String(limited.pid), `--fsize=${FILE_BYTES}:unlimited`]);
  const kept: number[] = [];
  const append = async (row: number): Promise<string> => {
    limited.stdin.write(`${row}\n`);
    const outcome = await said();
    if (outcome === "kept") kept.push(row);
    return outcome;
  };
  let row = 0;
  let outcome = "kept";
  for (; outcome === "kept"; row += 8) outcome = await append(row);
  assert.equal(outcome, "storage_full");
  assert.ok(kept.length > 20 && kept.length < FILE_BYTES / 32_000);
  assert.equal(await append(row), "storage_full");
  execFileSync("prlimit", ["--pid", String(limited.pid), "--fsize=unlimited:unlimited"]);
  for (let more = 0; more < 5; more++) assert.equal(await append(row + 8 + more * 8), "kept");
  limited.kill("SIGKILL");
  await exited;
  await using log = await ObservationLog.open({ directory: directory.path });
  assert.deepEqual(log.recovered.findings, []);
  assertRecords(
    readAll(undefined, log.recovered, directory.path),
    kept.map((firstRow) => observations({ firstRow, count: 8, dims: 1_000 })),
  );
});
