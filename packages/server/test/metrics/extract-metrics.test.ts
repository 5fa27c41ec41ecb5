import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { after, before, test } from "node:test";
import { type Clock, systemClock } from "@millrace/core";
import { type TestEngine, temporaryDirectory } from "../../../../test/support/engine.ts";
import { freezeThreads } from "../../../../test/support/freeze-threads.ts";
import { labelsOf, metricsUntil, readMetrics, type Samples } from "../../../../test/support/metrics.ts";
import { openSite, pageOf, post, type Route, startReader } from "../extract/extract-site.ts";

const HOUR_MS = 3_600_000;
/** Threads that a pool may have at most. */
const WORKERS_MAX = 16;
const PAGE = pageOf("The mill");
const SHELL = `<!doctype html><title>App</title><body><div id="root"></div><script src="/app.js"></script></body>`;

let engine: TestEngine;
let startedMs: number;
before(async () => {
  startedMs = performance.now();
  engine = await startReader();
});
after(() => engine[Symbol.asyncDispose]());

/** How much each sample is more than before. */
function since(before: Samples, now: Samples): (name: string) => number {
  return (name) => (now.get(name) ?? assert.fail(`there is no ${name}`)) - (before.get(name) ?? 0);
}

/** Reads a source and says how that ended: "done" or the code. */
async function read(body: object, { server } = engine): Promise<string> {
  const answer = (await (await post(server.url, body)).json()) as { error?: { code: string } };
  return answer.error?.code ?? "done";
}

type CacheFigures = Readonly<Record<string, readonly [pages: number, documents: number]>>;

/** Figures of the two caches; a name with a dot is that of a layer: "hits_total.memory". */
function assertCaches(figureOf: (name: string) => number | undefined, wanted: CacheFigures): void {
  for (const [name, [pages, documents]] of Object.entries(wanted)) {
    const [family, layer] = name.split(".");
    const of = (cache: string) => `cache="${cache}"${layer === undefined ? "" : `,layer="${layer}"`}`;
    const figures = ["pages", "documents"].map((cache) => figureOf(`millrace_extract_cache_${family}{${of(cache)}}`));
    assert.deepEqual(figures, [pages, documents], name);
  }
}

/** With an ETag, by which a page is not sent again. */
const tagged: Route = ({ headers }, response) => {
  const isKnown = headers["if-none-match"] === '"1"';
  response.writeHead(isKnown ? 304 : 200, { "content-type": "text/html", etag: '"1"' }).end(isKnown ? "" : PAGE);
};

test("a page is a miss, then a hit of the document, in another form a hit of the page, and fetched anew only when asked", async () => {
  await using site = await openSite(() => tagged);
  const url = `${site.url}/mill`;
  const start = await readMetrics(engine);
  assert.equal(await read({ url }), "done");
  const cold = await readMetrics(engine);
  const first = since(start, cold);
  assertCaches(first, {
    "hits_total.memory": [0, 0],
    ...{ misses_total: [1, 1], loads_total: [1, 1], bypassed_total: [0, 0] },
    "entries.memory": [1, 1],
  });
  const held = (cache: string) => first(`millrace_extract_cache_bytes{cache="${cache}",layer="memory"}`);
  assert.ok(held("pages") >= PAGE.length && held("documents") > 0);
  assert.equal(await read({ url }), "done");
  assert.equal(await read({ url, mode: "full" }), "done");
  assertCaches(since(cold, await readMetrics(engine)), {
    "hits_total.memory": [1, 1],
    ...{ misses_total: [0, 1], loads_total: [0, 1] },
    "entries.memory": [0, 1],
  });
  const warm = await readMetrics(engine);
  assert.equal(await read({ url, cache: "refresh" }), "done");
  assert.equal(await read({ url, cache: "none" }), "done");
  const now = await readMetrics(engine);
  assertCaches(since(warm, now), { misses_total: [1, 1], bypassed_total: [1, 1], "entries.memory": [0, 0] });
  const all = since(start, now);
  assert.equal(all('millrace_fetches_total{result="page"}'), 2);
  assert.equal(all('millrace_fetches_total{result="not_modified"}'), 1);
  assert.equal(all("millrace_fetch_bytes_total"), 2 * PAGE.length);
  assert.equal(all("millrace_fetch_origins"), 1);
  assert.equal(all("millrace_parse_jobs_total"), 4);
  assert.equal(all('millrace_gate_decisions_total{decision="static"}'), 4);
});

