/** The bytes of `GET /v1/streams/{stream}/sse`, and the readings of its cursor (HTML standard, section 9.2; PROTOCOL.md, Server-sent events). */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { formatCursor, type StreamId } from "@millrace/protocol";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { bodyOf, exchangeRaw } from "./support/raw-socket.ts";
import { openTap } from "./support/socket-tap.ts";
import { until } from "./support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const request = (stream: string, rest = "", query = "") =>
  `GET /v1/streams/${stream}/sse${query} HTTP/1.1\r\nHost: localhost\r\n${rest}\r\n`;
const note = (data: unknown, id = "n") => ({ type: "x.note", id, data });
/** The frames as the log has them, byte for byte. */
const storedOf = async (stream: string) => {
  const parts: Uint8Array[] = [];
  for await (const part of (await engine.client.stream(stream).export()).body) parts.push(part);
  return Buffer.concat(parts).toString().trimEnd().split("\n");
};

test("head, comment and frames are exactly these bytes", async () => {
  const data = ["\u2028 \u2029", "🦜 ü", "a\r\nb\nc\rd", "\u0000", "data: x\n\nevent: y", "\ufeff", "\ud83d"];
  const { epoch } = await engine.client.stream("bytes").append(data.map((text, at) => note(text, `n${at}`)));
  const frames = await storedOf("bytes");
  const blocks = frames.map((json, at) => `id: ${epoch}:${at + 1}\nevent: frame\ndata: ${json}\n\n`).join("");
  await using tap = await openTap(engine.server.url, request("bytes"));
  const text = await tap.text((all) => all.endsWith(blocks));
  const [head = "", body] = text.split("\r\n\r\n");
  const lines = head.split("\r\n").filter((line) => !/^Date: /i.test(line));
  assert.deepEqual(lines, [
    "HTTP/1.1 200 OK",
    "connection: close",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "x-frame-options: DENY",
    "cross-origin-resource-policy: same-origin",
    "cache-control: no-store",
    "content-type: text/event-stream; charset=utf-8",
    "x-accel-buffering: no",
  ]);
  assert.equal(body, `: following\n\n${blocks}`);
  for (const json of frames) assert.ok(!["\r", "\n", "\0"].some((raw) => json.includes(raw)), json);
  assert.deepEqual(
    frames.map((json) => (JSON.parse(json) as { data: string }).data),
    data,
  );
});

test("a gap and the error that ends following are these bytes, and then the connection ends", async () => {
  const { epoch } = await engine.client.stream("gaps").append([note(1), note(2)]);
  const [first = "", second = ""] = await storedOf("gaps");
  await using tap = await openTap(engine.server.url, request("gaps", "Last-Event-ID: other:7\r\n"));
  const gap = { stream: "gaps", epoch, after: 7, first: 1, head: 2, reason: "epoch" };
  const frames = [first, second].map((json, at) => `id: ${epoch}:${at + 1}\nevent: frame\ndata: ${json}\n\n`).join("");
  const body = `\r\n\r\n: following\n\nevent: gap\ndata: ${JSON.stringify(gap)}\n\n${frames}`;
  await tap.text((all) => all.endsWith(body));
  await engine.client.stream("gaps").delete();
  const error = { code: "gone", message: "stream gaps was deleted", retryable: false };
  const text = await tap.ended();
  assert.ok(text.endsWith(`${body}event: error\ndata: ${JSON.stringify({ error })}\n\n`), text);
});

test("Last-Event-ID beats ?after=, an empty one does not count, and both are read as they are", async () => {
  const { epoch } = await engine.client.stream("cursors").append([note(1), note(2), note(3)]);
  const firstId = async (rest: string, query: string) => {
    await using tap = await openTap(engine.server.url, request("cursors", rest, query));
    const text = await tap.text((all) => /\nid: .*\n/.test(all));
    return /\nid: \w+:(\d+)\n/.exec(text)?.[1];
  };
  assert.equal(await firstId(`Last-Event-ID: ${epoch}:2\r\n`, `?after=${epoch}:1`), "3");
  assert.equal(await firstId(`last-event-id:  ${epoch}:2  \r\n`, ""), "3");
  assert.equal(await firstId("Last-Event-ID:\r\n", `?after=${epoch}:1`), "2");
  assert.equal(await firstId("", "?after="), "1");
  assert.equal(await firstId("", ""), "1");
});

