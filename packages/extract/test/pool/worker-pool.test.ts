import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { on } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BroadcastChannel } from "node:worker_threads";
import { ManualClock } from "@millrace/core";
import { WorkerPool, type WorkerPoolOptions } from "../../src/pool/worker-pool.ts";
import type { TrialJob, TrialResult } from "./trial-worker.ts";

const trialUrl = new URL("./trial-worker.ts", import.meta.url);
const TIMEOUT_MS = 120_000;

function trialPool(options: Partial<WorkerPoolOptions> = {}): WorkerPool<TrialJob, TrialResult> {
  return new WorkerPool({ url: trialUrl, workers: 1, ...options });
}

/** Runs `run` while threads die at their start: all of them, or only the first. */
async function withDeaths(which: "all" | "first", run: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-pool-"));
  process.env.TRIAL_WORKER_DIES = which === "all" ? "always" : join(folder, "died");
  try {
    await run();
  } finally {
    delete process.env.TRIAL_WORKER_DIES;
    rmSync(folder, { recursive: true });
  }
}

/** Runs `run` while each thread waits at its start: `starting` settles when the next is there, and `open` lets it go on. */
async function withHeldStarts(
  run: (gate: { readonly starting: () => Promise<void>; readonly open: () => void }) => Promise<void>,
): Promise<void> {
  const name = `millrace-pool-${randomUUID()}`;
  const channel = new BroadcastChannel(name);
  const arrived = on(channel as unknown as EventTarget, "message");
  process.env.TRIAL_WORKER_HELD = name;
  try {
    await run({
      starting: async () => void (await arrived.next()),
      open: () => channel.postMessage("open"),
    });
  } finally {
    delete process.env.TRIAL_WORKER_HELD;
    await arrived.return?.();
    channel.close();
  }
}

function jobOf(source: string, length = 3): TrialJob {
  return { source, bytes: new Uint8Array(length).fill(65) };
}

test("a stuck job ends with its worker at its deadline, and the next job is answered by another", async () => {
  const clock = new ManualClock();
  await using pool = trialPool({ clock });
  const first = await pool.run(jobOf("warm"), { timeoutMs: 5_000 });
  const stuck = pool.run(jobOf("spin"), { timeoutMs: 5_000 });
  const next = pool.run(jobOf("next"), { timeoutMs: 60_000 });
  const refused = assert.rejects(stuck, { code: "timeout", message: /spin.*5000 ms/ });
  clock.advance(4_999);
  assert.equal(pool.stats().busy, 1);
  assert.equal(pool.stats().retired.timeout, 0, "not before the deadline");
  clock.advance(1);
  await refused;
  assert.equal(pool.stats().retired.timeout, 1, "and at the deadline, not later");
  assert.notEqual((await next).thread, first.thread);
  assert.equal(pool.stats().started, 2);
});

test("a job that needs too much memory is refused by name; the next is answered", async () => {
  await using pool = trialPool({ heapMb: 32 });
  await assert.rejects(pool.run(jobOf("hog.html"), { timeoutMs: TIMEOUT_MS }), {
    code: "too_large",
    message: /hog\.html.*32 MB/,
  });
  assert.equal((await pool.run(jobOf("next"), { timeoutMs: TIMEOUT_MS })).source, "next");
  assert.equal(pool.stats().retired.outOfMemory, 1);
});

test("a job that kills its worker fails alone and is not tried again", async () => {
  await using pool = trialPool();
  const killer = pool.run(jobOf("exit"), { timeoutMs: TIMEOUT_MS });
  const others = [1, 2, 3].map((n) => pool.run(jobOf(`other ${n}`), { timeoutMs: TIMEOUT_MS }));
  await assert.rejects(killer, { code: "internal", message: /exit.*code 7/ });
  assert.deepEqual(
    (await Promise.all(others)).map(({ source }) => source),
    ["other 1", "other 2", "other 3"],
  );
  const { retired, retried, started } = pool.stats();
  assert.deepEqual([retired.crash, retried, started], [1, 0, 2]);
});

test("a job whose worker dies before it begins goes to another worker, once", async () => {
  await withDeaths("first", async () => {
    await using pool = trialPool();
    assert.equal((await pool.run(jobOf("second chance"), { timeoutMs: TIMEOUT_MS })).length, 3);
    const { retired, retried, started } = pool.stats();
    assert.deepEqual([retired.failedStart, retried, started], [1, 1, 2]);
  });
});

test("workers that never start fail each job after two tries and do not start for ever", async () => {
  await withDeaths("all", async () => {
    await using pool = trialPool({ isPrestarted: true });
    const error = { code: "unavailable", message: /before it began a\.html.*code 3/ };
    await assert.rejects(pool.run(jobOf("a.html"), { timeoutMs: TIMEOUT_MS }), error);
    assert.equal(pool.stats().retired.failedStart, 2);
    assert.equal(pool.workers, 0);
  });
});

