import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeResult } from "../src/result.ts";
import { resultOf } from "./results.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-bench-main-"));
after(() => rmSync(root, { recursive: true, force: true }));

function bench(...args: string[]) {
  const main = join(import.meta.dirname, "../src/main.ts");
  return spawnSync(process.execPath, ["--conditions=source", main, ...args], { encoding: "utf8" });
}

test("compare exits with 1 on a regression and with 0 without", () => {
  const [old, slower] = [join(root, "old"), join(root, "slower")];
  writeResult(old, resultOf("a/b", "latency", 100));
  writeResult(slower, resultOf("a/b", "latency", 200));
  const worse = bench("compare", old, slower);
  assert.equal(worse.status, 1);
  assert.match(worse.stdout, /a\/b figure .* 2\.00× +regression\n1 regressions, 0 missing of 1 figures/);
  assert.equal(bench("compare", slower, old).status, 0);
  assert.equal(JSON.parse(bench("compare", old, slower, "--json").stdout).regressions, 1);
});

test("run writes the result of a case and prints it as JSON", () => {
  const out = join(root, "out");
  const { status, stdout } = bench("run", "^core/histogram", "--repeats", "1", "--warmup", "0", "--out", out, "--json");
  assert.equal(status, 0);
  const [result] = JSON.parse(stdout);
  assert.equal(result.case, "core/histogram-record");
  assert.ok(result.figures.record.median > 0);
  assert.equal(bench("compare", join(out, "core.histogram-record.json"), out).status, 0);
});

test("what cannot be done is said on stderr with exit code 2", () => {
  assert.match(bench("run", "no-such-case").stderr, /no case matches "no-such-case"; there are core/);
  assert.match(bench("compare", join(root, "none"), root).stderr, /cannot be read/);
  assert.match(bench("dance").stderr, /bench list/);
  assert.equal(bench("run", "--repeats", "x").status, 2);
});

test("list names every case with its title", () => {
  assert.match(bench("list").stdout, /core\/histogram-record {2}/);
});