test("a cursor that is none is refused as invalid_argument, and a head that cannot be read as the error says", async () => {
  const { epoch } = await engine.client.stream("refused").append([note(1)]);
  const utf8 = Buffer.from("é:1").toString("latin1");
  const cursors = [`\ufeff${epoch}:1`, utf8, `${epoch}:1, ${epoch}:1`, `${epoch}:01`, `${epoch}:-1`, `${epoch}:1e1`];
  cursors.push(`${"x".repeat(8_000)}:1`, `${epoch}:9007199254740993`, ":", "1", `${epoch}:2`);
  for (const cursor of cursors) {
    const answer = await exchangeRaw(
      engine.server.url,
      request("refused", `Last-Event-ID: ${cursor}\r\nConnection: close\r\n`),
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(cursor.slice(0, 40)));
    assert.equal(bodyOf(answer).error.code, "invalid_argument");
  }
  for (const cursor of ["%00", "%EF%BB%BFe:1", "e%0D%0A:1", "%zz", "%E2%80%A8"]) {
    const answer = await exchangeRaw(
      engine.server.url,
      request("refused", "Connection: close\r\n", `?after=${cursor}`),
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, cursor);
    assert.equal(bodyOf(answer).error.code, "invalid_argument");
  }
  const nul = await exchangeRaw(engine.server.url, request("refused", `Last-Event-ID: ${epoch}:1\0\r\n`));
  assert.match(nul, /^HTTP\/1\.1 400 /);
  assert.equal(bodyOf(nul).error.code, "invalid_argument");
  const long = await exchangeRaw(engine.server.url, request("refused", `Last-Event-ID: ${"x".repeat(20_000)}\r\n`));
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.equal(bodyOf(long).error.code, "too_large");
});

test("204 answers a client that comes back to a stream that is not there; a new one can follow it before its first frame", async () => {
  const { url } = engine.server;
  const { cursor } = await engine.client.stream("short-lived").append([note(1)]);
  await engine.client.stream("short-lived").delete();
  const answer = await exchangeRaw(url, request("short-lived", `Last-Event-ID: ${cursor}\r\nConnection: close\r\n`));
  assert.match(answer, /^HTTP\/1\.1 204 No Content\r\n/);
  assert.ok(answer.endsWith("\r\n\r\n"), "without a body");
  await using early = await openTap(url, request("short-lived"));
  await early.text((all) => all.endsWith(": following\n\n"));
  await using query = await openTap(url, request("short-lived", "", `?after=${cursor}`));
  await query.text((all) => all.includes("event: gap\n"));
  const { epoch } = await engine.client.stream("short-lived").append([note(2)]);
  for (const tap of [early, query]) await tap.text((all) => all.includes(`id: ${epoch}:1\nevent: frame\n`));
  await using back = await openTap(url, request("short-lived", `Last-Event-ID: ${cursor}\r\n`));
  const text = await back.text((all) => all.includes(`id: ${epoch}:1\n`));
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*event: gap\ndata: [^\n]*"reason":"epoch"/);
});

test("HEAD answers the head alone and follows nothing", async () => {
  const { url, engine: inside } = engine.server;
  await engine.client.stream("head").append([note(1)]);
  const answer = await exchangeRaw(url, request("head").replace("GET", "HEAD"));
  assert.match(
    answer,
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: text\/event-stream; charset=utf-8\r\n[\s\S]*\r\n\r\n$/,
  );
  const refused = await exchangeRaw(url, request("head", "Connection: close\r\n", "?after=x").replace("GET", "HEAD"));
  assert.match(refused, /^HTTP\/1\.1 400 /);
  const live = await inside.sequencer.follow("head" as StreamId);
  assert.equal(live.followers, 0, "nobody waits for frames of the stream");
  inside.sequencer.release(live);
  await until(async () => (await engine.client.overview()).subscribers === 0);
});

test("every id that is sent is a cursor from which following goes on", async () => {
  const stream = engine.client.stream("resume");
  await stream.append(Array.from({ length: 20 }, (_, n) => note(n)));
  for await (const frame of stream.subscribe()) {
    if (frame.seq === 20) break;
    const id = formatCursor(frame);
    await using tap = await openTap(engine.server.url, request("resume", `Last-Event-ID: ${id}\r\n`));
    const text = await tap.text((all) => all.includes(`id: ${frame.epoch}:20\n`));
    assert.deepEqual(
      [...text.matchAll(/^id: \w+:(\d+)$/gm)].map(([, seq]) => Number(seq)),
      Array.from({ length: 20 - frame.seq }, (_, at) => frame.seq + 1 + at),
    );
  }
});
