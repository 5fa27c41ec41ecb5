import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { createClient, type Frame } from "@millrace/client";
import { createRng, randomBelow } from "@millrace/core";
import { temporaryDirectory } from "./support/engine.ts";

type Running = { readonly child: ChildProcess; readonly url: string };

async function startProcess(directory: string): Promise<Running> {
  const script = join(import.meta.dirname, "support/engine-process.ts");
  const child = spawn(process.execPath, ["--conditions=source", script, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const [url] = (await once(lines, "line")) as [string];
  return { child, url };
}

async function kill({ child }: Running): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

const COUNT = 60;
const word = (n: number) => `quern${String.fromCharCode(97 + (n % 26))}${n}`;
const files = Array.from({ length: COUNT }, (_, n) => ({
  source: `doc-${n}.txt`,
  text: `Document ${n} is about ${word(n)}. ${"Water turns the wheel and the wheel turns the stone. ".repeat(30)}`,
}));

const storedOf = (frames: readonly Frame[]) =>
  frames.flatMap(({ type, data }) => (type === "document.stored" ? [(data as { source: string }).source] : []));

/** Announced and never sent, so that the job is open whenever the process is killed. */
const MISSING = { source: "missing.txt", upload: true } as const;

/** Adds the files, kills the process after `frames` frames of the job or when all but one are stored, and gives what had been reported by then. */
async function addAndKill(directory: string, frames: number): Promise<{ job: string; reported: string[] }> {
  const running = await startProcess(directory);
  const client = createClient({ url: running.url });
  const job = await client.space("s").add([...files, MISSING]);
  const seen: Frame[] = [];
  for await (const frame of client.stream(job.stream).subscribe()) {
    seen.push(frame);
    if (seen.length >= frames || storedOf(seen).length === COUNT) break;
  }
  await kill(running);
  client.close();
  return { job: job.job, reported: storedOf(seen) };
}

test("I4, I7: kill -9 during add loses nothing reported, shows the job as interrupted, and resuming it stores the rest", async () => {
  const rng = createRng(20);
  for (let round = 0; round < 4; round++) {
    const directory = temporaryDirectory();
    const { job, reported } = await addAndKill(directory, 2 + randomBelow(rng, 150));
    const running = await startProcess(directory);
    const client = createClient({ url: running.url });
    try {
      const space = client.space("s");
      for (const source of reported) {
        const n = Number(/\d+/.exec(source)?.[0]);
        const { results } = await space.recall({ query: word(n), mode: "text" });
        assert.equal(results[0]?.source, source, `round ${round}: ${source} was reported stored`);
      }
      const found = await client.job(job).get();
      assert.equal(found.state, "interrupted");
      assert.ok(found.stored >= reported.length);
      await resumeAndCheck(client, job, found.open);
      await checkLog(client, job);
    } finally {
      await kill(running);
      client.close();
      rmSync(directory, { recursive: true, force: true });
    }
  }
});

async function resumeAndCheck(client: ReturnType<typeof createClient>, job: string, open: number): Promise<void> {
  const resumed = await client.job(job).resume();
  assert.equal(resumed.total, open);
  assert.equal(resumed.resumes, job);
  await client.job(resumed.job).putSource(resumed.total - 1, new TextEncoder().encode("It came after all."));
  for await (const { type } of client.stream(resumed.stream).subscribe()) if (type === "job.done") break;
  const { documents } = await client.space("s").documents({ limit: 1_000 });
  assert.deepEqual(
    documents.map(({ source }) => source).sort(),
    [...files, MISSING].map(({ source }) => source).sort(),
  );
  for (const mode of ["text", "vector"] as const) {
    const { results } = await client.space("s").recall({ query: `Document about ${word(COUNT - 1)}`, mode, k: 100 });
    assert.ok(results.length > 0, mode);
  }
  await assert.rejects(client.job(job).resume(), { code: "conflict" });
}

/** I1, I7: numbers without a hole, and exactly one terminal frame, the last. */
async function checkLog(client: ReturnType<typeof createClient>, job: string): Promise<void> {
  const frames: Frame[] = [];
  for (let after: string | undefined; ; ) {
    const page = await client.stream(`job:${job}`).frames(after === undefined ? { limit: 500 } : { after, limit: 500 });
    frames.push(...page.frames);
    after = page.cursor;
    if (!page.more) break;
  }
  assert.deepEqual(
    frames.map(({ seq }) => seq),
    frames.map((_, at) => at + 1),
  );
  const terminal = frames.filter(({ type }) => ["job.done", "job.error", "job.interrupted"].includes(type));
  assert.deepEqual(
    terminal.map(({ type, seq }) => [type, seq]),
    [["job.interrupted", frames.length]],
  );
}
