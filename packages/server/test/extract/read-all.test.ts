import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, ManualClock, MillraceError } from "@millrace/core";
import { createPageService, type PageReader, type PageReadOptions, type ReadSource } from "@millrace/extract";
import { type ReadAllOptions, type ReadEvent, readAll } from "../../src/extract/read-all.ts";
import { openSite, pageOf } from "./extract-site.ts";

const AWAY = "http://away.example";
const NEAR = "http://near.example";

/** A clock of its own for the list's waits: `paused` settles with the next one's length once it is begun. */
function watch(clock: Clock): { readonly clock: Clock; readonly paused: () => Promise<number> } {
  const begun: number[] = [];
  let look = () => {};
  return {
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(ms, run) {
        begun.push(ms);
        look();
        return clock.after(ms, run);
      },
    },
    async paused() {
      while (begun.length === 0) {
        await new Promise<void>((resolve) => {
          look = resolve;
        });
      }
      return begun.shift() ?? 0;
    },
  };
}

type Asked = { readonly url: string; readonly originWaitMsMax: number | undefined };

/** A reader whose pages come or fail as `answer` says; `waitMs` is what it knows of an address's origin. */
function readerOf(
  answer: (url: string) => MillraceError | undefined,
  waitMs: (url: string) => number,
): { readonly reader: ReadAllOptions["reader"]; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const reader: ReadAllOptions["reader"] = {
    async read(source: ReadSource, { originWaitMsMax }: PageReadOptions = {}) {
      const url = "url" in source ? (source.url ?? "") : "";
      asked.push({ url, originWaitMsMax });
      const error = answer(url);
      if (error) throw error;
      return { url, cache: { hit: false } } as Awaited<ReturnType<PageReader["read"]>>;
    },
    originWaitMs: waitMs,
  };
  return { reader, asked };
}

type Told = readonly [url: string, outcome: string, error?: Extract<ReadEvent, { kind: "error" }>["error"]];

/** Begins to read `urls`, one at a time unless told otherwise. */
function begin(
  urls: readonly string[],
  { reader, clock, ...options }: Pick<ReadAllOptions, "reader" | "clock"> & Partial<ReadAllOptions>,
) {
  const told: Told[] = [];
  const watched = watch(clock);
  const ended = readAll({
    ...{ reader, clock: watched.clock, read: {}, concurrency: 1, signal: new AbortController().signal },
    tasks: urls.map((url, index) => ({ index, name: url, source: { url } })),
    room: async () => {},
    tell: async (event) => {
      if (event.kind === "result") told.push([event.task.name, "read"]);
      if (event.kind === "error") told.push([event.task.name, event.error.code, event.error]);
    },
    ...options,
  });
  return { told, ended, paused: watched.paused };
}

const alone = (retryAfterMs: number) =>
  new MillraceError("fetch_unreachable", `${AWAY} is left alone; try again in ${retryAfterMs} ms`, { retryAfterMs });

/** An origin that is left alone until `untilMs` on the clock. */
function leftAlone(clock: Clock, untilMs: number) {
  const waitMs = (url: string) => (url.startsWith(AWAY) ? Math.max(0, untilMs - clock.monotonic()) : 0);
  const answer = (url: string) => (waitMs(url) > 0 ? alone(waitMs(url)) : undefined);
  return readerOf(answer, waitMs);
}

test("sources of an origin that is left alone wait for it while others are read, and are read when it may be asked", async () => {
  const clock = new ManualClock();
  const { reader, asked } = leftAlone(clock, clock.monotonic() + 30_000);
  const urls = [`${AWAY}/1`, `${AWAY}/2`, `${NEAR}/1`, `${AWAY}/3`, `${NEAR}/2`];
  const { told, ended, paused } = begin(urls, { reader, clock });
  assert.equal(await paused(), 30_000);
  assert.deepEqual(told, [
    [`${NEAR}/1`, "read"],
    [`${NEAR}/2`, "read"],
  ]);
  assert.deepEqual(
    asked.map(({ url }) => url).filter((url) => url.startsWith(AWAY)),
    [`${AWAY}/1`],
  );
  clock.advance(30_000);
  await ended;
  assert.deepEqual(
    told.slice(2).map(([url, outcome]) => [url, outcome]),
    [1, 2, 3].map((n) => [`${AWAY}/${n}`, "read"]),
  );
});

test("what would wait longer than the list has time is told at once when its origin may be asked again", async () => {
  const clock = new ManualClock();
  const { reader } = leftAlone(clock, clock.monotonic() + 30_000);
  const { told, ended } = begin([`${AWAY}/1`, `${NEAR}/1`], { reader, clock, read: { timeoutMs: 10_000 } });
  await ended;
  assert.deepEqual(
    told.map(([url, outcome]) => [url, outcome]),
    [
      [`${AWAY}/1`, "fetch_unreachable"],
      [`${NEAR}/1`, "read"],
    ],
  );
  const error = told[0]?.[2];
  assert.deepEqual([error?.retryAfterMs, error?.retryable], [30_000, true]);
  assert.match(error?.message ?? "", /http:\/\/away\.example is left alone.*30000 ms.*20000 ms left.*timeoutMs/);
});

