import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { createRng, ManualClock, systemClock } from "@millrace/core";
import { createFetcher, type FetcherOptions } from "../../src/fetch/fetcher.ts";
import { FETCHES_MAX } from "../../src/limits.ts";
import { HTML, openSite, page, type Route, redirect, status, textOf, until } from "./site.ts";

const open = (options: FetcherOptions = {}) =>
  createFetcher({ allow: ["127.0.0.1"], rng: createRng(1), ratePerSecond: 1_000, burst: 1_000, ...options });

/** Answers one after the other, the last one for good. */
const inTurn = (...answers: Route[]): Route => {
  let at = 0;
  return (request, response) => answers[Math.min(at++, answers.length - 1)]?.(request, response);
};

const cut: Route = (_, response) => {
  response.writeHead(200, { ...HTML, "content-length": "1000" }).write("<p>half");
  setImmediate(() => response.destroy());
};

test("redirects of every kind are followed and told; each is a GET", async () => {
  for (const code of [301, 302, 303, 307, 308]) {
    await using site = await openSite({});
    site.routes = {
      "/a/start": redirect("next?x=1", code),
      "/a/next?x=1": redirect(`//127.0.0.1:${site.port}/b`, code),
      "/b": redirect(`${site.url}/end#part`, code),
      "/end": (request, response) => response.writeHead(200, HTML).end(request.method),
    };
    await using fetcher = open();
    const fetched = await fetcher.fetch(`${site.url}/a/start`);
    assert.equal(fetched.finalUrl, `${site.url}/end#part`);
    assert.deepEqual(fetched.redirects, [`${site.url}/a/start`, `${site.url}/a/next?x=1`, `${site.url}/b`]);
    assert.equal(textOf(fetched), "GET");
  }
});

test("redirects that lead nowhere, inward, to other schemes or round in a circle are refused by name", async () => {
  await using site = await openSite({
    "/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
    "/decimal": redirect("http://2130706433/"),
    "/mapped": redirect("http://[::ffff:10.0.0.1]/"),
    "/any": redirect("http://0.0.0.0/"),
    "/file": redirect("file:///etc/passwd"),
    "/script": redirect("javascript:alert(1)"),
    "/garbage": redirect("http://:bad:/"),
    "/one": redirect("/two"),
    "/two": redirect("/three"),
    "/three": redirect("/two"),
    "/none": status(302),
    "/choices": redirect("/two", 300),
  });
  // Loopback is open for the tests by its address alone.
  await using fetcher = open();
  const get = (path: string) => fetcher.fetch(site.url + path);
  for (const path of ["/metadata", "/mapped", "/any"])
    await assert.rejects(get(path), { code: "blocked_address" }, path);
  await assert.rejects(open({ allow: [] }).fetch("http://2130706433/"), { code: "blocked_address" });
  for (const path of ["/file", "/script", "/garbage"])
    await assert.rejects(get(path), { code: "invalid_argument" }, path);
  await assert.rejects(get("/one"), { code: "fetch_failed", message: /circle: \S+\/two → \S+\/three → \S+\/two;/ });
  for (const path of ["/none", "/choices"])
    await assert.rejects(get(path), { code: "fetch_failed", message: /30[02]/ });
});

test("a redirect to a name is judged by what the name leads to, and credentials are not passed on", async () => {
  await using site = await openSite({});
  site.routes = {
    "/inward": redirect(`http://inner.example:${site.port}/secret`),
    "/login": redirect(`http://me:secret@127.0.0.1:${site.port}/open`),
    "/open": (request, response) => response.writeHead(200, HTML).end(String(request.headers.authorization)),
  };
  await using fetcher = open({ resolve: async () => [{ address: "10.0.0.9", family: 4 }] });
  await assert.rejects(fetcher.fetch(`${site.url}/inward`), { code: "blocked_address", message: /10\.0\.0\.9/ });
  const fetched = await fetcher.fetch(`${site.url}/login`);
  assert.deepEqual([textOf(fetched), fetched.finalUrl], ["undefined", `${site.url}/open`]);
  await assert.rejects(fetcher.fetch("http://me:secret@127.0.0.1/"), { code: "invalid_argument" });
});

