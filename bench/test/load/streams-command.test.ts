import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const cli = join(import.meta.dirname, "../../../packages/cli/src/main.ts");

async function millrace(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["--conditions=source", "--disable-warning=ExperimentalWarning", cli, ...args]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

const SHORT = ["--subscribers", "5", "--seconds", "1", "--warmup", "0.2", "--json"];

const RUNS: Readonly<Record<string, readonly string[]>> = {
  "over WebSockets": [],
  "over server-sent events, appended by HTTP": ["--transport", "sse", "--writer", "http"],
  "compact, in two processes, over three streams": ["--format", "compact", "--generators", "2", "--streams", "3"],
  saturated: ["--rate", "0"],
  "of a peer": ["--target", "plain-ws"],
};

for (const [label, more] of Object.entries(RUNS)) {
  test(`millrace bench streams measures a run ${label}`, async () => {
    const { code, stdout, stderr } = await millrace("bench", "streams", ...SHORT, ...more);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    const { deliveriesPerSecond, latencyMs, cpuMicrosPerDelivery, rssMb, lost, duplicated, reordered } = result;
    assert.deepEqual({ lost, duplicated, reordered }, { lost: 0, duplicated: 0, reordered: 0 });
    assert.ok(deliveriesPerSecond > 0);
    assert.ok(latencyMs.p50 > 0 && latencyMs.p50 <= latencyMs.p99, JSON.stringify(latencyMs));
    assert.ok(result.ackMs.p50 > 0 && result.generatorCpu >= 0);
    if (existsSync("/proc/self/stat")) {
      assert.ok(cpuMicrosPerDelivery >= 0 && rssMb > 10);
      // Processor time is told in hundredths of a second: only a load that takes all there is surely uses some.
      if (label === "saturated") assert.ok(cpuMicrosPerDelivery > 0);
    }
    const streams = Math.max(1, Number(more[more.indexOf("--streams") + 1]) || 1);
    if (more.includes("--rate")) return;
    // 1.2 s at 50/s; every subscriber gets the measured frames of its stream.
    assert.ok(Math.abs(result.sent - 60 * streams) <= streams, `${result.sent} sent`);
    assert.ok(Math.abs(result.deliveries - 50 * 5) <= 5 * 2, `${result.deliveries} deliveries`);
  });
}

test("what cannot be run is said with exit code 2", async () => {
  const tooMany = await millrace("bench", "streams", "--subscribers", "1000000");
  assert.equal(tooMany.code, 2);
  assert.match(tooMany.stderr, /--subscribers is 1000000; it must be a whole number from 0 to 20000/);
  assert.match((await millrace("bench", "streams", "--transport", "udp")).stderr, /it must be one of ws, sse/);
  assert.match((await millrace("bench", "streams", "--speed", "9")).stderr, /--subscribers N=100/);
  const nobody = await millrace("bench", "streams", "--url", "http://127.0.0.1:9", "--subscribers", "1");
  assert.equal(nobody.code, 2);
  assert.match(nobody.stderr, /ECONNREFUSED/);
});
