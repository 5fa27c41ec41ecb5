import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createFetcher, type FetchOptions } from "../../src/fetch/fetcher.ts";

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

/** One character at a time, for as long as anybody listens. */
function dribble(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ""), 5);
  socket.on("close", () => clearInterval(timer));
}

async function fetchFrom(talk: (socket: Socket) => void, options: FetchOptions = {}) {
  await using server = await openServer(talk);
  await using fetcher = createFetcher({ allow: ["127.0.0.1"], heedsRobots: false, retries: 0 });
  const startedMs = performance.now();
  const code = await fetcher.fetch(server.url, { timeoutMs: 250, ...options }).then(
    ({ status }) => String(status),
    (error: Error & { code: string }) => error.code,
  );
  return { code, tookMs: performance.now() - startedMs, left: server.sockets.size };
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";

for (const [what, talk] of Object.entries<(socket: Socket) => void>({
  "headers that dribble": (socket) => {
    socket.write(HEAD);
    dribble(socket, "x-more: and more\r\n");
  },
  "a status line that never ends": (socket) => dribble(socket, "HTTP/1.1 200 OOOOOOOOOO"),
  "a body that dribbles": (socket) => {
    socket.write(`${HEAD}content-length: 100000\r\n\r\n`);
    dribble(socket, "all work and no play ");
  },
  "chunks that dribble": (socket) => {
    socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
    dribble(socket, "1\r\na\r\n");
  },
  "a compressed body that stalls": (socket) => {
    socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: 100\r\n\r\n`);
    socket.write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]));
  },
}))
  test(`${what} end at the deadline`, async () => {
    const { code, tookMs } = await fetchFrom(talk);
    assert.equal(code, "timeout");
    // The servers never end; the upper bound is far off for machines that are busy.
    assert.ok(tookMs >= 240 && tookMs < 10_000, String(tookMs));
  });

test("headers without end are refused at their limit", async () => {
  const { code } = await fetchFrom(
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      for (let n = 0; n < 200; n++) socket.write(`x-${n}: ${"a".repeat(1_000)}\r\n`);
    },
    { timeoutMs: 5_000 },
  );
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
    assert.equal((await fetchFrom((socket) => socket.end(text), { timeoutMs: 5_000 })).code, "fetch_unreachable");
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
