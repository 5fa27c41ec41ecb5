import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { createFetcher, type FetcherOptions } from "../../src/fetch/fetcher.ts";
import { ROBOTS_BYTES_MAX } from "../../src/limits.ts";
import { openSite, page, type Route, redirect, status, until } from "./site.ts";

const open = (options: FetcherOptions = {}) =>
  createFetcher({ allow: ["127.0.0.1"], ratePerSecond: 1_000, burst: 1_000, retries: 0, ...options });
const robots = (text: string): Route => page(text, { "content-type": "text/plain" });
const NO_ENTRY = robots("user-agent: *\ndisallow: /");

/** Whether a page is let through under what robots.txt answers. */
async function isAllowed(route: Route, others: Record<string, Route> = {}): Promise<boolean> {
  await using site = await openSite({ "/robots.txt": route, "/page": page("x"), ...others });
  await using fetcher = open();
  return await fetcher.fetch(`${site.url}/page`).then(
    () => true,
    (error: Error & { code: string }) => {
      assert.equal(error.code, "robots_disallowed", error.message);
      return false;
    },
  );
}

test("what robots.txt answers decides: found, missing, forbidden, broken, moved", async () => {
  assert.equal(await isAllowed(NO_ENTRY), false);
  assert.equal(await isAllowed(robots("user-agent: millrace\nallow: /page\ndisallow: /")), true);
  for (const code of [401, 403, 404, 410, 429]) assert.equal(await isAllowed(status(code)), true, String(code));
  for (const code of [500, 503]) assert.equal(await isAllowed(status(code)), false, String(code));
  assert.equal(await isAllowed(redirect("/moved.txt", 301), { "/moved.txt": NO_ENTRY }), false);
  assert.equal(await isAllowed(redirect("/robots.txt")), true);
  assert.equal(await isAllowed(redirect("http://10.0.0.1/robots.txt")), true);
  const hop = (n: number): [string, Route] => [`/${n}`, n === 4 ? NO_ENTRY : redirect(`/${n + 1}`)];
  assert.equal(await isAllowed(redirect("/0"), Object.fromEntries([0, 1, 2, 3, 4].map(hop))), false);
  const more = (n: number): [string, Route] => [`/${n}`, n === 5 ? NO_ENTRY : redirect(`/${n + 1}`)];
  assert.equal(await isAllowed(redirect("/0"), Object.fromEntries([0, 1, 2, 3, 4, 5].map(more))), true);
});

test("a robots.txt of any length is read up to its limit", async () => {
  assert.equal(await isAllowed(robots(`user-agent: *\ndisallow: /\n${"# more\n".repeat(ROBOTS_BYTES_MAX)}`)), false);
});

test("a page may be fetched all the same when the caller says so, or the fetcher does not heed robots.txt", async () => {
  await using site = await openSite({ "/robots.txt": NO_ENTRY, "/page": page("x") });
  await using fetcher = open();
  await assert.rejects(fetcher.fetch(`${site.url}/page`), {
    code: "robots_disallowed",
    retryable: false,
    message: /robots\.txt forbids \S+\/page/,
  });
  assert.equal((await fetcher.fetch(`${site.url}/page`, { ignoreRobots: true })).status, 200);
  assert.equal(fetcher.stats().robotsDisallowed, 1);
  await using careless = open({ heedsRobots: false });
  assert.equal((await careless.fetch(`${site.url}/page`)).status, 200);
  assert.equal(site.asked.filter((path) => path === "/robots.txt").length, 1);
});

test("a redirect is judged where it leads, in this origin and in others", async () => {
  await using other = await openSite({ "/robots.txt": NO_ENTRY, "/": page("x") });
  await using site = await openSite({
    "/robots.txt": robots("user-agent: *\ndisallow: /closed"),
    "/in": redirect("/closed"),
    "/out": redirect(`${other.url}/`),
    "/closed": page("x"),
  });
  await using fetcher = open();
  for (const path of ["/in", "/out"])
    await assert.rejects(fetcher.fetch(site.url + path), { code: "robots_disallowed" });
  assert.deepEqual([site.asked.includes("/closed"), other.asked.includes("/")], [false, false]);
});

test("a server that cannot give its robots.txt forbids all for a minute and says so", async () => {
  await using site = await openSite({ "/robots.txt": status(503), "/page": page("x") });
  const clock = new ManualClock();
  await using fetcher = open({ clock });
  const refused = { code: "robots_disallowed", retryable: true, retryAfterMs: 60_000 };
  await assert.rejects(fetcher.fetch(`${site.url}/page`), refused);
  site.routes["/robots.txt"] = status(404);
  await assert.rejects(fetcher.fetch(`${site.url}/page`), refused);
  clock.advance(60_000);
  assert.equal((await fetcher.fetch(`${site.url}/page`)).status, 200);
});

test("robots.txt is asked for once by all who wait, and again after an hour", async () => {
  await using site = await openSite({ "*": page("x"), "/robots.txt": status(404) });
  const clock = new ManualClock();
  await using fetcher = open({ clock });
  const times = () => site.asked.filter((path) => path === "/robots.txt").length;
  await Promise.all([1, 2, 3].map((n) => fetcher.fetch(`${site.url}/${n}`)));
  assert.equal(times(), 1);
  clock.advance(3_600_000);
  await fetcher.fetch(`${site.url}/4`);
  assert.equal(times(), 2);
});

test("a crawl delay slows the origin down", async () => {
  await using site = await openSite({ "*": page("x"), "/robots.txt": robots("user-agent: *\ncrawl-delay: 10") });
  const clock = new ManualClock();
  await using fetcher = open({ clock, ratePerSecond: 1.5, burst: 3 });
  await fetcher.fetch(`${site.url}/1`);
  let isDone = false;
  const second = fetcher.fetch(`${site.url}/2`).then(() => {
    isDone = true;
  });
  await until(() => fetcher.stats().waiting === 1);
  await assert.rejects(fetcher.fetch(`${site.url}/3`, { timeoutMs: 15_000 }), {
    code: "rate_limited",
    retryAfterMs: 20_000,
  });
  clock.advance(9_999);
  assert.deepEqual([isDone, site.asked.includes("/2")], [false, false]);
  clock.advance(1);
  await second;
});

test("a caller that gives up while robots.txt hangs leaves no request behind", async () => {
  let isClosed = false;
  await using site = await openSite({
    "/robots.txt": (request) => {
      request.socket.once("close", () => {
        isClosed = true;
      });
    },
  });
  await using fetcher = open();
  const leave = new AbortController();
  const asked = assert.rejects(fetcher.fetch(`${site.url}/page`, { signal: leave.signal }), { code: "cancelled" });
  await until(() => site.asked.includes("/robots.txt"));
  leave.abort();
  await asked;
  await until(() => isClosed);
});
