import assert from "node:assert/strict";
import { test } from "node:test";
import { createCheck, type ExtractOverview, ExtractOverviewSchema } from "@millrace/protocol/schemas";
import { openSite, pageOf, post, type Route, startReader } from "../extract/extract-site.ts";

const PAGE = pageOf("The mill");
const SHELL = `<!doctype html><title>App</title><body><div id="root"></div><script src="/app.js"></script></body>`;
const check = createCheck("extract", ExtractOverviewSchema);

async function overviewOf(url: string): Promise<ExtractOverview> {
  const overview = (await (await fetch(`${url}/v1/overview`)).json()) as { extract: unknown };
  return check(overview.extract);
}

test("the overview shows what was read, from the cache, in need of a browser, how long it took, and what runs", async () => {
  await using engine = await startReader();
  const { url } = engine.server;
  assert.deepEqual(await overviewOf(url), {
    ...{ running: 0, reading: 0, waiting: 0, read: 0, failed: 0, cacheHitRate: 0, needsRenderRate: 0 },
    readMs: { count: 0, p50: 0, p95: 0, p99: 0 },
  });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const slow: Route = (_, response) =>
    void promise.then(() => response.writeHead(200, { "content-type": "text/html" }).end(PAGE));
  const routes = new Map<string, Route | string>([
    ["/mill", PAGE],
    ["/app", SHELL],
    ["/slow", slow],
  ]);
  await using site = await openSite((path) => routes.get(path));
  const read = async (body: object) => (await post(url, body)).status;
  assert.equal(await read({ url: `${site.url}/mill` }), 200);
  assert.equal(await read({ url: `${site.url}/mill` }), 200);
  assert.equal(await read({ html: PAGE }), 200);
  assert.equal(await read({ url: `${site.url}/app` }), 422);
  assert.notEqual(await read({ url: `${site.url}/missing` }), 200);
  const { readMs, cacheHitRate, needsRenderRate, ...counts } = await overviewOf(url);
  assert.deepEqual(counts, { running: 0, reading: 0, waiting: 0, read: 3, failed: 2 });
  assert.equal(cacheHitRate, 1 / 4);
  assert.equal(needsRenderRate, 1 / 3);
  assert.equal(readMs.count, 3);
  assert.ok(readMs.p50 > 0 && readMs.p95 >= readMs.p50 && readMs.p99 >= readMs.p95);
  const long = post(url, { urls: [`${site.url}/slow`] }, "application/x-ndjson");
  await site.askedFor(4);
  const during = await overviewOf(url);
  assert.deepEqual([during.running, during.reading], [1, 1]);
  release();
  await (await long).text();
  const after = await overviewOf(url);
  assert.deepEqual([after.running, after.reading, after.read], [0, 0, 4]);
});
