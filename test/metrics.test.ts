import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ManualClock } from "@millrace/core";
import { toSpaceId } from "@millrace/protocol";
import { createCheck, OverviewSchema } from "@millrace/protocol/schemas";
import { WebSocket } from "ws";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { heldBytes } from "./support/held-bytes.ts";
import { labelsOf, metricsUntil, readMetrics, type Samples } from "./support/metrics.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const checkOverview = createCheck("overview", OverviewSchema);
const said = (n: number, text = "hi") => ({ type: "message", id: `m${n}`, data: { text } });
const many = (count: number, text?: string) => Array.from({ length: count }, (_, n) => said(n, text));

/** How much each sample is more than before; one that was not there counts from 0. */
function since(before: Samples, now: Samples): (name: string) => number {
  return (name) => (now.get(name) ?? assert.fail(`there is no ${name}`)) - (before.get(name) ?? 0);
}

async function openSocket(to = engine): Promise<WebSocket> {
  const socket = new WebSocket(`${to.server.url.replace("http", "ws")}/v1/ws`);
  await once(socket, "open");
  return socket;
}

/** A socket that follows the stream; the result settles when it was handed so many frames. */
async function follow(stream: string, frames: number, to = engine): Promise<{ socket: WebSocket; all: Promise<void> }> {
  const socket = await openSocket(to);
  let seen = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      const message = JSON.parse(String(data)) as { op: string; frames?: unknown[] };
      seen += message.frames?.length ?? 0;
      if (seen === frames) resolve();
    });
  });
  const isFollowing = once(socket, "message");
  socket.send(JSON.stringify({ op: "subscribe", sub: 1, stream }));
  await isFollowing;
  return { socket, all };
}