test("what fails is kept as a failure and counted by its cause: missing, forbidden, too often, in need of a browser", async () => {
  const busy: Route = (_, response) => response.writeHead(429, { "retry-after": "60" }).end();
  const routes = new Map<string, Route | string>([
    ["/app", SHELL],
    ["/busy", busy],
  ]);
  await using site = await openSite((path) => routes.get(path));
  await using strict = await openForbidden();
  const before = await readMetrics(engine);
  assert.equal(await read({ url: `${site.url}/missing` }), "fetch_failed");
  assert.equal(await read({ url: `${site.url}/missing` }), "fetch_failed");
  assert.equal(await read({ url: `${site.url}/app` }), "needs_render");
  assert.equal(await read({ url: `${site.url}/busy` }), "fetch_failed");
  assert.equal(await read({ url: `${site.url}/next` }), "rate_limited");
  assert.equal(await read({ url: `${strict.url}/page`, cache: "none" }), "robots_disallowed");
  const more = since(before, await readMetrics(engine));
  assertCaches(more, { negative_total: [0, 1], failures: [1, 1], misses_total: [4, 4], bypassed_total: [1, 1] });
  assert.equal(more('millrace_fetches_total{result="page"}'), 1);
  assert.equal(more('millrace_fetches_total{result="failed"}'), 4);
  assert.equal(more("millrace_fetch_robots_disallowed_total"), 1);
  assert.equal(more("millrace_fetch_rate_limited_total"), 1);
  assert.equal(more("millrace_fetch_retries_total"), 0);
  assert.equal(more('millrace_gate_decisions_total{decision="dynamic"}'), 1);
  assert.equal(more('millrace_gate_decisions_total{decision="static"}'), 0);
});

test("an origin that fails is left alone, and shows so", async () => {
  const held: ServerResponse[] = [];
  // All five are answered at once, so that none is a second try.
  const failing = (_: IncomingMessage, response: ServerResponse) => {
    held.push(response);
    if (held.length === 5) for (const one of held) one.writeHead(500).end();
  };
  await using site = await openSite(() => failing);
  const before = await readMetrics(engine);
  await post(engine.server.url, { urls: [1, 2, 3, 4, 5].map((n) => `${site.url}/${n}`), concurrency: 5 });
  const more = since(before, await readMetrics(engine));
  assert.equal(more("millrace_fetch_origins_open"), 1);
  assert.equal(more('millrace_fetches_total{result="failed"}'), 5);
  assert.equal(more("millrace_fetch_retries_total"), 5, "each was tried again, and found the origin left alone");
  assert.equal(site.asked.length, 5);
  assertCaches(more, { failures: [0, 0], misses_total: [5, 5] });
});

test("what runs is seen while it runs: an extraction, its fetch, those who wait for the same page", async () => {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const slow: Route = (request, response) => void promise.then(() => tagged(request, response));
  await using site = await openSite(() => slow);
  const url = `${site.url}/slow`;
  const before = await readMetrics(engine);
  const response = await post(engine.server.url, { urls: [url], detached: true });
  assert.equal(response.status, 202);
  await site.askedFor(1);
  const second = read({ url });
  const joined = 'millrace_extract_cache_joined_total{cache="documents"}';
  const during = await metricsUntil(engine, (samples) => since(before, samples)(joined) === 1);
  assert.deepEqual([during.get("millrace_extracts_running"), during.get("millrace_fetches_in_flight")], [1, 1]);
  assert.equal(during.get("millrace_fetches_waiting"), 0, "it has its turn");
  release();
  assert.equal(await second, "done");
  const now = await metricsUntil(engine, (samples) => samples.get("millrace_extracts_running") === 0);
  assert.equal(now.get("millrace_fetches_in_flight"), 0);
  const more = since(before, now);
  assertCaches(more, { misses_total: [1, 2], joined_total: [0, 1], loads_total: [1, 1] });
});