test("a name is resolved once for a connection: what was checked is connected to", async () => {
  await using site = await openSite({ "/": page("inside") });
  let asked = 0;
  // The answer that is allowed comes first, and nobody listens there; the inward one is for whoever asks again.
  const resolve = async () => [{ address: asked++ === 0 ? "127.0.0.2" : "127.0.0.1", family: 4 }];
  await using fetcher = open({ allow: ["127.0.0.2"], resolve, retries: 0 });
  await assert.rejects(fetcher.fetch(`http://rebind.example:${site.port}/`), (error: Error & { code: string }) =>
    /^(timeout|fetch_unreachable)$/.test(error.code),
  );
  assert.deepEqual([asked, site.asked], [1, []]);
  await assert.rejects(fetcher.fetch(`http://rebind.example:${site.port}/`), { code: "blocked_address" });
  assert.deepEqual(site.asked, []);
});

test("a connection that one call was allowed serves no call that was not", async () => {
  await using site = await openSite({ "/": page("inside") });
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  await using fetcher = open({ allow: [], resolve });
  const url = `http://inner.example:${site.port}/`;
  assert.equal(textOf(await fetcher.fetch(url, { allow: ["inner.example"] })), "inside");
  await assert.rejects(fetcher.fetch(url), { code: "blocked_address" });
});

test("what passes is tried again, with a growing wait; what does not is not", { timeout: 120_000 }, async () => {
  await using site = await openSite({
    "/flaky": inTurn(status(503), status(500), cut, page("at last")),
    "/down": status(502),
    "/gone": status(410),
    "/busy": inTurn(status(429, { "retry-after": "0" }), status(408), page("now")),
  });
  const clock = new ManualClock();
  await using fetcher = open({ rng: () => 0, clock });
  const times = (path: string) => site.asked.filter((asked) => asked === path).length;
  /** Lets the waits pass, each to its millisecond. */
  const fetchAfter = async (path: string, waitsMs: readonly number[], options = {}) => {
    const { retries } = fetcher.stats();
    const fetching = fetcher.fetch(site.url + path, options);
    fetching.catch(() => {});
    for (const [tries, waitMs] of waitsMs.entries()) {
      await until(() => fetcher.stats().retries === retries + tries + 1);
      clock.advance(waitMs - 1);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(times(path), tries + 1, "not before the wait is over");
      clock.advance(1);
    }
    return fetching;
  };
  // 250, 500 and 1,000 ms, of which the upper half is drawn: none of it.
  const flaky = await fetchAfter("/flaky", [125, 250, 500]);
  assert.deepEqual([textOf(flaky), flaky.attempts, flaky.timings.queuedMs], ["at last", 4, 875]);
  assert.equal((await fetchAfter("/busy", [125, 250])).attempts, 3);
  await assert.rejects(fetchAfter("/down", [125], { retries: 1 }), { code: "fetch_failed", retryable: true });
  await assert.rejects(fetcher.fetch(`${site.url}/gone`), { code: "fetch_failed", retryable: false });
  assert.deepEqual([times("/down"), times("/gone")], [2, 1]);
  assert.equal(fetcher.stats().retries, 6);
});

test("no try is begun that the deadline would cut off before it starts", { timeout: 120_000 }, async () => {
  await using site = await openSite({ "/": status(503, { "retry-after": "5" }) });
  // Its time stands still: who waits for anything waits for ever.
  await using fetcher = open({ clock: new ManualClock() });
  await assert.rejects(fetcher.fetch(`${site.url}/`, { timeoutMs: 4_900 }), {
    code: "fetch_failed",
    message: /503/,
    retryAfterMs: 5_000,
  });
  assert.equal(fetcher.stats().retries, 0);
});

test("Retry-After silences the origin for others, too", async () => {
  await using site = await openSite({ "/busy": status(429, { "retry-after": "60" }), "/other": page("x") });
  const clock = new ManualClock();
  await using fetcher = open({ clock });
  await assert.rejects(fetcher.fetch(`${site.url}/busy`), { code: "fetch_failed", retryAfterMs: 60_000 });
  clock.advance(1_000);
  const refused = { code: "rate_limited", retryAfterMs: 59_000 };
  await assert.rejects(fetcher.fetch(`${site.url}/other`, { timeoutMs: 1_000 }), refused);
  assert.ok(!site.asked.includes("/other"));
});

