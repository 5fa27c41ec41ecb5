import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { type Alert, type Frame, type SpaceId, toSpaceId } from "@millrace/client";
import type { Engine, EngineOptions } from "@millrace/server";
import { runCommand } from "../packages/cli/test/command.ts";
import { hasChromium, launchBrowser, openPage } from "./support/browser.ts";
import { startEngine, type TestEngine, temporaryDirectory } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { metricsUntil } from "./support/metrics.ts";

type AlertOptions = NonNullable<EngineOptions["alerts"]>;

const DIMS = 8;
const OBS = toSpaceId("obs");
/** Of the machine the tests run on nothing is asked. */
const QUIET: NonNullable<AlertOptions["rules"]> = {
  searchable_p99: false,
  utilisation: false,
  imbalance: false,
  memory: false,
  rejections: false,
  batch_failures: false,
  worker_down: false,
  depth: false,
};
const EVERY_MS = 20;

function batchOf(count: number, dims = DIMS) {
  const vectors = new Uint8Array(Float32Array.from({ length: count * dims }, (_, at) => Math.sin(at)).buffer);
  return { firstSeq: 0, lane: "normal", encoding: "f32", count, dims, meta: new Uint8Array(), vectors } as const;
}

/** Batches of ten, until all are searchable and durable. */
async function observe({ memory }: Engine, batches: number, space: SpaceId = OBS): Promise<void> {
  const session = await memory.ingest.open({ space, dims: DIMS });
  for (let batch = 0; batch < batches; batch++) session.submit(batchOf(10));
  await Promise.all([session.reached("searchable"), session.reached("durable")]);
  await session.close();
}

/** The next frames of `_system`, as `alert.raised rule`. */
async function framesOf(engine: TestEngine, count: number, after?: string): Promise<Frame<Alert>[]> {
  const frames: Frame<Alert>[] = [];
  for await (const frame of engine.client.stream("_system").subscribe(after === undefined ? {} : { after })) {
    frames.push(frame as Frame<Alert>);
    if (frames.length === count) break;
  }
  return frames;
}

const told = (frames: readonly Frame<Alert>[]) => frames.map(({ type, id }) => `${type} ${id}`);

async function alertsOf({ server }: TestEngine): Promise<readonly Alert[]> {
  return ((await (await fetch(`${server.url}/v1/alerts`)).json()) as { alerts: Alert[] }).alerts;
}

test("observations that are searchable too late raise an alert in _system, which is over once they have left the window", async () => {
  const rules = { ...QUIET, searchable_p99: { limit: 0.001, windowMs: 1_000 } };
  await using engine = await startEngine({ alerts: { everyMs: EVERY_MS, rules } });
  const raising = framesOf(engine, 1);
  let isRaised = false;
  void raising.then(() => {
    isRaised = true;
  });
  // Enough batches within one window, on a slow machine, too: they are sent until it is said.
  while (!isRaised) await observe(engine.server.engine, 20);
  const [raised] = await raising;
  assert.ok(raised);
  const { hint, value, ...alert } = raised.data;
  assert.deepEqual([raised.type, raised.id, raised.stream], ["alert.raised", "searchable_p99", "_system"]);
  assert.deepEqual(alert, { rule: "searchable_p99", limit: 0.001, unit: "ms", sinceMs: alert.sinceMs });
  assert.ok(value > 0.001 && raised.ts >= alert.sinceMs && hint.length > 20);
  const cursor = `${raised.epoch}:${raised.seq}`;
  const [cleared] = await framesOf(engine, 1, cursor);
  assert.deepEqual([cleared?.type, cleared?.seq, cleared?.data.sinceMs], ["alert.cleared", 2, alert.sinceMs]);
  assert.deepEqual(await alertsOf(engine), []);
  const metrics = await metricsUntil(engine, () => true);
  assert.equal(metrics.get('millrace_alerts_raised_total{rule="searchable_p99"}'), 1);
  assert.equal(metrics.get('millrace_alerts_active{rule="searchable_p99"}'), 0);
});

test("while an alert is active the overview, /v1/alerts and the metrics have it with its latest value", async () => {
  await using engine = await startEngine({ alerts: { everyMs: EVERY_MS, rules: { ...QUIET, memory: { limit: 1 } } } });
  await framesOf(engine, 1);
  const [[active], { alerts }] = await Promise.all([alertsOf(engine), engine.client.overview()]);
  assert.deepEqual([active?.rule, active?.limit, active?.unit], ["memory", 1, "bytes"]);
  assert.ok((active?.value ?? 0) > 10_000_000);
  assert.deepEqual(
    alerts.map(({ rule }) => rule),
    ["memory"],
  );
  const metrics = await metricsUntil(engine, (samples) => samples.get("millrace_alert_frames_waiting") === 0);
  assert.equal(metrics.get('millrace_alerts_active{rule="memory"}'), 1);
});

