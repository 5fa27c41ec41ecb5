import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock, MillraceError, systemClock } from "@millrace/core";
import { createPageService, type PageServiceOptions } from "../../src/reader/page-service.ts";
import { makePdf } from "../make-pdf.ts";
import { html, openSite, PARAGRAPH, pageOf } from "./site.ts";

const polite = { allow: ["127.0.0.1"], ratePerSecond: 1_000, burst: 1_000 };
const service = (options: PageServiceOptions = {}) => createPageService({ fetching: polite, ...options });

test("a page of an address: text, Markdown, where it came from, how long it took, and the hash of its text", async () => {
  await using site = await openSite({
    "/old": (_, response) => response.writeHead(301, { location: "/mill" }).end(),
    "/mill": html(pageOf("The old mill")),
  });
  // Every look at the clock is a millisecond later than the one before, so that no step takes no time.
  let ticks = 0;
  await using pages = service({ clock: { ...systemClock, monotonic: () => ++ticks } });
  const document = await pages.reader.read({ url: `${site.url}/old` });
  assert.deepEqual(
    [document.url, document.finalUrl, document.status, document.mode, document.title],
    [`${site.url}/old`, `${site.url}/mill`, 200, "article", "The old mill"],
  );
  assert.ok(document.text.includes(PARAGRAPH) && !document.text.includes("Printed by"));
  assert.match(document.markdown, /^# The old mill\n/);
  assert.equal(document.hash, createHash("sha256").update(document.text).digest("hex"));
  assert.equal(document.readingMinutes, 1);
  assert.ok(document.quality.score > 40 && document.quality.score <= 100);
  const { queueMs, fetchMs, parseMs, totalMs } = document.timings;
  assert.ok(fetchMs > 0 && parseMs > 0 && queueMs >= 0 && totalMs >= fetchMs + parseMs);
  assert.deepEqual(document.cache, { hit: false, layer: "none", ageMs: 0, isStale: false });
});

test("each mode gives what it is about, and an empty text is never without a reason", async () => {
  await using pages = service();
  const source = { html: pageOf("Modes"), url: "https://mill.example/a/" };
  const read = (options: Parameters<typeof pages.reader.read>[1]) => pages.reader.read(source, options);
  const full = await read({ mode: "full" });
  assert.ok(full.text.includes("Printed by the miller") && full.text.includes("All pages"));
  const links = await read({ mode: "links" });
  assert.equal(links.text, "");
  assert.match(links.reason ?? "", /links/);
  assert.ok(links.links.some(({ url }) => url === "https://mill.example/next"));
  const metadata = await read({ mode: "metadata" });
  assert.deepEqual([metadata.text, metadata.markdown, metadata.links.length, metadata.title], ["", "", 0, "Modes"]);
  assert.match(metadata.reason ?? "", /metadata/);
  const chosen = await read({ selectors: ["footer", "h1"] });
  assert.equal(chosen.mode, "selectors");
  assert.match(chosen.text, /^Modes\s+Printed by the miller$/);
  const none = await read({ selectors: ["table"] });
  assert.deepEqual([none.text, none.title], ["", "Modes"]);
  assert.match(none.reason ?? "", /match nothing/);
  const file = { bytes: new TextEncoder().encode(" \n - \n"), source: "empty.txt" };
  const empty = await pages.reader.read(file);
  assert.match(empty.reason ?? "", /no text/);
});

const SHELL = `<!doctype html><html><head><title>App</title><script src="/static/js/main.4f2.js" defer></script></head>
<body><noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>`;

test("a page that needs a browser says so and why; what it shows without is given to who allows it", async () => {
  await using site = await openSite({ "/app": html(SHELL) });
  await using pages = service();
  const source = { url: `${site.url}/app` };
  const message = /\/app needs a browser: the page .*; take those with allowDegraded/;
  await assert.rejects(pages.reader.read(source), { code: "needs_render", message });
  const degraded = await pages.reader.read(source, { allowDegraded: true });
  assert.deepEqual([degraded.isDegraded, degraded.gate?.decision, degraded.title], [true, "dynamic", "App"]);
  assert.match(degraded.reason ?? "", /a browser is needed/);
  assert.equal(degraded.cache.hit, true);
  // What does not need its text does not need a browser either.
  assert.equal((await pages.reader.read(source, { mode: "metadata" })).title, "App");
  assert.equal(pages.gate.stats().dynamic, 2);
});

test("every block is shown with its score when that is asked for, and only then", async () => {
  await using pages = service();
  const source = { html: pageOf("Explained") };
  assert.equal((await pages.reader.read(source)).blocks, undefined);
  const { blocks = [] } = await pages.reader.read(source, { explain: true });
  const find = (part: string) => blocks.find(({ text }) => text.includes(part));
  assert.equal(find("Paragraph 3")?.kept, true);
  assert.equal(find("Printed by")?.kept, false);
  for (const { score, path } of blocks) assert.ok(score >= 0 && score <= 1 && path !== "");
});

test("what is asked wrongly is refused before anything is fetched, naming what is wrong", async () => {
  await using site = await openSite({ "/": html(pageOf("x")) });
  await using pages = service();
  const read = (options: object) => pages.reader.read({ url: `${site.url}/` }, options);
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ mode: "artcle" }, /mode is "artcle"/],
    [{ mode: "selectors" }, /0 selectors were given/],
    [{ mode: "full", selectors: ["p"] }, /selectors go with the mode "selectors"/],
    [{ selectors: ["p", "h1["] }, /the selector "h1\[" is not one of CSS/],
    [{ selectors: [":nosuch(p)"] }, /:nosuch/],
    [{ selectors: ["p".repeat(501)] }, /501 characters/],
    [{ selectors: Array.from({ length: 33 }, () => "p") }, /33 selectors/],
    [{ timeoutMs: 0 }, /timeoutMs is 0/],
  ];
  for (const [options, message] of wrong) await assert.rejects(read(options), { code: "invalid_argument", message });
  assert.equal(site.hits.size, 0);
  const file = { bytes: makePdf([[{ text: "words of a paper", y: 700 }]]), source: "paper.pdf" };
  await assert.rejects(pages.reader.read(file, { selectors: ["p"] }), { code: "invalid_argument", message: /pdf/ });
});

