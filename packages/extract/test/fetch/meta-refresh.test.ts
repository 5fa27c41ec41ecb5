import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng } from "@millrace/core";
import { createFetcher, type FetcherOptions } from "../../src/fetch/fetcher.ts";
import { refreshOf } from "../../src/fetch/meta-refresh.ts";
import { createPageService } from "../../src/reader/page-service.ts";
import { assertLinear } from "../assert-linear.ts";
import { HTML, openSite, page, redirect, textOf } from "./site.ts";

const refresh = (content: string) => `<!doctype html><head><meta http-equiv="refresh" content="${content}"></head>`;
const URL_TEXT = "https://mill.example/a/b?c=1";

function target(html: string, contentType = "text/html"): string | undefined {
  return refreshOf({ url: new URL(URL_TEXT), contentType, bytes: new TextEncoder().encode(html) })?.href;
}

test("a refresh is read in every form that browsers take", () => {
  const end = "https://mill.example/end";
  const forms = [
    "0;url=/end",
    "0; URL=/end",
    "0;url='/end'",
    "0, url = &quot;/end&quot; ignored",
    " 5.9 ; /end",
    "0 /end",
    ".5;url=/end",
    "0;url=https://mill.example/end",
    "0;url='/end",
  ];
  for (const content of forms) assert.equal(target(refresh(content)), end, content);
  assert.equal(target("<META CONTENT=0;url=/end HTTP-EQUIV=Refresh>"), end);
  assert.equal(target(refresh("0;url=/end?a=1&amp;b=2")), `${end}?a=1&b=2`);
  assert.equal(target(refresh("0;url=/end"), "application/xhtml+xml; charset=utf-8"), end);
  assert.equal(
    target(`<base href="/deep/er/"><base href="/no/">${refresh("0;url=end")}`),
    "https://mill.example/deep/er/end",
  );
  assert.equal(target(refresh("0;url=https://user:secret@mill.example/end")), end);
  assert.equal(target(`${refresh("60")}${refresh("0;url=/end")}`), end);
});

test("what is no refresh, a late one, one of other schemes or within the page leads nowhere", () => {
  const stays = [
    refresh("6;url=/end"),
    refresh("300"),
    refresh("0"),
    refresh("0;"),
    refresh("0;url="),
    refresh("-1;url=/end"),
    refresh("soon;url=/end"),
    refresh("0x;url=/end"),
    refresh("0;url=javascript:alert(1)"),
    refresh("0;url=data:text/html,x"),
    refresh("0;url=file:///etc/passwd"),
    refresh("0;url=http://:bad:/"),
    refresh(`0;url=/${"x".repeat(8_200)}`),
    refresh("0;url=#part"),
    refresh("5;url=/a/b?c=1"),
    refresh("0;url=/a/b?c=1#part"),
    `<!-- ${refresh("0;url=/end")} -->`,
    `<!-- ${refresh("0;url=/end")}`,
    `<script>document.write('${refresh("0;url=/end")}')</script>`,
    `<noscript>${refresh("0;url=/end")}</noscript>`,
    `<template>${refresh("0;url=/end")}</template>`,
    `<title>${refresh("0;url=/end")}</title>`,
    `<meta name="description" content=' http-equiv=refresh content="0;url=/end"'>`,
    `<meta name="refresh" content="0;url=/end">`,
    `<p>${"x".repeat(16_384)}${refresh("0;url=/end")}`,
  ];
  for (const html of stays) assert.equal(target(html), undefined, html.slice(0, 200));
  assert.equal(target(refresh("0;url=/end"), "text/plain"), undefined);
});

test("pages made to be slow to look through are not", () => {
  const hostile = [
    "<meta ",
    '<meta content="',
    "<!--",
    "<script",
    "<title>",
    "<base href=' ",
    "<meta http-equiv=refresh content=",
  ];
  for (const part of hostile) assert.equal(target(`refresh${part.repeat(4_000)}`), undefined, part);
});