test("an index worker that ends, and observations that are refused, are alerts of their own", async () => {
  const rules = { ...QUIET, worker_down: { windowMs: 2_000 }, rejections: { windowMs: 2_000 } };
  const profileOverrides = { workers: 2 };
  await using engine = await startEngine({ profileOverrides, alerts: { everyMs: EVERY_MS, rules } });
  const { ingest } = engine.server.engine.memory;
  await observe(engine.server.engine, 1);
  await ingest.ingest.workers.threads[1]?.end();
  assert.deepEqual(told(await framesOf(engine, 1)), ["alert.raised worker_down/worker-1"]);
  const session = await ingest.open({ space: OBS, dims: DIMS });
  for (let batch = 0; batch < 20; batch++) {
    session.submit(batchOf(10));
    assert.throws(() => session.submit(batchOf(10, DIMS * 2)), { code: "dimension_mismatch" });
  }
  const frames = await framesOf(engine, 4);
  assert.deepEqual(told(frames).sort(), [
    "alert.cleared rejections",
    "alert.cleared worker_down/worker-1",
    "alert.raised rejections",
    "alert.raised worker_down/worker-1",
  ]);
  const refused = frames.find(({ type, id }) => type === "alert.raised" && id === "rejections");
  assert.ok((refused?.data.value ?? 0) > 1 && (refused?.data.value ?? 0) <= 51, `${refused?.data.value} %`);
});

test("what an engine left open is over when the next one starts; what still holds is raised anew", async () => {
  const directory = temporaryDirectory();
  const run = async (rules: AlertOptions["rules"] & object, frames: number) => {
    await using engine = await startEngine({ directory, alerts: { everyMs: EVERY_MS, rules } });
    return await framesOf(engine, frames);
  };
  const isWatching = { ...QUIET, memory: { limit: 1 } };
  assert.deepEqual(told(await run(isWatching, 1)), ["alert.raised memory"]);
  const [, cleared] = await run(QUIET, 2);
  assert.deepEqual([cleared?.type, cleared?.id], ["alert.cleared", "memory"]);
  assert.match(cleared?.data.hint ?? "", /started again/);
  assert.deepEqual(told(await run(isWatching, 3)).slice(2), ["alert.raised memory"]);
  const all = told(await run(isWatching, 5));
  assert.deepEqual(all.slice(3), ["alert.cleared memory", "alert.raised memory"]);
  rmSync(directory, { recursive: true, force: true });
});

test("while the disk does not answer, alerts wait; they are written once it does", async () => {
  const rules = { ...QUIET, searchable_p99: { limit: 0.001, windowMs: 1_000 } };
  await using engine = await startEngine({ alerts: { everyMs: EVERY_MS, rules } });
  await observe(engine.server.engine, 1);
  const session = await engine.server.engine.memory.ingest.open({ space: OBS, dims: DIMS });
  {
    using _frozen = await freezeWriter(engine.directory);
    const metrics = await metricsUntil(engine, async (samples) => {
      if (samples.get("millrace_alert_frames_waiting") !== 0) return true;
      for (let batch = 0; batch < 20; batch++) session.submit(batchOf(10));
      await session.reached("searchable");
      return false;
    });
    assert.equal(metrics.get('millrace_alerts_raised_total{rule="searchable_p99"}'), 1);
  }
  assert.deepEqual(told(await framesOf(engine, 2)), ["alert.raised searchable_p99", "alert.cleared searchable_p99"]);
});

test("_system is read like any stream and written by nobody else; millrace tail shows it", async () => {
  await using engine = await startEngine({ alerts: { everyMs: EVERY_MS, rules: { ...QUIET, memory: { limit: 1 } } } });
  await framesOf(engine, 1);
  const { url } = engine.server;
  const listed = await engine.client.streams.list({ prefix: "_" });
  assert.deepEqual(
    listed.map(({ stream, frames }) => [stream, frames]),
    [["_system", 1]],
  );
  const events = [{ type: "alert.raised", id: "depth", data: {} }];
  await assert.rejects(engine.client.stream("_system").append(events), { code: "forbidden" });
  await assert.rejects(engine.client.stream("_system").delete(), { code: "forbidden" });
  const put = await fetch(`${url}/v1/stream/_system`, { method: "PUT" });
  assert.equal(put.status, 403);
  const { out } = await runCommand(["tail", "_system", "--limit", "1", "--json", "--url", url], {
    cwd: engine.directory,
  });
  assert.deepEqual([JSON.parse(out).type, JSON.parse(out).id], ["alert.raised", "memory"]);
});

test("options of alerts that are wrong are refused before anything is opened", async () => {
  const directory = temporaryDirectory();
  const wrong = { rules: { latency: { limit: 1 } } } as object;
  await assert.rejects(startEngine({ directory, alerts: wrong }), {
    code: "invalid_argument",
    message: /rules\.latency/,
  });
  await (await startEngine({ directory }))[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe("the overview page in Chromium", { skip: hasChromium ? false : "no Chromium on this machine" }, () => {
  test("it shows what is ingested, the lanes with their limits, and what is wrong", async () => {
    const rules = { ...QUIET, memory: { limit: 1 } };
    await using engine = await startEngine({ profile: "low-latency", alerts: { everyMs: EVERY_MS, rules } });
    const browser = await launchBrowser();
    try {
      await using open = await openPage(browser);
      const { page, problems } = open;
      await page.goto(`${engine.server.url}/#/overview`);
      const panel = page.getByTestId("ingest");
      await panel.filter({ hasText: "No observations yet" }).waitFor();
      await observe(engine.server.engine, 123);
      const lanes = /high0 \/ 1,000.*normal0 \/ 10\.0 K.*low0 \/ 5,000/s;
      await panel
        .filter({ hasText: /Accepted\s*1,230/ })
        .filter({ hasText: lanes })
        .waitFor();
      const text = (await panel.textContent()) ?? "";
      assert.match(text, /profile low-latency/);
      assert.match(text, /memory[^,]*MB, limit 1 B/);
      assert.equal(await page.getByTestId("ingest-state").textContent(), "normal");
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  });
});