test("threads: jobs done, by a used thread, waiting and under way; those nobody waits for end with their thread", async () => {
  const { extractor } = engine.server.engine;
  const small = { source: "small.html", bytes: new TextEncoder().encode(PAGE) };
  await extractor.extract(small);
  const before = await readMetrics(engine);
  const startedMs = performance.now();
  await extractor.extract(small);
  const tookS = (performance.now() - startedMs) / 1_000;
  const used = since(before, await readMetrics(engine));
  assert.deepEqual([used("millrace_parse_jobs_total"), used("millrace_parse_jobs_reused_total")], [1, 1]);
  const busyS = used("millrace_parse_busy_seconds_total");
  assert.ok(busyS > 0 && busyS <= tookS, `${busyS} s of ${tookS} s`);
  // The threads stand still, also one that is started now: no page is read to its end.
  using _frozen = await freezeThreads({ module: "/parse-worker.ts" });
  const stops = Array.from({ length: 5 }, () => new AbortController());
  const reads = stops.map(({ signal }, at) =>
    extractor.extract(small, { signal, priority: at === 4 ? "bulk" : "interactive" }),
  );
  const now = await readMetrics(engine);
  const figure = (name: string) => now.get(`millrace_parse_${name}`) ?? assert.fail(`there is no ${name}`);
  const isBusy = figure("workers_busy");
  assert.ok(isBusy > 0 && isBusy <= figure("workers"));
  assert.equal(figure('waiting{priority="interactive"}'), 4 - isBusy);
  assert.equal(figure('waiting{priority="bulk"}'), 1);
  // The last first: one that waits would take the place of one that ends.
  for (const stop of stops.toReversed()) stop.abort();
  const ends = await Promise.allSettled(reads);
  assert.equal(ends.filter(({ status }) => status === "rejected").length, 5);
  const cancelled = 'millrace_parse_workers_retired_total{reason="cancelled"}';
  const end = await metricsUntil(engine, (samples) => samples.get(cancelled) === isBusy);
  assert.equal(end.get('millrace_parse_waiting{priority="interactive"}'), 0);
  assert.equal(end.get("millrace_parse_workers_busy"), 0);
  assert.equal(end.get("millrace_parse_workers"), figure("workers") - isBusy);
});

test("threads: each ends for one of the known reasons, and figures that depend on each other agree", async () => {
  const { extractor } = engine.server.engine;
  // More at once than there can be threads: some wait for a whole page.
  const page = { source: "page.html", bytes: new TextEncoder().encode("<p>a<b>b</b>".repeat(1_000)) };
  await Promise.all(Array.from({ length: 2 * WORKERS_MAX }, () => extractor.extract(page, { timeoutMs: 120_000 })));
  const now = await readMetrics(engine);
  const figure = (name: string) => now.get(`millrace_parse_${name}`) ?? assert.fail(`there is no ${name}`);
  const reasons = labelsOf(now, "millrace_parse_workers_retired_total");
  const known = ["jobs", "memory", "timeout", "cancelled", "out_of_memory", "crash", "failed_start"];
  assert.deepEqual(reasons.sort(), known.sort());
  const retired = reasons.reduce((sum, reason) => sum + figure(`workers_retired_total{reason="${reason}"}`), 0);
  assert.equal(figure("workers_started_total"), figure("workers") + retired);
  assert.equal(figure("reuse_rate"), figure("jobs_reused_total") / figure("jobs_total"));
  const memory = figure("worker_memory_bytes_max");
  assert.ok(memory > 2 ** 20 && memory < 2 ** 30, `${memory} bytes`);
  const waits = ["0.5", "0.95", "0.99", "1"].map((quantile) => figure(`queue_wait_seconds{quantile="${quantile}"}`));
  assert.deepEqual(
    waits,
    waits.toSorted((a, b) => a - b),
  );
  const longest = waits.at(-1) ?? 0;
  const passedS = (performance.now() - startedMs) / 1_000;
  assert.ok(longest > 0 && longest <= passedS, `${longest} s of ${passedS} s`);
});

test("after a restart a document comes from the disk, and past its time it is given as stale and refreshed", async () => {
  await using site = await openSite(() => tagged);
  const directory = temporaryDirectory();
  const url = `${site.url}/kept`;
  try {
    {
      await using one = await startReader({ directory });
      assert.equal(await read({ url }, one), "done");
    }
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    await using two = await startReader({ directory, clock });
    const before = await readMetrics(two);
    assertCaches((name) => before.get(name), { "entries.memory": [0, 0], "entries.disk": [1, 1] });
    assert.ok((before.get('millrace_extract_cache_bytes{cache="pages",layer="disk"}') ?? 0) > 0);
    for (let n = 0; n < 2; n++) assert.equal(await read({ url }, two), "done");
    const kept = await readMetrics(two);
    const warm = { "hits_total.disk": [0, 1], "hits_total.memory": [0, 1], misses_total: [0, 0] } as const;
    assertCaches((name) => kept.get(name), { ...warm, stale_total: [0, 0], "entries.memory": [0, 1] });
    aheadMs = 2 * HOUR_MS;
    assert.equal(await read({ url }, two), "done");
    const unchanged = 'millrace_fetches_total{result="not_modified"}';
    const now = await metricsUntil(two, (samples) => samples.get(unchanged) === 1);
    const stale = { stale_total: [0, 1], refreshes_total: [0, 1], refresh_failures_total: [0, 0] } as const;
    assertCaches((name) => now.get(name), { ...stale, "evictions_total.disk": [0, 0], faults_total: [0, 0] });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

async function openForbidden(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((_, response) => response.end("User-agent: *\nDisallow: /\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : assert.fail("it has no port");
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}
