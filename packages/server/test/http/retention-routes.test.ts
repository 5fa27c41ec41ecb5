import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { createClient, type Frame, type Gap, type RetentionPolicy } from "@millrace/client";
import { ManualClock } from "@millrace/core";
import { startEngine, type TestEngine, temporaryDirectory } from "../../../../test/support/engine.ts";
import { metricsUntil } from "../../../../test/support/metrics.ts";
import { exchangeRaw } from "../../../../test/support/raw-socket.ts";
import { spawnMeasured } from "../../../../test/support/spawn-measured.ts";
import { until } from "../../../../test/support/until.ts";

const logs = (count: number, from = 0, text = "") =>
  Array.from({ length: count }, (_, at) => ({ type: "log", data: { n: from + at, text } }));

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** The look at all streams with which an engine begins would trim what is appended before it. */
async function firstSweep(engine: TestEngine): Promise<void> {
  await metricsUntil(engine, (samples) => (samples.get("millrace_retention_passes_total") ?? 0) >= 1);
}

test("a policy is set, shown and taken back; the stream is trimmed by the time of the answer", async () => {
  await using engine = await startEngine({ retention: { maxFrames: 500 } });
  await firstSweep(engine);
  const chat = engine.client.stream("chat");
  await assert.rejects(chat.retention(), { code: "not_found" });
  await chat.append(logs(900));
  const before = await chat.retention();
  assert.deepEqual([before.policy, before.isDefault, before.frames], [{ maxFrames: 500 }, true, 900]);
  const set = await chat.retain({ maxFrames: 50, maxAgeMs: 3_600_000 });
  assert.deepEqual(
    [set.policy, set.isDefault, set.first, set.head, set.frames],
    [{ maxFrames: 50, maxAgeMs: 3_600_000 }, false, 851, 900, 50],
  );
  assert.deepEqual(await chat.retention(), set);
  const all = await chat.retain({});
  assert.deepEqual([all.policy, all.isDefault], [{}, false]);
  await chat.append(logs(600));
  const back = await chat.retain(null);
  assert.deepEqual([back.policy, back.isDefault, back.frames], [{ maxFrames: 500 }, true, 500]);
});

test("what grows past the engine's default is trimmed by itself, and the metrics count it", async () => {
  await using engine = await startEngine({ retention: { maxFrames: 200 } });
  const chat = engine.client.stream("chat");
  // The last of them makes it the growth that is looked at.
  for (let sent = 0; sent < 10; sent++) await chat.append(logs(1_000));
  let state = await chat.retention();
  await until(async () => {
    state = await chat.retention();
    return state.frames <= 200;
  });
  assert.deepEqual([state.first, state.head], [9_801, 10_000]);
  const metrics = await metricsUntil(engine, (samples) => samples.get("millrace_retention_frames_total") === 9_800);
  assert.equal(metrics.get("millrace_retention_failures_total"), 0);
});

test("what cannot be a policy, and streams that are the engine's own, are refused", async () => {
  await using engine = await startEngine();
  const chat = engine.client.stream("chat");
  await chat.append(logs(3));
  const wrong = [{ maxFrames: 0 }, { maxBytes: 1.5 }, { maxAge: 5 }, [], { maxAgeMs: "1d" }] as RetentionPolicy[];
  for (const policy of wrong) await assert.rejects(chat.retain(policy), { code: "invalid_argument" });
  await engine.client.space("s").add([{ source: "a.txt", text: "Some words to keep." }]);
  for (const name of ["space:s", "job:x"]) {
    const stream = engine.client.stream(name);
    await assert.rejects(stream.retain({ maxFrames: 1 }), { code: "forbidden" });
    await assert.rejects(stream.delete(), { code: "forbidden" });
  }
});

test("I6: a subscriber with a cursor behind retention hears of the gap and gets what is kept", async () => {
  await using engine = await startEngine();
  const chat = engine.client.stream("chat");
  const { epoch } = await chat.append(logs(200));
  await chat.retain({ maxFrames: 20 });
  const gaps: unknown[] = [];
  const onGap = ({ after, first, head, reason }: Gap) => gaps.push({ after, first, head, reason });
  const seqs: number[] = [];
  for await (const { seq } of chat.subscribe({ after: `${epoch}:7`, onGap })) {
    seqs.push(seq);
    if (seq === 200) break;
  }
  assert.deepEqual(gaps, [{ after: 7, first: 181, head: 200, reason: "retention" }]);
  assert.deepEqual(
    seqs,
    Array.from({ length: 20 }, (_, at) => 181 + at),
  );
});

test("a deleted stream is gone for its followers and from the listing; deleting it again is not_found", async () => {
  await using engine = await startEngine();
  const chat = engine.client.stream("chat");
  await chat.append(logs(10));
  const following = (async () => {
    for await (const { seq } of chat.subscribe()) if (seq === 10) await chat.delete();
  })();
  await assert.rejects(following, { code: "gone" });
  assert.deepEqual(await engine.client.streams.list({ prefix: "chat" }), []);
  await assert.rejects(chat.delete(), { code: "not_found" });
});

