import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { createRng, randomBelow } from "@millrace/core";
import { events, STREAM, temporaryDirectory, upTo } from "../fixture.ts";
import { assertSound, openRetained, seqsOf } from "./fixture.ts";

type Said = { head: number; first: number };

/** Lets the process append and trim until it has said `lines` lines, then kills it in whatever it is doing; or until it has made `steps`. */
async function runAndKill(directory: string, { lines, steps }: { lines?: number; steps?: number }): Promise<Said> {
  const script = join(import.meta.dirname, "trim-process.ts");
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(
    process.execPath,
    [...flags, script, directory, ...(steps === undefined ? [] : [String(steps)])],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const said: Said = { head: 0, first: 1 };
  let heard = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, value] = line.split(" ");
    said[what === "head" ? "head" : "first"] = Number(value);
    if (++heard === lines) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return said;
}

test("I1, I4: kill -9 amid trimming leaves the stream whole from its first on, its counters right, and nothing acknowledged lost", async () => {
  const rng = createRng(11);
  const between = [1, 2, 3].map((steps) => ({ steps }));
  const anywhere = Array.from({ length: 5 }, () => ({ lines: 8 + randomBelow(rng, 14) }));
  for (const [round, when] of [...between, ...anywhere].entries()) {
    using place = temporaryDirectory();
    const said = await runAndKill(place.path, when);
    await assertSound(place.path);
    await using log = await openRetained({ directory: place.path, isKept: true });
    const { first, head, frames, isDefault } = await log.retention.state(STREAM);
    assert.ok(head >= said.head, `round ${round}: ${said.head} was acknowledged, the log ends at ${head}`);
    assert.ok(first >= said.first, `round ${round}: ${said.first} was the first, now it is ${first}`);
    assert.equal(frames, head - first + 1);
    assert.deepEqual(await seqsOf(log), upTo(head, first));
    if ("steps" in when) assert.ok(first > 1 && frames > 700, `${frames} frames from ${first}: between two steps`);
    await log.retention.sweep();
    assert.equal((await log.retention.state(STREAM)).frames, isDefault ? frames : Math.min(frames, 700));
    assert.equal((await log.sequencer.append(STREAM, events(1))).firstSeq, head + 1);
    await assertSound(place.path);
  }
});
