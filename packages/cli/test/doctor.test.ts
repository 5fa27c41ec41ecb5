import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkNode, checkWebAssembly } from "../src/doctor/runtime.ts";
import { DOCS, folder, runCommand, serve } from "./command.ts";

type Report = { ok: boolean; version: string; checks: { name: string; state: string; found: string; fix?: string }[] };
const find = (report: Report, name: string) => report.checks.find((check) => check.name === name);

test("doctor reports each part with its state, and what to do about those that are not ok", async () => {
  using place = folder();
  const { code, out } = await runCommand(["doctor", "--json", "--port", "0"], {
    cwd: place.path,
    env: { PATH: place.path },
  });
  assert.equal(code, 0);
  const report = JSON.parse(out) as Report;
  assert.equal(report.ok, true);
  // What of the disk is free is not the test's to say.
  assert.match(find(report, "Disk")?.state ?? "", /^(ok|warn)$/);
  for (const name of ["Node", "WebAssembly", "SQLite", "Data", "Port"])
    assert.equal(find(report, name)?.state, "ok", name);
  assert.match(find(report, "SQLite")?.found ?? "", /with FTS5/);
  for (const name of ["Chromium", "nats-server"]) {
    assert.equal(find(report, name)?.state, "warn", name);
    assert.match(find(report, name)?.fix ?? "", /apt-get install/);
  }
});

test("doctor sees a running engine, its port and its lock, and changes nothing", async () => {
  using place = folder(DOCS);
  await runCommand(["add", "docs"], { cwd: place.path });
  const idle = await runCommand(["doctor"], { cwd: place.path });
  assert.match(idle.out, /✓ ok {4}Data +\.\/\.millrace, [^\n]* free, schema [^\n]*log \d/);
  await using served = await serve(place.path);
  const { out } = await runCommand(["doctor", "--port", new URL(served.url).port], { cwd: place.path });
  assert.match(out, /Data .*held by a running engine/);
  assert.match(out, /Port .*an engine \d+\.\d+\.\d+ answers at http/);
});

test("a data directory that cannot be one fails, with exit code 1", async () => {
  using place = folder();
  writeFileSync(join(place.path, "file"), "x");
  const { code, out } = await runCommand(["doctor", "--data", "file"], { cwd: place.path });
  assert.match(out, /✗ fail +Data +file is a file\n +choose another --data/);
  assert.equal(code, 1);
});

test("an old Node fails; WebAssembly without SIMD or relaxed SIMD is a warning", () => {
  assert.equal(checkNode("20.19.0").state, "fail");
  assert.equal(checkNode("24.0.0").state, "ok");
  assert.equal(checkWebAssembly(() => false).state, "warn");
  assert.equal(checkWebAssembly().state, "ok");
});