test("an unchanged page is told by 304; an unasked 304 is an error", async () => {
  const changed = "Tue, 01 Oct 2024 10:00:00 GMT";
  await using site = await openSite({
    "/": (request, response) => {
      const { "if-none-match": tag, "if-modified-since": since } = request.headers;
      const headers = { ...HTML, etag: '"v1"', "last-modified": changed };
      if (tag === '"v1"' || since === changed) response.writeHead(304, headers).end();
      else response.writeHead(200, headers).end("the page");
    },
    "/odd": status(304),
  });
  await using fetcher = open();
  const first = await fetcher.fetch(`${site.url}/`);
  assert.deepEqual(
    [first.status, first.etag, first.lastModified, first.fromStatus304],
    [200, '"v1"', changed, undefined],
  );
  for (const conditional of [{ etag: '"v1"' }, { lastModified: changed }]) {
    const again = await fetcher.fetch(`${site.url}/`, { conditional });
    assert.deepEqual([again.status, again.fromStatus304, again.bytes.length, again.etag], [304, true, 0, '"v1"']);
  }
  assert.equal((await fetcher.fetch(`${site.url}/`, { conditional: { etag: '"v0"' } })).status, 200);
  await assert.rejects(fetcher.fetch(`${site.url}/odd`), { code: "fetch_failed", message: /304/ });
  await assert.rejects(fetcher.fetch(`${site.url}/`, { conditional: { etag: "a\r\nb: c" } }), {
    code: "invalid_argument",
  });
  assert.equal(fetcher.stats().notModified, 2);
});

test("types that are not read are refused before their body is", async () => {
  let isRead = false;
  const image: Route = (_, response) => {
    response.writeHead(200, { "content-type": "image/png" }).write(Buffer.alloc(1_000));
    response.on("finish", () => {
      isRead = true;
    });
  };
  await using site = await openSite({
    "/x.png": image,
    "/none": (_, response) => response.writeHead(200).end("text without a type"),
    "/odd": page("x", { "content-type": "html" }),
    "/map": page("<urlset/>", { "content-type": "application/xml" }),
  });
  await using fetcher = open();
  await assert.rejects(fetcher.fetch(`${site.url}/x.png`), { code: "unsupported_type", message: /image\/png/ });
  assert.equal(isRead, false);
  assert.equal((await fetcher.fetch(`${site.url}/none`)).contentType, "");
  assert.equal((await fetcher.fetch(`${site.url}/odd`)).status, 200);
  await assert.rejects(fetcher.fetch(`${site.url}/map`), { code: "unsupported_type" });
  assert.equal((await fetcher.fetch(`${site.url}/map`, { contentTypes: ["application/xml"] })).status, 200);
});

test("five failures in a row leave the origin alone; missing pages do not", async () => {
  await using site = await openSite({ "/down": status(500), "/up": page("x") });
  const clock = new ManualClock();
  await using fetcher = open({ clock, retries: 0 });
  for (let n = 0; n < 8; n++) await assert.rejects(fetcher.fetch(`${site.url}/missing`), { message: /404/ });
  for (let n = 0; n < 5; n++) await assert.rejects(fetcher.fetch(`${site.url}/down`), { message: /500/ });
  await assert.rejects(fetcher.fetch(`${site.url}/up`), { code: "fetch_unreachable", retryAfterMs: 30_000 });
  assert.equal(fetcher.stats().originsOpen, 1);
  assert.ok(!site.asked.includes("/up"));
  clock.advance(30_000);
  assert.equal(textOf(await fetcher.fetch(`${site.url}/up`)), "x");
});

test("pages of one origin come at its rate, whatever another origin does", async () => {
  await using slow = await openSite({ "*": page("slow") });
  await using other = await openSite({ "*": page("other") });
  const clock = new ManualClock();
  await using fetcher = open({ clock, ratePerSecond: 1.5, burst: 3 });
  const done: string[] = [];
  const all = Array.from({ length: 5 }, (_, n) => fetcher.fetch(`${slow.url}/${n}`).then(() => done.push(`/${n}`)));
  await until(() => done.length === 3 && fetcher.stats().waiting === 2);
  assert.equal(textOf(await fetcher.fetch(`${other.url}/x`)), "other");
  clock.advance(667);
  await until(() => done.length === 4);
  clock.advance(667);
  await Promise.all(all);
  assert.deepEqual(slow.asked.filter((path) => path !== "/robots.txt").slice(3), ["/3", "/4"]);
});

