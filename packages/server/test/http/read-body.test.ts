import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { MillraceError } from "@millrace/core";
import { type Body, readBody } from "../../src/http/read-body.ts";
import { RECEIVING_BYTES_MAX, UPLOAD_BYTES_MAX } from "../../src/limits.ts";

/** A real HTTP server whose test says when a request's body is read. */
async function openServer() {
  const waiting: ((request: IncomingMessage) => void)[] = [];
  const server = createServer((incoming) => waiting.shift()?.(incoming));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    async put(headers: Record<string, number>): Promise<{ sent: ClientRequest; received: IncomingMessage }> {
      const received = new Promise<IncomingMessage>((resolve) => waiting.push(resolve));
      const sent = request({ host: "127.0.0.1", port, method: "PUT", headers });
      sent.on("error", () => {});
      sent.flushHeaders();
      return { sent, received: await received };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const codeOf = (reading: Promise<Body>) => reading.then(() => "read").catch((error: MillraceError) => error.code);

test("a declared length is reserved before it comes, and held until the bytes are elsewhere", async () => {
  await using server = await openServer();
  const fits = Math.floor(RECEIVING_BYTES_MAX / UPLOAD_BYTES_MAX);
  const length = { "content-length": UPLOAD_BYTES_MAX };
  const open = [];
  for (let n = 0; n < fits; n++) {
    const { sent, received } = await server.put(length);
    const read = readBody(received, UPLOAD_BYTES_MAX);
    open.push({ sent, read, code: codeOf(read) });
  }
  const refused = await server.put(length);
  assert.equal(await codeOf(readBody(refused.received, UPLOAD_BYTES_MAX)), "overloaded");

  const [first, ...others] = open;
  assert.ok(first);
  first.sent.end(Buffer.alloc(UPLOAD_BYTES_MAX, 7));
  const body = await first.read;
  assert.equal(body.bytes.length, UPLOAD_BYTES_MAX);
  assert.ok(body.bytes[0] === 7 && body.bytes.at(-1) === 7);
  const still = await server.put(length);
  assert.equal(await codeOf(readBody(still.received, UPLOAD_BYTES_MAX)), "overloaded");

  body[Symbol.dispose]();
  const next = await server.put(length);
  const reading = codeOf(readBody(next.received, UPLOAD_BYTES_MAX));
  for (const { sent } of [...others, next]) sent.destroy();
  assert.equal(await reading, "cancelled");
  assert.deepEqual(
    await Promise.all(others.map(({ code }) => code)),
    others.map(() => "cancelled"),
  );
});

test("a body without a length is read to its end, and refused past the limit", async () => {
  await using server = await openServer();
  const whole = await server.put({});
  whole.sent.end("some bytes");
  using body = await readBody(whole.received, 10);
  assert.equal(Buffer.from(body.bytes).toString(), "some bytes");
  const long = await server.put({});
  long.sent.end("some bytes more");
  assert.equal(await codeOf(readBody(long.received, 10)), "too_large");
});