async function append(stream: string, body: object): Promise<Response> {
  const path = `${engine.server.url}/v1/streams/${stream}/events`;
  return fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

test("I13: a known load is counted to the frame: events in, frames out, duplicates, commits and their rows", async () => {
  const startedMs = performance.now();
  const before = await readMetrics(engine);
  const readers = await Promise.all([follow("load", 50), follow("load", 50), follow("load", 50)]);
  for (let n = 0; n < 5; n++) {
    const producer = { id: "p", epoch: 0, seq: n * 10 };
    assert.equal((await append("load", { producer, events: many(10) })).status, 200);
  }
  assert.equal((await append("load", { producer: { id: "p", epoch: 0, seq: 30 }, events: many(20) })).status, 200);
  await Promise.all(readers.map(({ all }) => all));
  const now = await readMetrics(engine);
  const more = since(before, now);
  assert.equal(more("millrace_events_accepted_total"), 50);
  assert.equal(more("millrace_events_duplicate_total"), 20);
  assert.equal(more("millrace_frames_appended_total"), 50);
  assert.equal(more("millrace_frames_delivered_total"), 150);
  assert.equal(more("millrace_consume_seconds_count"), 6);
  const passedS = (performance.now() - startedMs) / 1_000;
  assert.ok(more("millrace_consume_seconds_sum") > 0 && more("millrace_consume_seconds_sum") < passedS);
  assert.equal(more("millrace_deliver_seconds_count") >= 15, true, "each append reaches three readers");
  // Each frame is a row; beside them a commit writes the stream's and the producer's.
  assert.ok(more("millrace_commit_rows_sum") >= 50 + 5 && more("millrace_commit_rows_sum") < 50 * 10);
  assert.ok(more("millrace_commit_sync_seconds_sum") > 0);
  assert.ok(more("millrace_commit_sync_seconds_sum") <= more("millrace_commit_seconds_sum"));
  assert.equal(now.get("millrace_subscriptions"), 3);
  assert.equal(now.get('millrace_stream_subscribers{stream="load"}'), 3);
  assert.equal(now.get("millrace_subscription_frames_behind"), 0);
  const overview = checkOverview(await engine.client.overview());
  assert.equal(overview.latency.consumeMs.count, now.get("millrace_consume_seconds_count"));
  for (const { socket } of readers) socket.terminate();
});

test("I13: rates are those of the last 5 s: events in, and frames out to each reader", async () => {
  const clock = new ManualClock();
  await using own = await startEngine({ clock });
  const readers = await Promise.all([follow("load", 50, own), follow("load", 50, own), follow("load", 50, own)]);
  await own.client.stream("load").append(many(50));
  await Promise.all(readers.map(({ all }) => all));
  const load = async () => (await own.client.overview()).streams.top.find(({ stream }) => stream === "load");
  clock.advance(4_499);
  const { eventsPerSecond = 0, framesPerSecond = 0 } = (await load()) ?? assert.fail("it is not among the busiest");
  assert.ok(eventsPerSecond >= 10, `${eventsPerSecond} events a second of 50 in 5 s`);
  assert.ok(Math.abs(framesPerSecond - 3 * eventsPerSecond) < 1e-9, `${framesPerSecond} to three readers`);
  clock.advance(5_000);
  assert.equal(await load(), undefined);
  for (const { socket } of readers) socket.terminate();
});

test("the projection of entities is timed when there are any, and only then", async () => {
  const before = await readMetrics(engine);
  await append("plain", { events: [{ type: "x.plain", data: 1 }] });
  const between = await readMetrics(engine);
  assert.equal(since(before, between)("millrace_project_seconds_count"), 0);
  await append("talk", { events: [{ type: "llm.start", id: "a", data: {} }] });
  const more = since(between, await readMetrics(engine));
  assert.equal(more("millrace_project_seconds_count"), 1);
  assert.ok(more("millrace_project_seconds_sum") <= more("millrace_commit_seconds_sum"));
});

test("frames that leave memory for newer ones are counted, also when their stream has gone", async () => {
  const before = await readMetrics(engine);
  for (let n = 0; n < 3; n++) await append("long", { events: many(1_000) });
  const evicted = since(before, await readMetrics(engine))("millrace_ring_evicted_frames_total");
  assert.equal(evicted, 3_000 - 1_024);
  await engine.client.stream("long").delete();
  const after = since(before, await readMetrics(engine))("millrace_ring_evicted_frames_total");
  assert.equal(after, evicted);
});

test("I6: a reader that stalls shows how far it is behind and how long, until it reads on", async () => {
  const stream = "stalled";
  const clock = new ManualClock();
  await using own = await startEngine({ clock });
  const { socket, all } = await follow(stream, 200, own);
  const inner = (socket as unknown as { _socket: { pause(): void; resume(): void } })._socket;
  inner.pause();
  for (let n = 0; n < 200; n++) await own.client.stream(stream).append([said(n, "x".repeat(100_000))]);
  const now = await metricsUntil(own, (samples) => samples.get("millrace_subscriptions_lagging") === 1);
  const behind = now.get("millrace_subscription_frames_behind_max") ?? 0;
  assert.ok(behind > 0 && behind < 200, `20 MB were written, a part is in sockets: ${behind} frames behind`);
  assert.equal(now.get("millrace_subscription_frames_behind"), behind);
  assert.equal(now.get(`millrace_stream_frames_behind{stream="${stream}"}`), behind);
  assert.ok((now.get("millrace_demotions_total") ?? 0) >= 1);
  const waitingMs = async () => (await own.client.overview()).streams.waitingMs;
  clock.advance(1_000);
  assert.equal(await waitingMs(), 1_000);
  clock.advance(2_000);
  assert.equal(await waitingMs(), 3_000);
  inner.resume();
  await all;
  const end = await metricsUntil(own, (samples) => samples.get("millrace_subscriptions_lagging") === 0);
  assert.equal(end.get("millrace_subscription_frames_behind"), 0);
  assert.equal(end.get("millrace_subscription_wait_seconds_max"), 0);
  socket.terminate();
});

test("a disk that does not answer shows as durable lag, of its stream and of all, until it answers", async () => {
  await append("frozen", { events: many(1) });
  const before = await readMetrics(engine);
  {
    using _frozen = await freezeWriter(engine.directory);
    const { socket, all } = await follow("frozen", 31);
    for (let n = 0; n < 3; n++) await append("frozen", { ack: "accepted", events: many(10) });
    await all;
    const now = await readMetrics(engine);
    assert.equal(now.get('millrace_stream_durable_lag_frames{stream="frozen"}'), 30);
    assert.equal(now.get("millrace_durable_lag_frames"), 30);
    assert.equal(now.get("millrace_durable_lag_frames_max"), 30);
    assert.ok((now.get("millrace_storage_waiting_bytes") ?? 0) > 0);
    assert.equal(since(before, now)("millrace_frames_appended_total"), 0);
    const { streams } = await engine.client.overview();
    assert.deepEqual(streams.durableLag, { sum: 30, max: 30 });
    assert.equal(streams.top.find(({ stream }) => stream === "frozen")?.durableLag, 30);
    socket.terminate();
  }
  const thawed = await metricsUntil(engine, (samples) => samples.get("millrace_durable_lag_frames") === 0);
  assert.equal(since(before, thawed)("millrace_frames_appended_total"), 30);
});

test("refusals are counted by code, those on a WebSocket and of lifecycles too", async () => {
  const before = await readMetrics(engine);
  const socket = await openSocket();
  const answer = once(socket, "message");
  socket.send('{"op":"subscribe","sub":1,"stream":"a b"}');
  await answer;
  const ended = [
    { type: "llm.start", id: "a", data: {} },
    { type: "llm.final", id: "a", data: {} },
  ];
  assert.equal((await append("ended", { events: ended })).status, 200);
  assert.equal((await append("ended", { events: [{ type: "llm.delta", id: "a", data: { append: "x" } }] })).ok, false);
  const { socket: reader, all } = await follow("ended", 2);
  await all;
  const gone = once(reader, "message");
  await engine.client.stream("ended").delete();
  await gone;
  const more = since(before, await readMetrics(engine));
  assert.equal(more('millrace_refusals_total{code="invalid_argument"}'), 1);
  assert.equal(more('millrace_refusals_total{code="terminal"}'), 1);
  assert.equal(more('millrace_lifecycle_refusals_total{code="terminal"}'), 1);
  assert.equal(more('millrace_subscriptions_ended_total{code="gone"}'), 1);
  socket.terminate();
  reader.terminate();
});

test("events of OpenAI and Anthropic are translated; those of unknown types are counted under their names, of which few are kept", async () => {
  const before = await readMetrics(engine);
  const chunk = { id: "c1", choices: [{ index: 0, delta: { role: "assistant", content: "Hi" } }] };
  const message = { type: "message_start", message: { id: "a1", role: "assistant", content: [] } };
  const events = [
    { type: "openai.chunk", data: chunk },
    { type: "anthropic.event", data: message },
    { type: "openai.chunk", data: "no chunk" },
    { type: 'strange "one"\n', data: 1 },
  ];
  assert.equal((await append("foreign", { events })).status, 200);
  const { frames } = await engine.client.stream("foreign").frames();
  const types = frames.map(({ type }) => type);
  assert.ok(types.includes("llm.start") && types.includes("llm.delta"), types.join());
  await append("foreign", { events: Array.from({ length: 500 }, (_, n) => ({ type: `odd-${n}`, data: n })) });
  const now = await readMetrics(engine);
  const more = since(before, now);
  assert.equal(more("millrace_events_unknown_total"), 501);
  assert.equal(more("millrace_translations_failed_total"), 1);
  assert.deepEqual(labelsOf(now, "millrace_translations_failed_by_type"), ["openai.chunk"]);
  const named = labelsOf(now, "millrace_events_unknown_by_type").length;
  assert.ok(named > 0 && named <= 32, `${named} types are named`);
});

test("the process: pauses, allocation and the delay of the event loop", async () => {
  heldBytes();
  const now = await readMetrics(engine);
  const { process: figures, memory } = await engine.client.overview();
  assert.ok((now.get("millrace_gc_pause_seconds_count") ?? 0) > 0, "garbage was just collected");
  assert.ok((now.get("millrace_heap_allocated_bytes_total") ?? 0) > (now.get("millrace_heap_used_bytes") ?? 0));
  assert.ok((now.get("millrace_resident_memory_bytes") ?? 0) > memory.heapBytes);
  assert.ok(figures.gcPauseMs.p99 > 0 && figures.allocatedBytesPerSecond > 0);
  assert.ok((now.get('millrace_event_loop_delay_seconds{quantile="1"}') ?? 0) > 0);
});

test("I12: 10,000 streams make no more labels than 20, and the busy ones are among them", async () => {
  const busy = Array.from({ length: 20 }, (_, n) => `busy-${n}`);
  // However long it takes, it is within the 5 s that rates look back.
  await using own = await startEngine({ clock: new ManualClock() });
  const socket = await openSocket(own);
  let answered = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("message", (data) => {
      const { op } = JSON.parse(String(data)) as { op: string };
      if (op === "appended" && ++answered === 10_500) resolve();
      assert.notEqual(op, "error", String(data));
    });
  });
  const send = (id: number, stream: string, events: object[]) =>
    socket.send(JSON.stringify({ op: "append", id, stream, ack: "accepted", events }));
  for (let n = 0; n < 10_000; n++) {
    send(n + 1, `crowd-${n}`, many(1));
    if (n % 20 === 0) send(20_000 + n, busy[(n / 20) % 20] as string, many(200));
  }
  await all;
  const now = await readMetrics(own);
  const families = ["events_per_second", "frames_per_second", "subscribers", "frames_behind", "durable_lag_frames"];
  for (const family of families) assert.equal(labelsOf(now, `millrace_stream_${family}`).length, 20, family);
  assert.deepEqual(labelsOf(now, "millrace_stream_events_per_second").sort(), [...busy].sort());
  const { streams } = await own.client.overview();
  assert.ok(streams.top.length <= 20);
  socket.terminate();
});