const open = (options: FetcherOptions = {}) =>
  createFetcher({ allow: ["127.0.0.1"], rng: createRng(1), ratePerSecond: 1_000, burst: 1_000, ...options });

test("a page that sends on is followed as a redirect is, among redirects, and the end is told", async () => {
  await using other = await openSite({
    "/end": page("<p>the end", { etag: '"1"', "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" }),
  });
  await using site = await openSite({});
  site.routes = {
    "/start": redirect("/door"),
    "/door": page(refresh("0;url=hall")),
    "/hall": page(refresh(`3; url=${other.url}/end`)),
  };
  await using fetcher = open();
  const fetched = await fetcher.fetch(`${site.url}/start`);
  assert.deepEqual(
    [fetched.finalUrl, fetched.redirects, textOf(fetched)],
    [`${other.url}/end`, ["/start", "/door", "/hall"].map((path) => site.url + path), "<p>the end"],
  );
  assert.deepEqual([fetched.etag, fetched.lastModified], [undefined, undefined]);
  const direct = await fetcher.fetch(`${other.url}/end`);
  assert.equal(direct.etag, '"1"');
});

test("where it leads is checked: closed addresses, robots.txt, circles and too many hops are refused by name", async () => {
  await using site = await openSite({
    "/robots.txt": page("User-agent: *\nDisallow: /closed\n", { "content-type": "text/plain" }),
    "/metadata": page(refresh("0;url=http://169.254.169.254/latest/meta-data/")),
    "/private": page(refresh("0;url=http://10.0.0.1/")),
    "/to-closed": page(refresh("0;url=/closed")),
    "/closed": page("<p>closed"),
    "/self": page(refresh("0;url=/self")),
    "/one": page(refresh("0;url=/two")),
    "/two": redirect("/one"),
    "*": (request, response) => response.writeHead(200, HTML).end(refresh(`0;url=${request.url}x`)),
  });
  await using fetcher = open();
  const get = (path: string) => fetcher.fetch(site.url + path);
  await assert.rejects(get("/metadata"), { code: "blocked_address", message: /169\.254\.169\.254/ });
  await assert.rejects(get("/private"), { code: "blocked_address" });
  await assert.rejects(get("/to-closed"), { code: "robots_disallowed" });
  assert.ok(!site.asked.includes("/closed"));
  await assert.rejects(get("/self"), { code: "fetch_failed", message: /redirects in a circle: \S+\/self → \S+\/self/ });
  await assert.rejects(get("/one"), { code: "fetch_failed", message: /circle: \S+\/one → \S+\/two → \S+\/one/ });
  await assert.rejects(get("/more"), { code: "fetch_failed", message: /redirects more than 10 times/ });
});

test("a refresh to another origin waits for its turn there", async () => {
  await using other = await openSite({ "*": page("<p>here") });
  await using site = await openSite({ "*": page(refresh(`0;url=${other.url}/end`)) });
  await using fetcher = open({ ratePerSecond: 0.001, burst: 1 });
  await fetcher.fetch(`${site.url}/a`);
  await assert.rejects(fetcher.fetch(`${other.url}/b`), { code: "rate_limited" });
});

test("HTML that is given, and a file, stay what they are", async () => {
  await using pages = createPageService();
  const html = `${refresh("0;url=https://mill.example/end")}<body><h1>Given</h1><p>This page was given as it is and is read as it is.</p></body>`;
  const given = await pages.reader.read({ html, url: URL_TEXT }, { mode: "full", allowDegraded: true });
  const file = await pages.reader.read(
    { bytes: new TextEncoder().encode(html), source: "page.html" },
    { mode: "full", allowDegraded: true },
  );
  for (const { text, finalUrl } of [given, file]) {
    assert.match(text, /read as it is/);
    assert.equal(finalUrl, undefined);
  }
  assert.equal(pages.fetcher.stats().origins, 0);
});

test("a delay of many digits is read in linear time", () => {
  assertLinear("a delay", 15_800, (size) => {
    const html = refresh("1".repeat(size));
    return () => assert.equal(target(html), undefined);
  });
});
