import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, ManualClock } from "@millrace/core";
import { createFetcher, type FetcherOptions } from "../../src/fetch/fetcher.ts";
import { openSite, page, status } from "./site.ts";

const open = (options: FetcherOptions = {}) =>
  createFetcher({ allow: ["127.0.0.1"], rng: createRng(1), ratePerSecond: 1_000, burst: 1_000, ...options });

test("who would wait longer for its turn than it wants to is told when, and takes no place", async () => {
  const clock = new ManualClock();
  await using site = await openSite({ "*": page("<p>here") });
  await using fetcher = open({ clock, ratePerSecond: 0.5, burst: 1 });
  assert.equal(fetcher.originWaitMs(`${site.url}/1`), 0);
  await fetcher.fetch(`${site.url}/1`);
  assert.equal(fetcher.originWaitMs(`${site.url}/2`), 2_000);
  const refused = { code: "rate_limited", retryAfterMs: 2_000 };
  await assert.rejects(fetcher.fetch(`${site.url}/2`, { originWaitMsMax: 1_999 }), refused);
  assert.equal(fetcher.originWaitMs(`${site.url}/2`), 2_000);
  clock.advance(2_000);
  await fetcher.fetch(`${site.url}/2`, { originWaitMsMax: 0 });
  for (const other of ["http://never.asked.example/", "no address"]) assert.equal(fetcher.originWaitMs(other), 0);
});

test("who does not want to wait as long as the server asks for is told so after the first try", async () => {
  const clock = new ManualClock();
  await using site = await openSite({ "/busy": status(503, { "retry-after": "5" }) });
  await using fetcher = open({ clock });
  const error = { code: "fetch_failed", retryable: true, retryAfterMs: 5_000, message: /503/ };
  await assert.rejects(fetcher.fetch(`${site.url}/busy`, { originWaitMsMax: 1_000 }), error);
  assert.equal(site.asked.filter((path) => path === "/busy").length, 1);
  assert.equal(fetcher.originWaitMs(`${site.url}/any`), 5_000);
});

test("nobody takes a turn of others to be refused by an origin that is left alone", async () => {
  const clock = new ManualClock();
  await using site = await openSite({ "/robots.txt": status(404), "*": status(500) });
  await using fetcher = open({ clock, ratePerSecond: 0.001, burst: 6, retries: 0 });
  const url = `${site.url}/a`;
  for (let n = 0; n < 5; n++) await assert.rejects(fetcher.fetch(url), { code: "fetch_failed" });
  assert.equal(fetcher.originWaitMs(url), 30_000);
  await assert.rejects(fetcher.fetch(url), { code: "fetch_unreachable", retryAfterMs: 30_000 });
  clock.advance(30_000);
  assert.equal(fetcher.originWaitMs(url), 0, "the sixth turn is still to be had");
});
