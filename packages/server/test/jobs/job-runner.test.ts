import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MillraceError, toErrorBody } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import { INGEST_TRIES_MAX } from "../../src/limits.ts";
import { openBench, SPACE, STORED, sources, until } from "./job-bench.ts";

const TERMINAL = ["job.done", "job.error", "job.interrupted"];
const terminalOf = (frames: readonly { type: string }[]) =>
  frames.map(({ type }) => type).filter((type) => TERMINAL.includes(type));

test("I7: the outcome that settles the last source and the job's end are one write", async () => {
  await using bench = await openBench();
  const writes: string[] = [];
  bench.sequencer.before = (types) => void writes.push(types.join(" "));
  const job = await bench.runner.start(SPACE, sources(1));
  await bench.ended(job);
  assert.equal(writes.at(-1), "document.stored job.done");
  assert.deepEqual(terminalOf(await bench.frames(job)), ["job.done"]);
});

test("a job that was left settled but not ended is ended by the next start as what it is", async () => {
  await using bench = await openBench();
  const about = { createdMs: bench.clock.now(), space: SPACE };
  const error = toErrorBody(new MillraceError("no_text", "empty"));
  for (const [job, state] of [
    ["j1", "stored"],
    ["j2", "failed"],
  ] as const) {
    await bench.storage.write("jobs.create", { ...about, job, sources: sources(1) });
    await bench.storage.write("jobs.settle", { job, index: 0, state, error, chunks: 2, bytes: 10 });
  }
  await bench.storage.write("jobs.create", { ...about, job: "j3", sources: sources(1) });
  await bench.runner.recover();
  const states = await Promise.all(["j1", "j2", "j3"].map(async (job) => (await bench.job(job)).state));
  assert.deepEqual(states, ["done", "error", "interrupted"]);
  assert.deepEqual(terminalOf(await bench.frames("j1")), ["job.done"]);
  assert.equal(bench.runner.running, 0);
});

test("resuming an interrupted job without an open source ends at once", async () => {
  await using bench = await openBench();
  const created = { job: "j1", space: SPACE, createdMs: bench.clock.now(), sources: sources(1) };
  await bench.storage.write("jobs.create", created);
  await bench.storage.write("jobs.settle", { job: "j1", index: 0, state: "stored", error: null, chunks: 2, bytes: 10 });
  await bench.storage.write("jobs.end", { job: "j1", state: "interrupted", endedMs: bench.clock.now() });
  const resumed = await bench.runner.resume("j1");
  await bench.ended(resumed);
  assert.equal((await bench.job(resumed)).state, "done");
});

test("a cancel while an outcome is being written waits for it: the last frame counts what the rows hold", async () => {
  for (const count of [1, 2]) {
    let release = () => {};
    const second = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using bench = await openBench({
      ingest: async ({ source }) => {
        if (source.index === 1) await second;
        return STORED;
      },
    });
    let cancelled: Promise<unknown> | undefined;
    bench.sequencer.before = (types) => {
      if (!types.includes("document.stored") || cancelled) return;
      cancelled = bench.runner.cancel(job).catch((error: MillraceError) => error.code);
    };
    const job = await bench.runner.start(SPACE, sources(count));
    await bench.ended(job);
    release();
    const { state, stored, open } = await bench.job(job);
    assert.deepEqual([state, stored, open], count === 1 ? ["done", 1, 0] : ["interrupted", 1, 1]);
    assert.equal(await cancelled, count === 1 ? "conflict" : undefined);
    const frames = await bench.frames(job);
    assert.deepEqual(terminalOf(frames), [count === 1 ? "job.done" : "job.interrupted"]);
    const last = frames.at(-1)?.data as { stored: number } | undefined;
    assert.equal(last?.stored, 1);
  }
});

test("a source that meets a full disk or a full queue is tried again and not marked failed", async () => {
  let tries = 0;
  const codes = ["storage_full", "overloaded", "storage_failed"] as const;
  await using bench = await openBench({
    ingest: async () => {
      const code = codes[tries++];
      if (code) throw new MillraceError(code, "not now", { retryAfterMs: 5_000 });
      return STORED;
    },
  });
  const job = await bench.runner.start(SPACE, sources(1));
  await until(() => {
    bench.clock.advance(1_000);
    return bench.runner.running === 0;
  });
  assert.equal(tries, codes.length + 1);
  const { state, stored, failed } = await bench.job(job);
  assert.deepEqual([state, stored, failed], ["done", 1, 0]);
});

