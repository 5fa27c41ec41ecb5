import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { PageDocument } from "@millrace/client";
import { openSite, pageOf, post, startReader } from "./extract-site.ts";

/** Of all tests: starting an engine takes longer than most of them. */
const engine = await startReader();
after(() => engine[Symbol.asyncDispose]());

test("one page as JSON, as Markdown, and from the cache, which says so", async () => {
  await using site = await openSite((path) => pageOf(`Page ${path}`));
  const url = `${site.url}/one`;
  const first = await post(engine.server.url, { url });
  assert.equal(first.status, 200);
  const document = (await first.json()) as PageDocument;
  assert.deepEqual([document.title, document.url, document.status, document.cache.hit], ["Page /one", url, 200, false]);
  const markdown = await post(engine.server.url, { url }, "text/markdown");
  assert.equal(markdown.headers.get("content-type"), "text/markdown; charset=utf-8");
  assert.equal(await markdown.text(), `${document.markdown}\n`);
  const again = (await (await post(engine.server.url, { url })).json()) as PageDocument;
  assert.deepEqual([again.cache.hit, again.cache.layer, again.hash], [true, "memory", document.hash]);
  assert.deepEqual(site.asked, ["/one"]);
});

test("HTML in the request, and a file as the body with its options in the query", async () => {
  const html = { html: pageOf("Given"), url: "https://mill.example/a/b", selectors: ["h1"] };
  const given = (await (await post(engine.server.url, html)).json()) as PageDocument;
  assert.deepEqual([given.text, given.mode, given.url], ["Given", "selectors", "https://mill.example/a/b"]);
  const file = await fetch(`${engine.server.url}/v1/extract?source=notes.md&mode=article&explain=false`, {
    method: "POST",
    headers: { "content-type": "text/markdown" },
    body: "# Notes\n\nThe wheel *turns*.\n",
  });
  const notes = (await file.json()) as PageDocument;
  assert.deepEqual(
    [notes.contentType, notes.title, notes.markdown],
    ["text/markdown", "Notes", "# Notes\n\nThe wheel *turns*."],
  );
  const links = await fetch(`${engine.server.url}/v1/extract?source=a.html&select=nav&select=h1`, {
    method: "POST",
    headers: { "content-type": "text/html" },
    body: pageOf("Chosen"),
  });
  assert.match(((await links.json()) as PageDocument).text, /^Home\s+Chosen$/);
});

test("several pages in one answer, each with its document or its error", async () => {
  await using site = await openSite((path) => (path === "/missing" ? undefined : pageOf(`Page ${path}`)));
  const urls = ["/a", "/missing", "/b"].map((path) => site.url + path);
  const response = await post(engine.server.url, { urls });
  const answer = (await response.json()) as {
    total: number;
    done: number;
    failed: number;
    results: { index: number; source: string; document?: PageDocument; error?: { code: string } }[];
  };
  assert.deepEqual([response.status, answer.total, answer.done, answer.failed], [200, 3, 2, 1]);
  for (const { index, source, document, error } of answer.results) {
    assert.equal(source, urls[index]);
    if (index === 1) assert.equal(error?.code, "fetch_failed");
    else assert.equal(document?.finalUrl, urls[index]);
  }
});

