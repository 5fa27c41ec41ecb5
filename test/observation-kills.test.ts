import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { temporaryDirectory } from "./support/engine.ts";

const script = join(import.meta.dirname, "support/observing-process.ts");
/** Kills in the suite; the release run has 200. */
const KILLS = Number(process.env.MILLRACE_KILLS ?? 10);

test(`I4: ${KILLS} times kill -9 while observing: everything acknowledged as durable is found, once`, async () => {
  const directory = temporaryDirectory();
  const rng = createRng(5);
  let durable = 0;
  try {
    for (let round = 0; round < KILLS; round++) {
      const before = durable;
      durable = await observeAndKill(directory, { durable, seed: round + 1, after: 1 + randomBelow(rng, 25) });
      assert.ok(durable > before, `round ${round} got something durable`);
    }
    await observeAndKill(directory, { durable, seed: 0, after: 0 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Runs the process until it has said `durable` so many times after it was ready; the last number it said. */
async function observeAndKill(
  directory: string,
  { durable, seed, after }: { readonly durable: number; readonly seed: number; readonly after: number },
): Promise<number> {
  const child = spawn(process.execPath, ["--conditions=source", script, directory, String(durable), String(seed)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => {
    complaint += String(data);
  });
  let last = durable;
  let isReady = false;
  let told = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") isReady = true;
    else if (isReady) {
      last = Number(line.slice("durable ".length));
      told++;
    }
    if (isReady && told >= after) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL", `the process failed by itself: ${complaint}`);
  return last;
}