test("a page is fetched once for every way of reading it, and read once for each; both survive a restart", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-pages-"));
  await using site = await openSite({ "/a": html(pageOf("Kept")) });
  const url = `${site.url}/a`;
  try {
    {
      let ticks = 0;
      const clock = { ...systemClock, monotonic: () => ++ticks };
      await using pages = service({ cacheDirectory: directory, clock });
      assert.equal((await pages.reader.read({ url })).cache.hit, false);
      const again = await pages.reader.read({ url: `${url}?utm_source=letter#part` });
      assert.deepEqual([again.cache.hit, again.cache.layer, again.timings.fetchMs], [true, "memory", 0]);
      // Read another way: the bytes are at hand, the document is made anew.
      const full = await pages.reader.read({ url }, { mode: "full" });
      assert.deepEqual([full.cache.hit, full.timings.fetchMs], [false, 0]);
      assert.ok(full.timings.parseMs > 0);
    }
    await using pages = service({ cacheDirectory: directory });
    const later = await pages.reader.read({ url });
    assert.deepEqual([later.cache.hit, later.cache.layer, later.title], [true, "disk", "Kept"]);
    assert.equal(site.hits.get("/a"), 1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("cache modes: refresh asks whether the page changed, only fetches nothing, none keeps nothing", async () => {
  let body = pageOf("First");
  await using site = await openSite({
    "/a": (request, response) => {
      const etag = `"${createHash("md5").update(body).digest("hex")}"`;
      if (request.headers["if-none-match"] === etag) return void response.writeHead(304, { etag }).end();
      html(body, { etag })(request, response);
    },
  });
  const url = `${site.url}/a`;
  await using pages = service();
  await assert.rejects(pages.reader.read({ url }, { cache: "only" }), { code: "not_found", message: /cache/ });
  assert.equal(site.hits.get("/a"), undefined);
  assert.equal((await pages.reader.read({ url }, { cache: "none" })).title, "First");
  await assert.rejects(pages.reader.read({ url }, { cache: "only" }), { code: "not_found" });
  assert.equal((await pages.reader.read({ url })).title, "First");
  // Not asked for in this way before, but its bytes are kept.
  assert.equal((await pages.reader.read({ url }, { cache: "only", mode: "full" })).title, "First");
  assert.equal((await pages.reader.read({ url }, { cache: "refresh" })).title, "First");
  assert.deepEqual([site.hits.get("/a"), pages.fetcher.stats().notModified], [3, 1]);
  body = pageOf("Second");
  assert.equal((await pages.reader.read({ url })).title, "First");
  assert.equal((await pages.reader.read({ url }, { cache: "refresh" })).title, "Second");
  assert.equal((await pages.reader.read({ url })).title, "Second");
});

test("maxAgeMs counts from the fetch, also where the document was made of a kept page later", async () => {
  const clock = new ManualClock();
  let title = "Old";
  await using site = await openSite({ "/a": (request, response) => html(pageOf(title))(request, response) });
  const url = `${site.url}/a`;
  await using pages = service({ clock });
  await pages.reader.read({ url });
  title = "New";
  clock.advance(60_000);
  assert.equal((await pages.reader.read({ url }, { mode: "full" })).title, "Old");
  clock.advance(30_000);
  const kept = await pages.reader.read({ url }, { mode: "full", maxAgeMs: 95_000 });
  assert.deepEqual([kept.title, kept.cache.ageMs], ["Old", 90_000]);
  // The document is 30 s old, the page 90 s.
  assert.equal((await pages.reader.read({ url }, { mode: "full", maxAgeMs: 80_000 })).title, "New");
});

test("a page that asks not to be kept is not", async () => {
  await using site = await openSite({ "/a": html(pageOf("Secret"), { "x-robots-tag": "noarchive" }) });
  await using pages = service();
  for (let reads = 0; reads < 2; reads++) {
    assert.equal((await pages.reader.read({ url: `${site.url}/a` })).cache.hit, false);
  }
  assert.equal(site.hits.get("/a"), 2);
});

test("one time for all of it, and a caller that leaves ends the work", { timeout: 120_000 }, async () => {
  const [asked, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using site = await openSite({
    "/hang": (_, response) => {
      response.once("close", gone.resolve);
      response.writeHead(200, { "content-type": "text/html" }).write("<p>half");
      asked.resolve();
    },
  });
  const clock = new ManualClock();
  await using pages = service({ clock });
  const url = `${site.url}/hang`;
  const late = assert.rejects(pages.reader.read({ url }, { timeoutMs: 80 }), { code: "timeout", message: /80 ms/ });
  await asked.promise;
  clock.advance(80);
  await late;
  await gone.promise;
  const leaving = new AbortController();
  const reading = pages.reader.read({ url }, { signal: leaving.signal, onPhase: () => leaving.abort() });
  await assert.rejects(reading, { code: "cancelled" });
});

test("phases are told as they begin", async () => {
  await using site = await openSite({ "/a": html(pageOf("Phases")) });
  await using pages = service();
  const phases: string[] = [];
  await pages.reader.read({ url: `${site.url}/a` }, { onPhase: (phase) => phases.push(phase) });
  assert.deepEqual(phases, ["fetch", "parse"]);
});

test("who joins a read that another began does not fail by the other's time or by robots.txt that it need not heed", async () => {
  const held: (() => void)[] = [];
  await using site = await openSite({
    "/robots.txt": (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end(ROBOTS),
    "/slow": (request, response) => {
      held.push(() => html(pageOf("Slow"))(request, response));
    },
    "/closed": html(pageOf("Closed")),
  });
  const clock = new ManualClock();
  await using pages = service({ clock });
  const asked = async (count: number) => {
    while (held.length < count) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const url = `${site.url}/slow`;
  const hurried = assert.rejects(pages.reader.read({ url }, { timeoutMs: 300 }), { code: "timeout" });
  const patient = pages.reader.read({ url }, { timeoutMs: 20_000 });
  await asked(1);
  clock.advance(300);
  await hurried;
  // The other's fetch has ended; the one that follows it is the patient one's own.
  await asked(2);
  for (const answer of held) answer();
  assert.equal((await patient).title, "Slow");
  const closed = { url: `${site.url}/closed` };
  const [heeding, other] = await Promise.allSettled([
    pages.reader.read(closed),
    pages.reader.read(closed, { ignoreRobots: true }),
  ]);
  assert.ok(heeding.status === "rejected" && MillraceError.from(heeding.reason).code === "robots_disallowed");
  assert.ok(other.status === "fulfilled" && other.value.title === "Closed");
});

test("what was read against robots.txt is not handed on to who heeds it", async () => {
  await using site = await openSite({
    "/robots.txt": (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end(ROBOTS),
    "/closed": html(pageOf("Closed")),
  });
  await using pages = service();
  const url = `${site.url}/closed`;
  assert.equal((await pages.reader.read({ url }, { ignoreRobots: true })).title, "Closed");
  await assert.rejects(pages.reader.read({ url }), { code: "robots_disallowed" });
  await assert.rejects(pages.reader.read({ url }, { mode: "full" }), { code: "robots_disallowed" });
  assert.equal((await pages.reader.read({ url }, { ignoreRobots: true })).cache.hit, true);
});

test("what a reader without robots.txt read is not handed on to one that heeds it, by the cache they share", async () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), "millrace-pages-"));
  await using site = await openSite({
    "/robots.txt": (_, response) => response.writeHead(200, { "content-type": "text/plain" }).end(ROBOTS),
    "/closed": html(pageOf("Closed")),
  });
  const url = `${site.url}/closed`;
  try {
    {
      await using bold = service({ cacheDirectory, fetching: { ...polite, heedsRobots: false } });
      assert.equal((await bold.reader.read({ url })).title, "Closed");
      assert.equal((await bold.reader.fetch(url)).cache.hit, true);
    }
    await using pages = service({ cacheDirectory });
    await assert.rejects(pages.reader.read({ url }), { code: "robots_disallowed" });
    await assert.rejects(pages.reader.fetch(url), { code: "robots_disallowed" });
    assert.equal((await pages.reader.read({ url }, { ignoreRobots: true })).cache.layer, "disk");
  } finally {
    rmSync(cacheDirectory, { recursive: true, force: true });
  }
});

test("an address that answers without a byte gives an empty document that says so: no browser would find more", async () => {
  await using site = await openSite({ "/empty": html("") });
  await using pages = service();
  const { text, reason } = await pages.reader.read({ url: `${site.url}/empty` });
  assert.equal(text, "");
  assert.match(reason ?? "", /no bytes/);
  const file = { bytes: new Uint8Array(), source: "empty.html" };
  await assert.rejects(pages.extractor.extract(file), { code: "no_text" });
});

const ROBOTS = "User-agent: *\nDisallow: /closed\n";

test("what a site forbids shared caches to keep is fetched each time", async () => {
  const headers = {
    "/no-store": { "cache-control": 'max-age=60, No-Store, x="private"' },
    "/private": { "cache-control": "private" },
    "/vary": { vary: "accept, *" },
    "/kept": { "cache-control": 'max-age=60, private="set-cookie"', vary: "accept" },
  };
  const routes = Object.entries(headers).map(([path, given]) => [path, html(pageOf(path), given)] as const);
  await using site = await openSite(Object.fromEntries(routes));
  await using pages = service();
  for (const path of Object.keys(headers)) {
    for (let round = 0; round < 2; round++) await pages.reader.read({ url: site.url + path });
    assert.equal(site.hits.get(path), path === "/kept" ? 1 : 2, path);
  }
});