test("an export is every frame as it is stored, and names the cursor to go on from", async () => {
  await using engine = await startEngine();
  const chat = engine.client.stream("chat");
  const { epoch } = await chat.append(logs(1_000, 0, "ünï 😀"));
  for (let sent = 1; sent < 5; sent++) await chat.append(logs(1_000, sent * 1_000));
  const first = await chat.export({ until: `${epoch}:1700` });
  assert.deepEqual([first.after, first.until, first.frames], [`${epoch}:0`, `${epoch}:1700`, 1_700]);
  const rest = await chat.export({ after: first.until });
  const text = (await textOf(first.body)) + (await textOf(rest.body));
  const seqs = text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as Frame).seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: 5_000 }, (_, at) => at + 1),
  );
  const { frames } = await chat.frames({ limit: 3 });
  assert.ok(text.startsWith(frames.map((frame) => JSON.stringify(frame)).join("\n")));

  const url = `${engine.server.url}/v1/streams/chat/export`;
  const head = await fetch(url, { method: "HEAD" });
  assert.equal(head.headers.get("content-type"), "application/x-ndjson; charset=utf-8");
  assert.equal(head.headers.get("millrace-until"), `${epoch}:5000`);
  await assert.rejects(chat.export({ after: `${epoch}:9999` }), { code: "invalid_argument" });
  await assert.rejects(chat.export({ after: "zzz:5" }), { code: "stale_epoch" });
  await assert.rejects(engine.client.stream("nobody").export(), { code: "not_found" });
});

test("an export that loses frames on the way fails for its client, who never takes a part for the whole", async () => {
  await using engine = await startEngine();
  const chat = engine.client.stream("chat");
  for (let sent = 0; sent < 40; sent++) await chat.append(logs(200, 0, "x".repeat(2_000)));
  const { body, frames } = await chat.export();
  assert.equal(frames, 8_000);
  await assert.rejects(async () => {
    let pieces = 0;
    for await (const piece of body) {
      assert.ok(piece.length > 0);
      if (++pieces === 1) await chat.retain({ maxFrames: 1 });
    }
  }, /the export ended after \d+ of 8000 frames/);
});

test("a client that stops reading its export is cut off after 30 s without progress", async () => {
  const clock = new ManualClock();
  await using engine = await startEngine({ clock });
  const chat = engine.client.stream("chat");
  for (let sent = 0; sent < 60; sent++) await chat.append(logs(200, 0, "x".repeat(2_000)));
  const asking = request(`${engine.server.url}/v1/streams/chat/export`).end();
  const [response] = await once(asking, "response");
  response.pause();
  const ended = new Promise((resolve) => response.once("close", resolve));
  response.on("error", () => {});
  for (let turn = 0; turn < 200 && !response.destroyed; turn++) {
    clock.advance(1_000);
    await engine.client.streams.list();
  }
  response.resume();
  await ended;
  assert.equal(response.complete, false);
});

/** Bytes that an engine may hold more while it exports, to a client that reads and to one that stopped: pages, and what sockets have not taken. */
const EXPORTING_BYTES_MAX = 40_000_000;

test("an export of 120 MB streams through flat memory, whether its client reads fast or stops", async () => {
  await using engine = await spawnMeasured(temporaryDirectory());
  const client = createClient({ url: engine.url });
  const chat = client.stream("long");
  const text = "y".repeat(60_000);
  for (let sent = 0; sent < 20; sent++) await chat.append(logs(100, sent * 100, text));
  for await (const piece of (await chat.export()).body) assert.ok(piece);
  const before = (await engine.held()).heldBytes;
  const slow = await chat.export();
  const paused = slow.body[Symbol.asyncIterator]();
  await paused.next();
  let bytes = 0;
  let lookAt = 0;
  for await (const piece of (await chat.export()).body) {
    bytes += piece.length;
    if (bytes < lookAt) continue;
    lookAt += 10_000_000;
    const grown = (await engine.held()).heldBytes - before;
    assert.ok(grown < EXPORTING_BYTES_MAX, `after ${bytes} bytes it holds ${grown} more than before`);
  }
  await paused.return?.();
  assert.ok(bytes > 120_000_000);
  client.close();
});

test("a running engine verifies its own store, one verification at a time, and finds what was changed behind its back", async () => {
  await using engine = await startEngine();
  const job = await engine.client
    .space("s")
    .add([{ source: "a.txt", text: "Some words to keep." }], { waitMs: 60_000 });
  assert.equal(job.state, "done");
  await engine.client.stream("chat").append(logs(1_000));
  await engine.client.stream("chat").retain({ maxFrames: 100 });
  // Two requests in one piece: the second is there before the first can have ended.
  const ask = (more = "") => `POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n${more}\r\n`;
  const answers = await exchangeRaw(engine.server.url, ask() + ask("Connection: close\r\n"));
  assert.deepEqual(
    [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ["200", "503"],
  );
  assert.match(answers, /"code":"overloaded"/);
  const report = await engine.client.verify();
  assert.deepEqual(report.findings, []);
  assert.ok(report.isSound && report.streams === 3 && report.entities > 0);
  const db = new DatabaseSync(join(engine.directory, "millrace.db"));
  db.exec("UPDATE streams SET bytes = bytes + 1 WHERE name = 'chat'");
  db.close();
  const { isSound, findings } = await engine.client.verify();
  assert.deepEqual([isSound, findings.map(({ check, stream }) => [check, stream])], [false, [["counters", "chat"]]]);
});
