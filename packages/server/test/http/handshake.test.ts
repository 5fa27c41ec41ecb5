import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { startEngine, type TestEngine } from "../../../../test/support/engine.ts";

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
after(() => engine[Symbol.asyncDispose]());

const BAD: Readonly<Record<string, readonly string[]>> = {
  "no key": ["Sec-WebSocket-Version: 13"],
  "a key of one letter": ["Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"],
  "an unknown version": ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 7"],
};

for (const path of ["/v1/ws", "/v1/ingest", "/connection/websocket"]) {
  test(`a handshake that is not well-formed is refused with the error body: ${path}`, async () => {
    for (const [name, lines] of Object.entries(BAD)) {
      const socket = connect(Number(new URL(engine.server.url).port), "127.0.0.1");
      const head = [`GET ${path} HTTP/1.1`, "Host: localhost", "Connection: Upgrade", "Upgrade: websocket", ...lines];
      socket.end(`${head.join("\r\n")}\r\n\r\n`);
      const answer = await text(socket);
      assert.match(answer, /^HTTP\/1\.1 400 /, name);
      assert.match(answer, /content-type: application\/json/, name);
      const { error } = JSON.parse(answer.split("\r\n\r\n")[1] ?? "");
      assert.equal(error.code, "invalid_argument", name);
      assert.match(error.message, /handshake/, name);
    }
  });
}