test("connections are used again, and what they took is told", async () => {
  const sockets = new Set<unknown>();
  const counted: Route = (request, response) => {
    sockets.add(request.socket);
    response.writeHead(200, HTML).end("x");
  };
  await using site = await openSite({
    "/moved": (request, response) => {
      sockets.add(request.socket);
      redirect("/a")(request, response);
    },
    "/a": counted,
    "/b": counted,
  });
  // Every look at the clock is a millisecond later than the one before, so that no step takes no time; its timers never fire.
  let ticks = 0;
  const clock = { ...systemClock, monotonic: () => ++ticks, after: () => () => {} };
  await using fetcher = open({ heedsRobots: false, clock });
  const first = await fetcher.fetch(`${site.url}/moved`);
  await new Promise((resolve) => setImmediate(resolve));
  const second = await fetcher.fetch(`${site.url}/b`);
  assert.equal(sockets.size, 1);
  assert.equal(second.timings.connectMs, undefined);
  const { queuedMs, connectMs = -1, dnsMs = -1, firstByteMs, totalMs } = first.timings;
  assert.ok(queuedMs >= 0 && dnsMs >= 0 && connectMs > 0 && firstByteMs > 0 && totalMs >= firstByteMs);
  assert.equal(first.attempts, 1);
});

test("what is asked of indexers is told: headers and meta tags, for all and for this agent", async () => {
  await using site = await openSite({
    "/": page(
      '<head><META CONTENT="noarchive, max-snippet: 20" NAME="robots"><meta name="millrace" content=noindex><meta name=x content=no>',
      {
        "x-robots-tag": ["nofollow", "otherbot: noimageindex", "Millrace: nosnippet"],
      },
    ),
  });
  await using fetcher = open();
  assert.deepEqual((await fetcher.fetch(`${site.url}/`)).robotsDirectives, [
    ...["nofollow", "nosnippet", "noarchive", "max-snippet:20", "noindex"],
  ]);
});

test("the user agent is what it is set to", async () => {
  await using site = await openSite({
    "/": (request, response) => response.writeHead(200, HTML).end(request.headers["user-agent"]),
    "/robots.txt": page("user-agent: OwnBot\ndisallow: /private"),
    "/private": page("x"),
  });
  await using fetcher = open({ userAgent: "OwnBot/2.0 (+https://example.org/bot)" });
  assert.equal(textOf(await fetcher.fetch(`${site.url}/`)), "OwnBot/2.0 (+https://example.org/bot)");
  await assert.rejects(fetcher.fetch(`${site.url}/private`), { code: "robots_disallowed" });
  for (const userAgent of ["", "a\r\nb", "(x)"]) assert.throws(() => open({ userAgent }), { code: "invalid_argument" });
});

test("a connection refused is tried again, a name that does not exist is not", async () => {
  const closed = createTcpServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as { port: number };
  closed.close();
  await once(closed, "close");
  let asked = 0;
  const resolve = () => {
    asked++;
    return Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND no.example"), { code: "ENOTFOUND" }));
  };
  await using fetcher = open({ resolve });
  await assert.rejects(fetcher.fetch(`http://127.0.0.1:${port}/`, { retries: 1 }), { code: "fetch_unreachable" });
  assert.equal(fetcher.stats().retries, 1);
  await assert.rejects(fetcher.fetch("http://no.example/"), { code: "fetch_unreachable", message: /ENOTFOUND/ });
  assert.equal(asked, 1);
});

test("a fetcher that is closed breaks off what it has in hand and takes nothing new", async () => {
  await using site = await openSite({ "/hang": () => {} });
  const fetcher = open();
  const hanging = assert.rejects(fetcher.fetch(`${site.url}/hang`), { code: "unavailable" });
  await until(() => site.asked.includes("/hang"));
  await fetcher[Symbol.asyncDispose]();
  await hanging;
  assert.equal(fetcher.stats().inFlight, 0);
  await assert.rejects(fetcher.fetch(`${site.url}/`), { code: "unavailable" });
});

test("calls in hand are bounded", async () => {
  await using site = await openSite({ "*": () => {} });
  await using fetcher = open({ heedsRobots: false });
  const leave = new AbortController();
  const calls = Array.from({ length: FETCHES_MAX }, () =>
    fetcher.fetch(`${site.url}/x`, { signal: leave.signal }).catch(() => {}),
  );
  await assert.rejects(fetcher.fetch(`${site.url}/y`), { code: "overloaded" });
  leave.abort();
  await Promise.all(calls);
  assert.equal(fetcher.stats().inFlight, 0);
});

test("options that make no sense are refused by name", () => {
  for (const options of [
    { ratePerSecond: 0 },
    { ratePerSecond: Number.NaN },
    { burst: 0 },
    { retries: 4 },
    { timeoutMs: 0.5 },
  ])
    assert.throws(() => open(options), {
      code: "invalid_argument",
      message: new RegExp(Object.keys(options)[0] ?? "-"),
    });
});