test("bytes that were given away and died with their worker are not tried again", async () => {
  await withDeaths("first", async () => {
    await using pool = trialPool();
    const given = pool.run(jobOf("given"), { timeoutMs: TIMEOUT_MS, transfer: true });
    await assert.rejects(given, { code: "unavailable", retryable: true });
  });
});

test("one worker answers a thousand jobs", async () => {
  await using pool = trialPool({ waitingMax: 1_000, jobsPerWorkerMax: 1_000 });
  const jobs = Array.from({ length: 1_000 }, (_, at) => pool.run(jobOf(`job ${at}`), { timeoutMs: TIMEOUT_MS }));
  const threads = new Set((await Promise.all(jobs)).map(({ thread }) => thread));
  const { started, jobs: answered, reused, reuseRate, retired, queueWaitUs } = pool.stats();
  assert.equal(threads.size, 1);
  assert.deepEqual([started, answered, reused, reuseRate], [1, 1_000, 999, 0.999]);
  assert.equal(retired.jobs, 1);
  assert.equal(queueWaitUs.count, 1_000);
  assert.ok(queueWaitUs.max >= queueWaitUs.p99 && queueWaitUs.p99 >= queueWaitUs.p50);
});

test("a worker above the memory watermark is retired after its job, buffers and WASM memory counted", async () => {
  // Each of the two jobs keeps 64 MB; what the thread itself holds, some 30 MB, stays below that.
  await using pool = trialPool({ memoryBytesMax: 128 * 1024 * 1024 });
  const run = (source: string) => pool.run(jobOf(source), { timeoutMs: TIMEOUT_MS });
  const first = await run("small");
  assert.equal((await run("keep")).thread, first.thread);
  assert.equal(pool.stats().retired.memory, 0);
  assert.ok(pool.stats().memoryBytesMax > 64 * 1024 * 1024);
  assert.equal((await run("wasm")).thread, first.thread, "the job that crosses the mark is answered");
  assert.equal(pool.stats().retired.memory, 1);
  assert.notEqual((await run("small")).thread, first.thread);
});

test("a job cancelled while it waits touches no worker", async () => {
  await using pool = trialPool();
  const controller = new AbortController();
  const running = pool.run(jobOf("first"), { timeoutMs: TIMEOUT_MS });
  const waiting = pool.run(jobOf("waits"), { timeoutMs: TIMEOUT_MS, signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { code: "cancelled", message: /waits/ });
  assert.equal(pool.waiting, 0);
  await running;
  assert.deepEqual([pool.stats().started, pool.stats().retired.cancelled], [1, 0]);
});

test("a cancelled job that ends within the grace leaves its worker; a stuck one takes it along", async () => {
  const clock = new ManualClock();
  await using pool = trialPool({ clock });
  const brief = new AbortController();
  const cancelled = pool.run(jobOf("brief"), { timeoutMs: 60_000, signal: brief.signal });
  const next = pool.run(jobOf("next"), { timeoutMs: 60_000 });
  brief.abort();
  await assert.rejects(cancelled, { code: "cancelled" });
  await next;
  assert.deepEqual([pool.stats().started, pool.stats().retired.cancelled, pool.stats().reused], [1, 0, 1]);
  const long = new AbortController();
  const stuck = pool.run(jobOf("spin"), { timeoutMs: 60_000, signal: long.signal });
  const after = pool.run(jobOf("after"), { timeoutMs: 60_000 });
  long.abort();
  await assert.rejects(stuck, { code: "cancelled" });
  clock.advance(99);
  assert.equal(pool.stats().retired.cancelled, 0);
  clock.advance(1);
  assert.equal(pool.stats().retired.cancelled, 1);
  assert.equal((await after).source, "after");
});

test("the wait of a job lasts until its thread begins it, its start included", async () => {
  const clock = new ManualClock();
  await withHeldStarts(async ({ starting, open }) => {
    await using pool = trialPool({ clock });
    const first = pool.run(jobOf("first"), { timeoutMs: 60_000 });
    const second = pool.run(jobOf("second"), { timeoutMs: 60_000 });
    await starting();
    clock.advance(250);
    assert.equal(pool.stats().queueWaitUs.count, 0, "posted to a thread that still starts, it waits");
    open();
    await Promise.all([first, second]);
    await pool.run(jobOf("third"), { timeoutMs: 60_000 });
    const { count, p50, max } = pool.stats().queueWaitUs;
    assert.deepEqual([count, max], [3, 250_000]);
    assert.ok(p50 >= 240_000, `the second waited as long: ${p50} µs`);
  });
});

test("a job that its caller gave up while its thread started counts no wait", async () => {
  await withHeldStarts(async ({ starting, open }) => {
    await using pool = trialPool({ clock: new ManualClock() });
    const leaving = new AbortController();
    const left = pool.run(jobOf("left"), { timeoutMs: 60_000, signal: leaving.signal });
    await starting();
    leaving.abort();
    await assert.rejects(left, { code: "cancelled" });
    const next = pool.run(jobOf("next"), { timeoutMs: 60_000 });
    open();
    await next;
    assert.equal(pool.stats().queueWaitUs.count, 1);
  });
});

test("no thread is started for a job whose caller has given up, though it hears of it later", async () => {
  const clock = new ManualClock();
  await using pool = trialPool({ clock });
  await pool.run(jobOf("warm"), { timeoutMs: 60_000 });
  const batch = new AbortController();
  const options = { timeoutMs: 60_000, signal: batch.signal };
  const jobs = [pool.run(jobOf("spin"), options), pool.run(jobOf("waits"), options), pool.run(jobOf("too"), options)];
  const refused = Promise.all(jobs.map((job) => assert.rejects(job, { code: "cancelled" })));
  // Past the grace, so that the thread ends with the first job, before the others hear of it.
  clock.advance(1_000);
  batch.abort();
  await refused;
  const { started, waiting, retired } = pool.stats();
  assert.deepEqual([started, waiting.interactive, retired.cancelled, pool.workers], [1, 0, 1, 0]);
});

test("interactive jobs go before bulk ones, which get every ninth turn", async () => {
  await using pool = trialPool();
  const order: string[] = [];
  const add = (source: string, priority: "interactive" | "bulk") =>
    pool.run(jobOf(source), { timeoutMs: TIMEOUT_MS, priority }).then(() => order.push(source));
  const jobs = [
    add("first", "bulk"),
    ...Array.from({ length: 3 }, (_, at) => add(`bulk ${at}`, "bulk")),
    ...Array.from({ length: 17 }, (_, at) => add(`asked ${at}`, "interactive")),
  ];
  await Promise.all(jobs);
  const asked = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `asked ${from + at}`);
  assert.deepEqual(order, ["first", ...asked(0, 8), "bulk 0", ...asked(8, 16), "bulk 1", "asked 16", "bulk 2"]);
});