test("a source that the engine cannot take is left open: the rest is stored, and a resume tries it again", async () => {
  let isFull = true;
  let tries = 0;
  await using bench = await openBench({
    ingest: async ({ source }) => {
      if (source.source !== "f0.txt" || !isFull) return STORED;
      tries++;
      throw new MillraceError("storage_full", "the disk is full");
    },
  });
  const job = await bench.runner.start(SPACE, sources(3));
  await until(() => {
    bench.clock.advance(1_000);
    return bench.runner.running === 0;
  });
  assert.equal(tries, INGEST_TRIES_MAX);
  const { state, stored, failed, open } = await bench.job(job);
  assert.deepEqual([state, stored, failed, open], ["interrupted", 2, 0, 1]);
  isFull = false;
  const resumed = await bench.runner.resume(job);
  await bench.ended(resumed);
  assert.equal((await bench.job(resumed)).state, "done");
});

const FILLER = "fill" as StreamId;

/** Writes until the store takes nothing more, not even a small frame. */
async function fill(bench: Awaited<ReturnType<typeof openBench>>): Promise<void> {
  for (const chars of [50_000, 4_000, 10]) {
    for (let isFull = false; !isFull; ) {
      const event = { type: "log", data: "x".repeat(chars) };
      await bench.sequencer.append(FILLER, [event]).catch((error: MillraceError) => {
        assert.equal(error.code, "storage_full");
        isFull = true;
      });
    }
  }
}

test("on a full disk a cancel says so and stops the job, whose end is written once there is room", async () => {
  await using bench = await openBench();
  const job = await bench.runner.start(SPACE, sources(1, "waiting"));
  bench.sequencer.before = (types) => {
    if (types.includes("job.interrupted")) throw new MillraceError("storage_full", "full");
  };
  await assert.rejects(bench.runner.cancel(job), { code: "storage_full" });
  await assert.rejects(bench.runner.receive(job, 0, null, new Uint8Array(3)), { code: "conflict" });
  bench.sequencer.before = () => {};
  await until(() => {
    bench.clock.advance(1_000);
    return bench.runner.running === 0;
  });
  assert.equal((await bench.job(job)).state, "interrupted");
  assert.deepEqual(terminalOf(await bench.frames(job)), ["job.interrupted"]);
});

test("on a full disk a start recovers what it can, and a space goes with its jobs", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-jobs-"));
  const options = { directory, bytesMax: 600_000 };
  try {
    const running: string[] = [];
    {
      await using bench = await openBench(options);
      for (let n = 0; n < 40; n++) running.push(await bench.runner.start(SPACE, sources(3, "waiting")));
      await fill(bench);
    }
    await using bench = await openBench(options);
    await bench.runner.recover();
    await bench.runner.removeSpace(SPACE, ({ streams, alongside }) => bench.sequencer.remove(streams, alongside));
    assert.equal(bench.runner.running, 0);
    for (const job of running) await assert.rejects(bench.job(job), { code: "not_found" });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("an upload on its way to the disk cannot be withdrawn, and one that is withdrawn takes no bytes", async () => {
  await using bench = await openBench();
  const job = await bench.runner.start(SPACE, sources(2, "waiting"));
  const received = bench.runner.receive(job, 0, null, new Uint8Array(3));
  await assert.rejects(bench.runner.withdraw(job, 0), { code: "conflict" });
  await received;
  const withdrawn = bench.runner.withdraw(job, 1);
  await assert.rejects(bench.runner.receive(job, 1, null, new Uint8Array(3)), { code: "conflict" });
  await withdrawn;
  await bench.ended(job);
  const { stored, failed } = await bench.job(job);
  assert.deepEqual([stored, failed], [1, 1]);
});

test("a space takes no job while it is deleted; a job that is just starting or ending goes with it", async () => {
  await using bench = await openBench();
  const starting = bench.runner.start(SPACE, sources(1, "waiting"));
  let during: Promise<unknown> = Promise.resolve();
  await bench.runner.removeSpace(SPACE, async ({ streams, alongside }) => {
    during = bench.runner.start(SPACE, sources(1)).catch((error: MillraceError) => [error.code, error.retryable]);
    await during;
    await bench.sequencer.remove(streams, alongside);
  });
  assert.deepEqual(await during, ["conflict", true]);
  const job = await starting;
  await assert.rejects(bench.job(job), { code: "not_found" });
  await assert.rejects(bench.frames(job), { code: "not_found" });
  const ending = await bench.runner.start(SPACE, sources(1));
  await bench.runner.removeSpace(SPACE, ({ streams, alongside }) => bench.sequencer.remove(streams, alongside));
  await assert.rejects(bench.frames(ending), { code: "not_found" });
});