test("what cannot be answered has its code and status, and says what to do", async () => {
  await using site = await openSite((path) => {
    if (path === "/zip")
      return (_, response) => response.writeHead(200, { "content-type": "application/zip" }).end("PK");
    return path === "/missing" ? undefined : pageOf("x");
  });
  const { url } = site;
  const refused: readonly (readonly [unknown, number, string, RegExp])[] = [
    [{}, 400, "invalid_argument", /no source.*urls/],
    [{ url, urls: [url] }, 400, "invalid_argument", /several sources/],
    [{ html: "<p>x", urls: [url] }, 400, "invalid_argument", /several sources/],
    [{ urls: [] }, 400, "invalid_argument", /body\.urls/],
    [{ urls: Array.from({ length: 101 }, () => url) }, 400, "invalid_argument", /101 items; at most 100/],
    [{ url, mode: "artcle" }, 400, "invalid_argument", /body\.mode is "artcle"/],
    [{ url, timeoutMs: 0 }, 400, "invalid_argument", /body\.timeoutMs is 0/],
    [{ url, timeoutMs: 600_001 }, 400, "invalid_argument", /600001/],
    [{ url, cache: "maybe" }, 400, "invalid_argument", /body\.cache/],
    [{ url, concurrency: 17 }, 400, "invalid_argument", /concurrency/],
    [{ url, selectors: ["h1["] }, 400, "invalid_argument", /h1\[/],
    [{ url, mode: "links", selectors: ["p"] }, 400, "invalid_argument", /selectors go with/],
    [{ url, colour: "red" }, 400, "invalid_argument", /colour/],
    [{ url: "ftp://a.example/" }, 400, "invalid_argument", /http/],
    [{ url: "not an address" }, 400, "invalid_argument", /not an address|address/],
    [{ url: "http://169.254.169.254/latest" }, 403, "blocked_address", /169\.254/],
    [{ url: `${url}/missing` }, 502, "fetch_failed", /404/],
    [{ url: `${url}/zip` }, 415, "unsupported_type", /zip/],
    [{ url: `${url}/new`, cache: "only" }, 404, "not_found", /cache/],
  ];
  for (const [body, status, code, message] of refused) {
    const response = await post(engine.server.url, body);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    assert.deepEqual([response.status, error.code], [status, code], JSON.stringify(body).slice(0, 100));
    assert.match(error.message, message);
  }
  const other = async (path: string, init: RequestInit) => (await fetch(engine.server.url + path, init)).status;
  assert.equal(
    await other("/v1/extract", { method: "POST", body: "<p>x", headers: { "content-type": "text/html" } }),
    400,
  );
  assert.equal(
    await other("/v1/extract", { method: "POST", body: "{", headers: { "content-type": "application/json" } }),
    400,
  );
  assert.equal(await other("/v1/extract?source=a.html&timeoutMs=x", { method: "POST", body: "<p>x" }), 400);
  assert.equal(await other("/v1/extract?source=a.html&explain=yes", { method: "POST", body: "<p>x" }), 400);
  assert.equal(await other("/v1/extract", {}), 405);
  assert.equal(await other("/v1/extract/nosuch", {}), 404);
  assert.equal(await other("/v1/extract/nosuch/cancel", { method: "POST" }), 404);
  assert.equal((await post(engine.server.url, { urls: [url] }, "text/markdown")).status, 400);
});

test("a client that goes away ends the fetch made for it", async () => {
  await using site = await openSite(
    () => (_, response) => void response.writeHead(200, { "content-type": "text/html" }).write("<p>"),
  );
  const leaving = new AbortController();
  const answer = post(engine.server.url, { url: `${site.url}/slow` }, "application/json", leaving.signal);
  await site.askedFor(1);
  leaving.abort();
  await assert.rejects(answer);
  await site.abandoned;
});

test("what is added to a space comes by the same cache, asking whether it changed", async () => {
  const conditional: (string | undefined)[] = [];
  await using site = await openSite(() => (request, response) => {
    conditional.push(request.headers["if-none-match"]);
    if (request.headers["if-none-match"] === '"v1"') return void response.writeHead(304).end();
    response.writeHead(200, { "content-type": "text/html", etag: '"v1"' }).end(pageOf("Shared"));
  });
  const url = `${site.url}/page`;
  await engine.client.extract(url);
  const job = await engine.client.space("s").add([{ url }], { waitMs: 60_000 });
  assert.deepEqual([job.state, job.stored], ["done", 1]);
  assert.deepEqual(conditional, [undefined, '"v1"']);
  const { results } = await engine.client.space("s").recall("where does the mill stand?");
  assert.equal(results[0]?.source, url);
});
