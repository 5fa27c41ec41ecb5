import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { createFetcher } from "../../src/fetch/fetcher.ts";
import { until } from "./site.ts";

/** A server that speaks by hand: `talk` gets each connection once its request has come. */
async function openServer(talk: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", () => talk(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

type Talk = (socket: Socket, onSent: () => void) => void;

/** One character at a time, for as long as anybody listens. */
function dribble(socket: Socket, text: string, onSent: () => void): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? "", onSent), 1);
  socket.on("close", () => clearInterval(timer));
}

function statusOrCode(fetching: Promise<{ readonly status: number }>): Promise<string> {
  return fetching.then(
    ({ status }) => String(status),
    (error: Error & { code: string }) => error.code,
  );
}

async function fetchFrom(talk: (socket: Socket) => void): Promise<string> {
  await using server = await openServer(talk);
  await using fetcher = createFetcher({ allow: ["127.0.0.1"], heedsRobots: false, retries: 0 });
  return await statusOrCode(fetcher.fetch(server.url, { timeoutMs: 120_000 }));
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";

for (const [what, talk] of Object.entries<Talk>({
  "headers that dribble": (socket, onSent) => {
    socket.write(HEAD);
    dribble(socket, "x-more: and more\r\n", onSent);
  },
  "a status line that never ends": (socket, onSent) => dribble(socket, "HTTP/1.1 200 OOOOOOOOOO", onSent),
  "a body that dribbles": (socket, onSent) => {
    socket.write(`${HEAD}content-length: 100000\r\n\r\n`);
    dribble(socket, "all work and no play ", onSent);
  },
  "chunks that dribble": (socket, onSent) => {
    socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
    dribble(socket, "1\r\na\r\n", onSent);
  },
  "a compressed body that stalls": (socket, onSent) => {
    socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: 100\r\n\r\n`);
    socket.write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]));
    // It sends nothing, at any time.
    const timer = setInterval(onSent, 1);
    socket.on("close", () => clearInterval(timer));
  },
}))
  test(`${what} end at the deadline, whatever comes before it`, { timeout: 120_000 }, async () => {
    let sent = 0;
    await using server = await openServer((socket) => talk(socket, () => sent++));
    const clock = new ManualClock();
    await using fetcher = createFetcher({ allow: ["127.0.0.1"], heedsRobots: false, retries: 0, clock });
    let code = "";
    const fetching = statusOrCode(fetcher.fetch(server.url, { timeoutMs: 250 })).then((found) => {
      code = found;
    });
    for (const stepMs of [50, 50, 50, 50, 49]) {
      const before = sent;
      await until(() => sent >= before + 3);
      clock.advance(stepMs);
    }
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(code, "", "not before the deadline");
    clock.advance(1);
    await fetching;
    assert.equal(code, "timeout");
  });

test("headers without end are refused at their limit", async () => {
  const code = await fetchFrom((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    for (let n = 0; n < 200; n++) socket.write(`x-${n}: ${"a".repeat(1_000)}\r\n`);
  });
  assert.equal(code, "fetch_unreachable");
});

for (const [what, text] of Object.entries({
  "no answer": "",
  "half a head": "HTTP/1.1 200 OK\r\ncontent-ty",
  "half a body": `${HEAD}content-length: 1000\r\n\r\nonly this`,
  "a chunk that is cut": `${HEAD}transfer-encoding: chunked\r\n\r\nff\r\nonly this`,
  "what is no HTTP": "SSH-2.0-OpenSSH_9.2\r\n",
}))
  test(`a server that hangs up with ${what} is unreachable`, async () => {
    assert.equal(await fetchFrom((socket) => socket.end(text)), "fetch_unreachable");
  });

test("a body that ends early is fetched again whole", async () => {
  let calls = 0;
  await using server = await openServer((socket) => {
    const body = calls++ === 0 ? "only" : "only this, and nothing more";
    socket.end(`${HEAD}content-length: 27\r\n\r\n${body}`);
  });
  await using fetcher = createFetcher({ allow: ["127.0.0.1"], heedsRobots: false, rng: () => 0 });
  const { bytes, attempts } = await fetcher.fetch(server.url);
  assert.deepEqual([new TextDecoder().decode(bytes), attempts], ["only this, and nothing more", 2]);
});

test("a caller that leaves in the middle of a body closes the connection", async () => {
  const leave = new AbortController();
  let closed: Promise<unknown> | undefined;
  await using server = await openServer((socket) => {
    closed = new Promise((resolve) => socket.on("close", resolve));
    socket.write(`${HEAD}content-length: 1000\r\n\r\nhalf`);
    setImmediate(() => leave.abort());
  });
  await using fetcher = createFetcher({ allow: ["127.0.0.1"], heedsRobots: false });
  await assert.rejects(fetcher.fetch(server.url, { signal: leave.signal }), { code: "cancelled" });
  await closed;
});