test("a listing with details says of each stream what it is doing and what of it is kept; so does a stream by itself", async () => {
  await using own = await startEngine({ clock: new ManualClock() });
  const stream = own.client.stream("detail:1");
  const { socket, all } = await follow("detail:1", 10, own);
  await stream.append(many(10));
  await all;
  await stream.retain({ maxFrames: 7 });
  const plain = await own.client.streams.list({ prefix: "detail:" });
  assert.deepEqual(Object.keys(plain[0] ?? {}), ["stream", "epoch", "first", "head", "frames", "bytes"]);
  const [listed] = await own.client.streams.list({ prefix: "detail:", detail: true });
  const entry = await stream.entry({ detail: true });
  for (const { activity, retention, first, head } of [listed ?? assert.fail("it is not listed"), entry]) {
    assert.deepEqual([first, head], [4, 10]);
    assert.deepEqual(retention, { policy: { maxFrames: 7 }, isDefault: false });
    assert.deepEqual([activity?.subscribers, activity?.lagFrames, activity?.durableLag], [1, 0, 0]);
    assert.ok((activity?.eventsPerSecond ?? 0) > 0 && activity?.framesPerSecond === activity?.eventsPerSecond);
  }
  const refused = await fetch(`${own.server.url}/v1/streams?detail=yes`);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /detail is \\"yes\\"; it must be true or false/);
  socket.terminate();
});

