import assert from "node:assert/strict";
import { on, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { after, before, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { ManualClock } from "@millrace/core";
import { createExtractor } from "../../src/extractor.ts";
import { AddressGuard } from "../../src/fetch/address-guard.ts";
import { fetchPage } from "../../src/fetch/fetch-page.ts";
import { HTML_BYTES_MAX } from "../../src/limits.ts";

const allow = ["127.0.0.1"];
const page = "<html><body><p>A page that is fetched.</p></body></html>";
let server: Server;
let base = "";

type Route = (request: IncomingMessage, response: ServerResponse) => void;
const html = { "content-type": "text/html; charset=utf-8" };
const routes: Record<string, Route> = {
  "/page": (request, response) =>
    response.writeHead(200, { ...html, "x-agent": "" }).end(`${page}${request.headers["user-agent"]}`),
  "/missing": (_, response) => response.writeHead(404).end("gone"),
  "/broken": (_, response) => response.writeHead(503).end("later"),
  "/hang": () => {},
  "/stall": (_, response) => response.writeHead(200, html).write("<p>half a "),
  "/moved": (_, response) => response.writeHead(302, { location: "/page" }).end(),
  "/loop": (_, response) => response.writeHead(301, { location: "/loop" }).end(),
  "/chain": (_, response) => response.writeHead(301, { location: "/chain?0" }).end(),
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, n): [string, Route] => [
      `/chain?${n}`,
      (_, response) => response.writeHead(301, { location: `/chain?${n + 1}` }).end(),
    ]),
  ),
  "/inward": (_, response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end(),
  "/scheme": (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/gzip": (_, response) => response.writeHead(200, { ...html, "content-encoding": "gzip" }).end(gzipSync(page)),
  "/brotli": (_, response) =>
    response.writeHead(200, { ...html, "content-encoding": "br" }).end(brotliCompressSync(page)),
  "/bomb": (_, response) =>
    response
      .writeHead(200, { ...html, "content-encoding": "gzip" })
      .end(gzipSync(Buffer.alloc(HTML_BYTES_MAX * 4, 65))),
  "/damaged": (_, response) =>
    response.writeHead(200, { ...html, "content-encoding": "gzip" }).end("no gzip at all, just words"),
  "/endless": (_, response) => {
    response.writeHead(200, html);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 65)));
    };
    response.on("drain", more);
    more();
  },
  "/latin": (_, response) =>
    response
      .writeHead(200, { "content-type": "text/html; charset=utf-8" })
      .end(Buffer.from("<p>Caf\xe9 cr\xe8me, na\xefve and d\xe9j\xe0 vu</p>", "latin1")),
  "/cut": (_, response) => {
    response.writeHead(200, { ...html, "content-length": "1000" }).write("<p>only this");
    setImmediate(() => response.destroy());
  },
};