test("an origin that fails again after it was waited for is given up; one that answered in between is waited for again", async () => {
  const clock = new ManualClock();
  let untilMs = clock.monotonic() + 30_000;
  const waitMs = (url: string) => (url.startsWith(AWAY) ? Math.max(0, untilMs - clock.monotonic()) : 0);
  let answers = 0;
  const answer = (url: string) => {
    if (waitMs(url) > 0) return alone(waitMs(url));
    if (answers-- > 0) return undefined;
    untilMs = clock.monotonic() + 30_000;
    return alone(30_000);
  };
  const { reader, asked } = readerOf(answer, waitMs);
  const urls = Array.from({ length: 5 }, (_, at) => `${AWAY}/${at}`);
  const { told, ended, paused } = begin(urls, { reader, clock });
  assert.equal(await paused(), 30_000);
  answers = 1;
  clock.advance(30_000);
  assert.equal(await paused(), 30_000);
  clock.advance(30_000);
  await ended;
  assert.deepEqual(
    told.map(([, outcome]) => outcome),
    ["read", ...Array.from({ length: 4 }, () => "fetch_unreachable")],
  );
  assert.match(told[1]?.[2]?.message ?? "", /waited for once and failed again/);
  assert.equal(asked.length, 7);
});

test("probes that are out, and turns that are to come, are waited for as often as need be", async () => {
  const clock = new ManualClock();
  const [first, busy] = [`${AWAY}/1`, `${NEAR}/1`];
  const left = new Map([
    [first, 5],
    [busy, 5],
  ]);
  const answer = (url: string) => {
    const count = left.get(url) ?? 0;
    left.set(url, count - 1);
    if (count === 0) return undefined;
    return url === first ? alone(1_000) : new MillraceError("rate_limited", "too fast", { retryAfterMs: 5_000 });
  };
  const { reader } = readerOf(answer, () => 0);
  const { told, ended, paused } = begin([first, busy], { reader, clock });
  while (told.length < 2) clock.advance(await Promise.race([paused(), ended.then(() => 0)]));
  await ended;
  assert.deepEqual(told, [
    [first, "read"],
    [busy, "read"],
  ]);
});

test("a server that says when to come back is come back to once, and then its answer counts", async () => {
  const clock = new ManualClock();
  const answer = (url: string) =>
    url.startsWith(AWAY)
      ? new MillraceError("fetch_failed", `${url} answered with status 503`, { retryable: true, retryAfterMs: 20_000 })
      : undefined;
  const { reader, asked } = readerOf(answer, (url) => (url.startsWith(AWAY) ? 20_000 : 0));
  const { told, ended, paused } = begin([`${AWAY}/1`, `${NEAR}/1`], { reader, clock });
  assert.equal(await paused(), 20_000);
  clock.advance(20_000);
  await ended;
  assert.deepEqual(
    told.map(([url, outcome]) => [url, outcome]),
    [
      [`${NEAR}/1`, "read"],
      [`${AWAY}/1`, "fetch_failed"],
    ],
  );
  assert.equal(told[1]?.[2]?.retryAfterMs, 20_000);
  // It may hold up nothing while another origin can be asked, and takes its time after.
  assert.deepEqual(asked, [
    { url: `${AWAY}/1`, originWaitMsMax: 1_000 },
    { url: `${NEAR}/1`, originWaitMsMax: undefined },
    { url: `${AWAY}/1`, originWaitMsMax: undefined },
  ]);
});

test("a page that leads to an origin that is left alone waits alone: its own origin is read on", async () => {
  const clock = new ManualClock();
  let isAway = true;
  const { reader } = readerOf(
    (url) => (url.endsWith("/leads-away") && isAway ? alone(20_000) : undefined),
    () => 0,
  );
  const { told, ended, paused } = begin([`${NEAR}/leads-away`, `${NEAR}/1`], { reader, clock });
  assert.equal(await paused(), 20_000);
  isAway = false;
  clock.advance(20_000);
  await ended;
  assert.deepEqual(told, [
    [`${NEAR}/1`, "read"],
    [`${NEAR}/leads-away`, "read"],
  ]);
});

test("an extraction that is given up while it waits for an origin ends", async () => {
  const clock = new ManualClock();
  const { reader } = leftAlone(clock, clock.monotonic() + 20_000);
  const abort = new AbortController();
  const { told, ended, paused } = begin([`${AWAY}/1`, `${AWAY}/2`], {
    ...{ reader, clock, concurrency: 2, signal: abort.signal },
  });
  await paused();
  await paused();
  abort.abort();
  await ended;
  assert.deepEqual(told, []);
});

test("pages of a site that was away come when it is back, after those of others", async () => {
  const clock = new ManualClock();
  let isBroken = true;
  await using broken = await openSite((path) =>
    isBroken ? (_, response) => response.writeHead(500).end() : pageOf(`Mended ${path}`),
  );
  await using sound = await openSite((path) => pageOf(`Sound ${path}`));
  const fetching = { allow: ["127.0.0.1"], ratePerSecond: 1_000, burst: 1_000, retries: 0, clock };
  await using service = createPageService({ clock, fetching });
  const urls = [
    ...Array.from({ length: 7 }, (_, at) => `${broken.url}/${at}`),
    ...["/a", "/b"].map((path) => sound.url + path),
  ];
  const { told, ended, paused } = begin(urls, { reader: service.reader, clock });
  assert.equal(await paused(), 30_000);
  const outcomes = () => told.map(([url, outcome]) => [urls.indexOf(url), outcome]);
  const first = [...Array.from({ length: 5 }, (_, at) => [at, "fetch_failed"]), ...[7, 8].map((at) => [at, "read"])];
  assert.deepEqual(outcomes(), first);
  isBroken = false;
  clock.advance(30_000);
  await ended;
  assert.deepEqual(outcomes(), [...first, [5, "read"], [6, "read"]]);
  assert.equal(broken.asked.length, 7);
});