test("I13: observations are counted to the last one: accepted, durable, searchable, indexed, refused, removed", async () => {
  const startedMs = performance.now();
  const before = await readMetrics(engine);
  const { ingest } = engine.server.engine.memory;
  const space = toSpaceId("counted");
  const session = await ingest.open({ space, dims: 4, lane: "high" });
  const batch = (count: number, dims = 4) => ({
    ...({ firstSeq: 0, lane: "high", encoding: "f32", count, dims } as const),
    meta: new TextEncoder().encode(JSON.stringify(Array.from({ length: count }, (_, n) => ({ id: `o${n}` })))),
    vectors: new Uint8Array(Float32Array.from({ length: count * dims }, (_, at) => Math.cos(at)).buffer),
  });
  session.submit(batch(100));
  assert.throws(() => session.submit(batch(7, 5)), { code: "dimension_mismatch" });
  await session.reached("indexed");
  await session.reached("durable");
  assert.equal(await ingest.remove(space, ["o1", "o2", "none"]), 2);
  const overview = checkOverview(await engine.client.overview());
  const now = await metricsUntil(engine, (samples) => (samples.get("millrace_observation_log_bytes") ?? 0) > 0);
  const more = since(before, now);
  for (const mark of ["accepted", "durable", "searchable", "indexed"])
    assert.equal(more(`millrace_observations_${mark}_total`), 100, mark);
  assert.equal(more("millrace_observations_removed_total"), 2);
  assert.equal(more('millrace_observations_refused_total{code="dimension_mismatch"}'), 7);
  assert.equal(more("millrace_ingest_batch_observations_sum"), 100);
  for (const part of ["wait", "durable", "searchable"])
    assert.equal(more(`millrace_ingest_${part}_seconds_count`), 1, part);
  const passedS = (performance.now() - startedMs) / 1_000;
  assert.ok(
    more("millrace_ingest_searchable_seconds_sum") > 0 && more("millrace_ingest_searchable_seconds_sum") < passedS,
  );
  assert.equal(now.get("millrace_ingest_sessions"), 1);
  assert.deepEqual(labelsOf(now, "millrace_lane_depth"), ["high", "normal", "low"]);
  assert.equal(now.get('millrace_lane_depth{lane="high"}'), 0);
  assert.equal(now.get('millrace_ingest_state{state="normal"}'), 1);
  assert.ok((now.get("millrace_observation_index_bytes") ?? 0) > 100);
  const workers = labelsOf(now, "millrace_index_worker_spaces");
  assert.ok(
    workers.length > 0 && workers.some((one) => now.get(`millrace_index_worker_spaces{worker="${one}"}`) === 1),
  );
  const busyS = workers.map((one) => now.get(`millrace_index_worker_busy_seconds_total{worker="${one}"}`) ?? 0);
  assert.ok(Math.max(...busyS) > 0);
  const { totals, lanes } = overview.ingest;
  assert.deepEqual([totals.accepted, totals.indexed, totals.removed, totals.refused], [100, 100, 2, 7]);
  assert.deepEqual(
    lanes.map(({ limit }) => limit),
    [5_000, 50_000, 25_000],
  );
  await session.close();
});