before(async () => {
  server = createServer((request, response) => (routes[request.url ?? ""] ?? routes["/missing"])?.(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const get = (path: string) => fetchPage(base + path, { allow, timeoutMs: 120_000, retries: 0 });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a page comes with its final address, status and type, asked for as Millrace", async () => {
  const fetched = await get("/moved");
  assert.equal(fetched.finalUrl, `${base}/page`);
  assert.equal(fetched.status, 200);
  assert.equal(fetched.contentType, "text/html; charset=utf-8");
  assert.equal(textOf(fetched.bytes), `${page}Millrace/0.1`);
});

test("compressed bodies are decompressed", async () => {
  assert.equal(textOf((await get("/gzip")).bytes), page);
  assert.equal(textOf((await get("/brotli")).bytes), page);
});

test("errors of the server name the status, and only passing ones may be tried again", async () => {
  await assert.rejects(get("/missing"), { code: "fetch_failed", message: /404/, retryable: false });
  await assert.rejects(get("/broken"), { code: "fetch_failed", message: /503/, retryable: true });
});

test("a server that never answers, or stops in the middle, is a timeout", { timeout: 120_000 }, async () => {
  for (const path of ["/hang", "/stall"]) {
    const clock = new ManualClock();
    const late = assert.rejects(fetchPage(base + path, { allow, timeoutMs: 100, retries: 0, clock }), {
      code: "timeout",
      message: /100 ms/,
    });
    for await (const [request] of on(server, "request")) if ((request as IncomingMessage).url === path) break;
    clock.advance(100);
    await late;
  }
});

test("a connection that breaks, is refused, or a name that does not exist is unreachable", async () => {
  await assert.rejects(get("/cut"), { code: "fetch_unreachable" });
  const closed = createTcpServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, "close");
  await assert.rejects(fetchPage(`http://127.0.0.1:${port}/`, { allow, retries: 0 }), { code: "fetch_unreachable" });
  const resolve = () =>
    Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND no.example"), { code: "ENOTFOUND" }));
  await assert.rejects(fetchPage("http://no.example/", { resolve }), {
    code: "fetch_unreachable",
    message: /ENOTFOUND/,
  });
});

test("redirects are bounded, and each is checked like the first address", async () => {
  await assert.rejects(get("/loop"), { code: "fetch_failed", message: /circle: \S+\/loop → \S+\/loop;/ });
  await assert.rejects(get("/chain"), { code: "fetch_failed", message: /10 times/ });
  await assert.rejects(get("/inward"), { code: "blocked_address", message: /169\.254\.169\.254/ });
  await assert.rejects(get("/scheme"), { code: "invalid_argument", message: /file:/ });
});

test("a body is cut off at its limit, counted after decompression", async () => {
  await assert.rejects(get("/endless"), { code: "too_large", message: /endless/ });
  await assert.rejects(get("/bomb"), { code: "too_large" });
  await assert.rejects(get("/damaged"), { code: "unreadable_document" });
});

test("a caller that gives up cancels the fetch", async () => {
  const controller = new AbortController();
  server.once("request", () => controller.abort());
  await assert.rejects(fetchPage(`${base}/hang`, { allow, signal: controller.signal }), { code: "cancelled" });
});

test("a page that says UTF-8 and is windows-1252 is still read", async () => {
  const { bytes, contentType } = await get("/latin");
  await using extractor = createExtractor();
  const document = await extractor.extract({ source: `${base}/latin`, bytes, contentType });
  assert.equal(document.text, "Café crème, naïve and déjà vu");
});

test("private, local and special addresses are refused in every spelling", async () => {
  const hosts = [
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0.0.0.0",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
  ];
  for (const host of hosts) await assert.rejects(fetchPage(`http://${host}:9/`), { code: "blocked_address" }, host);
});

test("names are judged by what they resolve to, and an allowed host or range opens them", async () => {
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  const url = `http://internal.example:${new URL(base).port}/page`;
  await assert.rejects(fetchPage(url, { resolve }), {
    code: "blocked_address",
    message: /internal\.example \(127\.0\.0\.1\)/,
  });
  assert.equal((await fetchPage(url, { resolve, allow: ["internal.example"] })).status, 200);
  assert.equal((await fetchPage(url, { resolve, allow: ["127.0.0.0/8"] })).status, 200);
});

test("a name that answers differently the second time cannot lead a connection inward", async () => {
  let asked = 0;
  const resolve = async () => [{ address: asked++ === 0 ? "127.0.0.2" : "127.0.0.1", family: 4 }];
  const url = `http://rebind.example:${new URL(base).port}/moved`;
  // Nobody listens at 127.0.0.2, which is opened for the test; only what was checked is connected to, and 127.0.0.1 is refused when asked again.
  await assert.rejects(
    fetchPage(url, { resolve, allow: ["127.0.0.2"], retries: 0 }),
    (error: Error & { code: string }) => error.code === "timeout" || error.code === "fetch_unreachable",
  );
  assert.equal(asked, 1);
  await assert.rejects(fetchPage(url, { resolve, allow: ["127.0.0.2"] }), { code: "blocked_address" });
});

test("of several addresses only the public ones are handed to the connection", (_, done) => {
  const guard = new AddressGuard([], async () => [
    { address: "10.0.0.1", family: 4 },
    { address: "93.184.215.14", family: 4 },
  ]);
  guard.lookup("mixed.example", { all: true }, (error, addresses) => {
    assert.equal(error, null);
    assert.deepEqual(addresses, [{ address: "93.184.215.14", family: 4 }]);
    done();
  });
});

test("addresses and options that make no sense are refused by name", async () => {
  await assert.rejects(fetchPage("not an address"), { code: "invalid_argument", message: /not an address/ });
  await assert.rejects(fetchPage("ftp://example.org/x"), { code: "invalid_argument", message: /ftp:/ });
  await assert.rejects(fetchPage("http://example.org/", { timeoutMs: 0 }), {
    code: "invalid_argument",
    message: /timeoutMs is 0/,
  });
  await assert.rejects(fetchPage("http://example.org/", { allow: ["10.0.0.0/99"] }), { code: "invalid_argument" });
});
