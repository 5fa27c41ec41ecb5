import assert from "node:assert/strict";
import { on, once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ManualClock } from "@millrace/core";
import { createFetcher } from "../../src/fetch/fetcher.ts";
import { makeCertificate } from "./make-certificate.ts";
import { openSite, redirect, textOf } from "./site.ts";

const { key, cert } = makeCertificate();
const sessions = new Set<unknown>();
const html = { "content-type": "text/html" };
const server = createSecureServer({ key, cert, allowHTTP1: true });
let base = "";

const routes: Record<string, (request: Http2ServerRequest, response: Http2ServerResponse) => void> = {
  "/page": (request, response) => response.writeHead(200, html).end(`HTTP/${request.httpVersion}`),
  "/gzip": (_, response) => response.writeHead(200, { ...html, "content-encoding": "gzip" }).end(gzipSync("packed")),
  "/moved": (_, response) => response.writeHead(301, { location: "/page" }).end(),
  "/tags": (_, response) => response.writeHead(200, { ...html, etag: '"v1"', "x-robots-tag": "noindex" }).end("x"),
  "/hang": () => {},
  "/stall": (_, response) => {
    response.writeHead(200, html).write("half");
  },
  "/reset": (_, response) => {
    response.writeHead(200, html).write("half");
    setImmediate(() => response.stream.close(2));
  },
};

before(async () => {
  server.on("session", (session) => sessions.add(session));
  server.on("request", (request, response) => {
    const route = routes[request.url];
    if (route) route(request, response);
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => server.close());

const open = (options = {}) =>
  createFetcher({ allow: ["127.0.0.1", "localhost"], ca: cert, burst: 100, rng: () => 0, ...options });

test("a server that speaks HTTP/2 is spoken to in it, over one connection", async () => {
  // Its timers do not fire: what is slow to be drained is waited for.
  await using fetcher = open({ clock: new ManualClock() });
  sessions.clear();
  assert.equal(textOf(await fetcher.fetch(`${base}/page`)), "HTTP/2.0");
  assert.equal(textOf(await fetcher.fetch(`${base}/gzip`)), "packed");
  const moved = await fetcher.fetch(`${base}/moved`);
  assert.deepEqual([textOf(moved), moved.finalUrl, moved.redirects], ["HTTP/2.0", `${base}/page`, [`${base}/moved`]]);
  const tagged = await fetcher.fetch(`${base}/tags`);
  assert.deepEqual([tagged.etag, tagged.robotsDirectives], ['"v1"', ["noindex"]]);
  await assert.rejects(fetcher.fetch(`${base}/none`), { code: "fetch_failed", message: /404/ });
  assert.equal(sessions.size, 1);
});

test("a server without HTTP/2 is spoken to in HTTP/1.1", async () => {
  const old = createHttpsServer({ key, cert }, (request, response) => {
    response.writeHead(request.url === "/robots.txt" ? 404 : 200, html).end(`HTTP/${request.httpVersion}`);
  });
  old.listen(0, "127.0.0.1");
  await once(old, "listening");
  await using fetcher = open();
  assert.equal(textOf(await fetcher.fetch(`https://localhost:${(old.address() as AddressInfo).port}/`)), "HTTP/1.1");
  old.closeAllConnections();
  old.close();
});

test("over HTTP/2, too, deadlines, resets and callers that leave end a fetch", { timeout: 120_000 }, async () => {
  const clock = new ManualClock();
  await using fetcher = open({ retries: 0, clock });
  for (const path of ["/hang", "/stall"]) {
    const late = assert.rejects(fetcher.fetch(base + path, { timeoutMs: 200 }), { code: "timeout" }, path);
    for await (const [request] of on(server, "request")) if ((request as Http2ServerRequest).url === path) break;
    clock.advance(200);
    await late;
  }
  await assert.rejects(fetcher.fetch(`${base}/reset`), { code: "fetch_unreachable" });
  const leave = new AbortController();
  const left = assert.rejects(fetcher.fetch(`${base}/hang`, { signal: leave.signal }), { code: "cancelled" });
  leave.abort();
  await left;
  assert.equal((await fetcher.fetch(`${base}/page`)).status, 200);
});

test("redirects cross schemes, each way", async () => {
  await using site = await openSite({});
  site.routes = { "/up": redirect(`${base}/page`) };
  await using fetcher = open();
  const up = await fetcher.fetch(`${site.url}/up`);
  assert.deepEqual([up.finalUrl, textOf(up)], [`${base}/page`, "HTTP/2.0"]);
  routes["/down"] = (_, response) => response.writeHead(302, { location: `${site.url}/plain` }).end();
  site.routes["/plain"] = (_, response) => response.writeHead(200, html).end("plain");
  assert.equal(textOf(await fetcher.fetch(`${base}/down`)), "plain");
});

test("a certificate that nobody vouches for is refused, once", async () => {
  await using fetcher = createFetcher({ allow: ["127.0.0.1"] });
  await assert.rejects(fetcher.fetch(`${base}/page`), { code: "fetch_unreachable", message: /certificate/i });
  assert.equal(fetcher.stats().retries, 0);
});
