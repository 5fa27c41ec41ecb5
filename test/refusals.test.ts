import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { bodyOf, exchangeRaw, openRaw } from "./support/raw-socket.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const HEAD = "Host: localhost\r\n";

test("a refused upgrade says why, and a peer that holds its socket open does not hold up closing", async () => {
  await using own = await startEngine();
  const upgrade = `${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const answer = await exchangeRaw(own.server.url, `GET /nope HTTP/1.1\r\n${upgrade}`);
  assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/);
  assert.equal(bodyOf(answer).error.code, "not_found");
  const held = await openRaw(own.server.url, `GET /nope HTTP/1.1\r\n${upgrade}`);
  await own.server.close();
  held.destroy();
});

test("an upgrade to something else is ignored, and so is an expectation that is not known", async () => {
  const { url } = engine.server;
  const rest = `${HEAD}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`;
  assert.match(await exchangeRaw(url, `GET /livez HTTP/1.1\r\n${rest}`), /^HTTP\/1\.1 200 /);
  const expecting = `${HEAD}Connection: close\r\nExpect: wonders\r\n\r\n`;
  assert.match(await exchangeRaw(url, `GET /livez HTTP/1.1\r\n${expecting}`), /^HTTP\/1\.1 200 /);
});

test("a request head that cannot be read is refused with the error body", async () => {
  const { url } = engine.server;
  const malformed = await exchangeRaw(url, "nonsense\r\n\r\n");
  assert.match(malformed, /^HTTP\/1\.1 400 /);
  assert.equal(bodyOf(malformed).error.code, "invalid_argument");
  const large = await exchangeRaw(url, `GET /livez HTTP/1.1\r\n${HEAD}X-Large: ${"x".repeat(20_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 /);
  assert.equal(bodyOf(large).error.code, "too_large");
});

test("an event nested thousands of levels deep is refused, and the engine goes on", async () => {
  const { url } = engine.server;
  const post = (body: string) =>
    fetch(`${url}/v1/streams/deep/events`, { method: "POST", headers: { "content-type": "application/json" }, body });
  for (const levels of [4_000, 60_000]) {
    const response = await post(`{"events":[{"type":"a","data":${"[".repeat(levels)}${"]".repeat(levels)}}]}`);
    assert.equal(response.status, 400);
  }
  assert.equal((await post('{"events":[{"type":"a","data":1}]}')).status, 200);
});

test("a cursor past the head is refused by pages and by events alike", async () => {
  const { epoch } = await engine.client.stream("short").append([{ type: "log", data: 1 }]);
  for (const route of ["frames", "sse"]) {
    const response = await fetch(`${engine.server.url}/v1/streams/short/${route}?after=${epoch}:2`);
    assert.equal(response.status, 400, route);
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, "invalid_argument");
  }
});

test("server-sent events of a deleted stream end with an error event", async () => {
  await engine.client.stream("doomed").append([{ type: "log", data: 1 }]);
  const response = await fetch(`${engine.server.url}/v1/streams/doomed/sse`);
  await engine.server.engine.sequencer.remove(["doomed" as StreamId]);
  assert.match(await response.text(), /event: error\ndata: \{"error":\{"code":"gone",/);
});

test("readyz is refused once the store or the index thread has ended", async () => {
  for (const part of ["storage", "memory"] as const) {
    await using own = await startEngine();
    const ready = () => fetch(`${own.server.url}/readyz`);
    assert.equal((await ready()).status, 200);
    await own.server.engine[part][Symbol.asyncDispose]();
    const response = await ready();
    assert.equal(response.status, 503, part);
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, "unavailable");
    assert.equal((await fetch(`${own.server.url}/livez`)).status, 200);
  }
});