test("bulk jobs leave a quarter of the queue to others", async () => {
  await using pool = trialPool({ waitingMax: 8 });
  const settle = (priority: "interactive" | "bulk", count: number) =>
    Array.from({ length: count }, () => pool.run(jobOf("a"), { timeoutMs: TIMEOUT_MS, priority }));
  const outcomes = await Promise.allSettled([...settle("bulk", 10), ...settle("interactive", 3)]);
  const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "ok"));
  const refused = "overloaded";
  const ok = "ok";
  assert.deepEqual(codes, [ok, ok, ok, ok, ok, ok, ok, refused, refused, refused, ok, ok, refused]);
});

test("given bytes are moved, others are left as they are, and a view goes without the rest of its buffer", async () => {
  await using pool = trialPool();
  const given = jobOf("given", 1_000);
  assert.equal((await pool.run(given, { timeoutMs: TIMEOUT_MS, transfer: true })).length, 1_000);
  assert.equal(given.bytes.length, 0);
  const kept = jobOf("kept", 1_000);
  assert.equal((await pool.run(kept, { timeoutMs: TIMEOUT_MS })).length, 1_000);
  assert.equal(kept.bytes.length, 1_000);
  const whole = new Uint8Array(1_000).fill(65);
  const part = { source: "part", bytes: whole.subarray(10, 20) };
  assert.equal((await pool.run(part, { timeoutMs: TIMEOUT_MS, transfer: true })).length, 10);
  assert.equal(whole.length, 1_000, "a view gives away nothing of its neighbours");
});

test("a prestarted pool has a worker before its first job, and again after a retirement", async () => {
  await using pool = trialPool({ isPrestarted: true, jobsPerWorkerMax: 1 });
  assert.equal(pool.workers, 1);
  await pool.run(jobOf("only"), { timeoutMs: TIMEOUT_MS });
  assert.deepEqual([pool.workers, pool.stats().started], [1, 2]);
});

test("what a job throws comes back with its code", async () => {
  await using pool = trialPool();
  await assert.rejects(pool.run(jobOf("refuse.html"), { timeoutMs: TIMEOUT_MS }), {
    code: "no_text",
    message: "refuse.html holds no text",
  });
  assert.equal(pool.workers, 1);
});

test("closing ends what runs and what waits, and refuses what comes", async () => {
  const pool = trialPool();
  const jobs = ["spin", "waits"].map((source) => pool.run(jobOf(source), { timeoutMs: TIMEOUT_MS }));
  const ended = Promise.all(jobs.map((job) => assert.rejects(job, { code: "unavailable" })));
  await pool[Symbol.asyncDispose]();
  await ended;
  assert.equal(pool.workers, 0);
  await assert.rejects(pool.run(jobOf("late"), { timeoutMs: TIMEOUT_MS }), { code: "unavailable" });
});

test("options out of range are refused by name", () => {
  assert.throws(() => trialPool({ workers: 17 }), { code: "invalid_argument", message: /workers is 17.*1 to 16/ });
});