test("a lane that fills shows in depth, state and refusals by reason, and empties again", async () => {
  const profileOverrides = { workers: 1, lanes: { normal: { countMax: 1_000 } } };
  await using small = await startEngine({ profileOverrides });
  const observations = small.server.engine.memory.ingest;
  const open = (lane: "normal" | "low") => observations.open({ space: toSpaceId("full"), dims: 16, lane });
  const [normal, low] = [await open("normal"), await open("low")];
  const vectors = new Uint8Array(Float32Array.from({ length: 16 * 20 }, (_, at) => Math.sin(at)).buffer);
  const batch = { firstSeq: 0, encoding: "f32", count: 20, dims: 16, meta: new Uint8Array(), vectors } as const;
  for (let n = 0; n < 44; n++) normal.submit({ ...batch, lane: "normal" });
  assert.throws(() => low.submit({ ...batch, lane: "low" }), { code: "overloaded" });
  // Nothing was waited for, so that nothing has left the lane.
  const full = observations.ingest.admission;
  assert.deepEqual([full.state, full.lanes.find(({ lane }) => lane === "normal")?.depth], ["critical", 880]);
  await Promise.all([normal.reached("searchable"), normal.reached("durable")]);
  const now = await metricsUntil(small, (samples) => samples.get('millrace_lane_depth{lane="normal"}') === 0);
  assert.equal(now.get('millrace_lane_bytes{lane="normal"}'), 0);
  assert.equal(now.get('millrace_lane_depth_limit{lane="normal"}'), 1_000);
  assert.equal(now.get("millrace_observations_accepted_total"), 880);
  assert.equal(now.get('millrace_observations_refused_total{code="overloaded"}'), 20);
  assert.equal(now.get('millrace_admission_refused_total{reason="shed"}'), 20);
  assert.equal(now.get('millrace_ingest_state{state="critical"}'), 0);
  assert.ok((now.get('millrace_lane_drain_per_second{lane="normal"}') ?? 0) > 0);
  await Promise.all([normal.close(), low.close()]);
});

test("every family is in docs/metrics.md, and nothing else is", async () => {
  const text = await (await fetch(`${engine.server.url}/metrics`)).text();
  const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  const page = readFileSync(join(import.meta.dirname, "../docs/metrics.md"), "utf8");
  const named = [...page.matchAll(/`(millrace_[a-z_]+)(?:\{[^}]*\})?`/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(named)].sort(), families.sort());
});
