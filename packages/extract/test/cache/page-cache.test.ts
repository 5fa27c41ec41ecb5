import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, MillraceError } from "@millrace/core";
import { cacheKey } from "../../src/cache/cache-key.ts";
import type { Load, Previous } from "../../src/cache/load.ts";
import { createPageCache } from "../../src/cache/page-cache.ts";
import { counted, keyOf, noise, openCache, temporaryDirectory, turn } from "./fixture.ts";

const HOUR = 3_600_000;
const failing = (error: unknown): Load<string> & { calls: number } => {
  const load = async () => {
    load.calls++;
    throw error;
  };
  load.calls = 0;
  return load;
};

test("a value is loaded once, then comes from memory, and after a restart from disk with its status and quality", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache, clock } = openCache<object>(context, { disk: { directory } });
  const value = { text: "words ".repeat(500), bytes: new Uint8Array([1, 2, 3]), map: new Map([["a", 1]]) };
  let calls = 0;
  const load = async () => {
    calls++;
    return { value, status: 203, quality: 71 };
  };
  assert.deepEqual((await cache.get(keyOf("a"), load)).cache, { hit: false, layer: "none", ageMs: 0, isStale: false });
  clock.advance(5_000);
  const second = await cache.get(keyOf("a"), load);
  assert.deepEqual(second.cache, { hit: true, layer: "memory", ageMs: 5_000, isStale: false });
  await cache[Symbol.asyncDispose]();
  const restarted = openCache<object>(context, { disk: { directory }, clock });
  const third = await restarted.cache.get(keyOf("a"), load);
  assert.deepEqual(third, {
    value,
    status: 203,
    quality: 71,
    cache: { hit: true, layer: "disk", ageMs: 5_000, isStale: false },
  });
  assert.equal((await restarted.cache.get(keyOf("a"), load)).cache.layer, "memory");
  assert.equal(calls, 1);
  const { hits, hitRate, bytes, entries } = restarted.cache.stats();
  assert.deepEqual([hits, hitRate], [{ memory: 1, disk: 1 }, 1]);
  assert.ok(bytes.disk > 0 && bytes.disk < bytes.memory);
  assert.deepEqual(entries, { memory: 1, disk: 1, failures: 0 });
});

test("a stale value is served at once while one refresh runs; past the stale time it is loaded again", async (context) => {
  const { cache, clock } = openCache(context, { ttlMs: HOUR, staleMs: HOUR });
  await cache.get(keyOf("a"), counted("old").load);
  clock.advance(HOUR);
  const refresh = Promise.withResolvers<{ value: string }>();
  let calls = 0;
  const load: Load<string> = () => {
    calls++;
    return refresh.promise;
  };
  for (let n = 0; n < 5; n++) {
    const { value, cache: note } = await cache.get(keyOf("a"), load);
    assert.deepEqual([value, note.isStale, note.ageMs], ["old", true, HOUR]);
  }
  await turn();
  assert.equal(calls, 1);
  refresh.resolve({ value: "new" });
  await turn();
  assert.deepEqual((await cache.get(keyOf("a"), load)).value, "new");
  clock.advance(2 * HOUR);
  const again = await cache.get(keyOf("a"), counted("newest").load);
  assert.deepEqual([again.value, again.cache.hit], ["newest", false]);
  const { stale, refreshes, loads, misses } = cache.stats();
  assert.deepEqual({ stale, refreshes, loads, misses }, { stale: 5, refreshes: 1, loads: 3, misses: 2 });
});

test("at most refreshesMax refreshes run; a failed one pauses, and the stale value stays", async (context) => {
  const { cache, clock } = openCache(context, { ttlMs: HOUR, staleMs: 10 * HOUR, refreshesMax: 2 });
  for (const name of ["a", "b", "c"]) await cache.get(keyOf(name), counted("old").load);
  clock.advance(HOUR);
  const down = Promise.withResolvers<never>();
  let calls = 0;
  const hanging: Load<string> = () => {
    calls++;
    return down.promise;
  };
  for (const name of ["a", "b", "c"]) await cache.get(keyOf(name), hanging);
  await turn();
  assert.equal(calls, 2);
  down.reject(new MillraceError("fetch_unreachable", "down"));
  await turn();
  const again = counted("new");
  assert.equal((await cache.get(keyOf("a"), again.load)).value, "old");
  await turn();
  assert.equal(again.calls, 0);
  clock.advance(30_000);
  assert.equal((await cache.get(keyOf("a"), again.load)).value, "old");
  await turn();
  assert.equal((await cache.get(keyOf("a"), again.load)).value, "new");
  assert.equal(cache.stats().refreshFailures, 2);
  await cache.get(keyOf("b"), counted("loaded").load, { mode: "refresh" });
  clock.advance(HOUR);
  await cache.get(keyOf("b"), failing(new MillraceError("fetch_unreachable", "down")));
  await turn();
  await cache.get(keyOf("b"), async () => ({ value: "by another way", ttlMs: 1_000 }), { mode: "refresh" });
  clock.advance(1_000);
  await cache.get(keyOf("b"), again.load);
  await turn();
  assert.equal((await cache.get(keyOf("b"), again.load)).value, "new", "a load that succeeds ends the pause");
});

test("a refresh that hangs is given up and frees its place", async (context) => {
  const { cache, clock } = openCache(context, { ttlMs: HOUR, staleMs: HOUR, refreshesMax: 1 });
  for (const name of ["a", "b"]) await cache.get(keyOf(name), counted("old").load);
  clock.advance(HOUR);
  let signal: AbortSignal | undefined;
  await cache.get(keyOf("a"), (given) => {
    signal = given;
    return new Promise(() => {});
  });
  await turn();
  clock.advance(60_000);
  await turn();
  assert.equal(signal?.aborted, true);
  const other = counted("new");
  await cache.get(keyOf("b"), other.load);
  await turn();
  assert.equal(other.calls, 1);
});

test("fifty callers cause one load; those who cancel leave, the load ends with the last", async (context) => {
  const { cache } = openCache(context);
  const landed = Promise.withResolvers<{ value: string }>();
  let calls = 0;
  let during: AbortSignal | undefined;
  const load: Load<string> = (signal) => {
    calls++;
    during = signal;
    return landed.promise;
  };
  const leavers = Array.from({ length: 25 }, () => new AbortController());
  const gone = leavers.map(({ signal }) => cache.get(keyOf("a"), load, { signal }));
  const staying = Array.from({ length: 25 }, () => cache.get(keyOf("a"), load));
  await turn();
  for (const leaver of leavers) leaver.abort();
  for (const call of gone) await assert.rejects(call, { code: "cancelled" });
  assert.equal(during?.aborted, false);
  landed.resolve({ value: "page" });
  for (const call of staying) assert.equal((await call).value, "page");
  assert.equal(calls, 1);
  assert.deepEqual([cache.stats().misses, cache.stats().joined, cache.stats().loads], [50, 49, 1]);

  const only = new AbortController();
  const alone = cache.get(
    keyOf("b"),
    (signal) => {
      during = signal;
      return new Promise(() => {});
    },
    { signal: only.signal },
  );
  await turn();
  only.abort(new MillraceError("timeout", "the deadline passed"));
  await assert.rejects(alone, { code: "timeout" });
  assert.equal(during?.aborted, true);
});

test("what an abandoned load still brings is not kept", async (context) => {
  const { cache } = openCache(context);
  const late = Promise.withResolvers<{ value: string }>();
  const caller = new AbortController();
  const call = cache.get(keyOf("a"), () => late.promise, { signal: caller.signal });
  await turn();
  caller.abort();
  await assert.rejects(call, { code: "cancelled" });
  late.resolve({ value: "late" });
  await turn();
  await assert.rejects(cache.get(keyOf("a"), counted("x").load, { mode: "only" }), { code: "not_found" });
});

test("lasting failures are repeated for their time, passing ones never", async (context) => {
  const { cache, clock } = openCache(context, { negativeTtlMs: 60_000 });
  const missing = failing(new MillraceError("fetch_failed", "status 404"));
  for (let n = 0; n < 3; n++)
    await assert.rejects(cache.get(keyOf("a"), missing), {
      code: "fetch_failed",
      message: "status 404",
      retryable: false,
    });
  assert.equal(missing.calls, 1);
  assert.equal(cache.stats().negative, 2);
  await assert.rejects(cache.get(keyOf("a"), missing, { mode: "only" }), { code: "fetch_failed" });
  await assert.rejects(cache.get(keyOf("a"), missing, { mode: "refresh" }), { code: "fetch_failed" });
  assert.equal(missing.calls, 2);
  clock.advance(1_000);
  await assert.rejects(cache.get(keyOf("a"), missing, { maxAgeMs: 999 }), { code: "fetch_failed" });
  assert.equal(missing.calls, 3);
  clock.advance(60_000);
  assert.equal((await cache.get(keyOf("a"), counted("back").load)).value, "back");

  const passing = [
    new MillraceError("fetch_unreachable", "down"),
    new MillraceError("fetch_failed", "status 503", { retryable: true }),
    new MillraceError("timeout", "slow"),
    new MillraceError("internal", "a defect"),
    new Error("not typed"),
  ];
  for (const error of passing) {
    const load = failing(error);
    for (let n = 0; n < 2; n++) await assert.rejects(cache.get(keyOf("b"), load));
    assert.equal(load.calls, 2, String(error));
  }
});

test("a page that is gone replaces what was kept of it, on disk too", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache, clock } = openCache(context, { disk: { directory }, ttlMs: HOUR, staleMs: HOUR });
  await cache.get(keyOf("a"), counted("page").load);
  await cache.flush();
  clock.advance(HOUR);
  assert.equal((await cache.get(keyOf("a"), failing(new MillraceError("fetch_failed", "status 410")))).value, "page");
  await turn();
  await assert.rejects(cache.get(keyOf("a"), counted("page").load), { code: "fetch_failed" });
  clock.advance(HOUR / 2);
  await assert.rejects(cache.get(keyOf("a"), counted("page").load, { mode: "only" }), { code: "not_found" });
  assert.equal(cache.stats().entries.disk, 0);
});

test("a loader may confirm what was kept: its value and time of life are renewed in both layers", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache, clock } = openCache(context, { disk: { directory }, ttlMs: HOUR, staleMs: 0 });
  await cache.get(keyOf("a"), async () => ({ value: "page", etag: '"1"', status: 200 }), { tags: ["first"] });
  await cache.flush();
  clock.advance(HOUR);
  let previous: Previous<string> | undefined;
  const confirm: Load<string> = async (_, given) => {
    previous = given;
    return { notModified: true, etag: '"2"' };
  };
  const got = await cache.get(keyOf("a"), confirm, { tags: ["second"] });
  assert.deepEqual(previous, { value: "page", etag: '"1"', status: 200, storedAtMs: clock.now() - HOUR });
  assert.deepEqual([got.value, got.etag, got.cache.hit], ["page", '"2"', false]);
  await cache[Symbol.asyncDispose]();
  const restarted = openCache(context, { disk: { directory }, clock, ttlMs: HOUR, staleMs: 0 });
  clock.advance(HOUR - 1);
  const kept = await restarted.cache.get(keyOf("a"), counted("x").load);
  assert.deepEqual(
    [kept.value, kept.etag, kept.cache],
    ["page", '"2"', { hit: true, layer: "disk", ageMs: HOUR - 1, isStale: false }],
  );
  assert.equal(restarted.cache.purge({ tag: "second" }), 1);
  await assert.rejects(restarted.cache.get(keyOf("b"), confirm), { code: "internal" });
});

test("renewals under ever new tags keep the newest ones and fail nobody", async (context) => {
  const { cache } = openCache(context);
  await cache.get(keyOf("a"), counted("page").load, { tags: ["0"] });
  for (let n = 1; n <= 40; n++)
    await cache.get(keyOf("a"), async () => ({ notModified: true }), { mode: "refresh", tags: [String(n)] });
  assert.equal(cache.purge({ tag: "24" }), 0);
  assert.equal(cache.purge({ tag: "25" }), 1);
  const many = Array.from({ length: 17 }, (_, n) => String(n));
  await assert.rejects(cache.get(keyOf("a"), counted("x").load, { tags: many }), { code: "invalid_argument" });
});

test("a value on its way to the disk is not renewed as the older one that lies there", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { disk: { directory } });
  await cache.get(keyOf("a"), counted("old").load);
  await cache.flush();
  // Large enough to be compressed on another thread: it is still on its way when it is confirmed.
  const large = noise(300_000, 1);
  await cache.get(keyOf("a"), counted(large).load, { mode: "refresh" });
  await cache.get(keyOf("a"), async () => ({ notModified: true }), { mode: "refresh" });
  await cache[Symbol.asyncDispose]();
  const restarted = openCache(context, { disk: { directory } });
  assert.equal((await restarted.cache.get(keyOf("a"), counted("x").load)).value, large);
});

test("modes and ages: refresh loads, only never loads, none leaves no trace, maxAgeMs asks for younger", async (context) => {
  const { cache, clock } = openCache(context, { ttlMs: HOUR, staleMs: 0 });
  await assert.rejects(cache.get(keyOf("a"), counted("x").load, { mode: "only" }), { code: "not_found" });
  await cache.get(keyOf("a"), counted("none").load, { mode: "none" });
  await assert.rejects(cache.get(keyOf("a"), counted("x").load, { mode: "only" }), { code: "not_found" });
  await cache.get(keyOf("a"), counted("one").load);
  assert.equal((await cache.get(keyOf("a"), counted("none").load, { mode: "none" })).value, "none");
  assert.equal((await cache.get(keyOf("a"), counted("two").load)).value, "one");
  assert.equal((await cache.get(keyOf("a"), counted("two").load, { mode: "refresh" })).value, "two");
  clock.advance(1_000);
  assert.equal((await cache.get(keyOf("a"), counted("three").load, { maxAgeMs: 1_000 })).value, "two");
  assert.equal((await cache.get(keyOf("a"), counted("three").load, { maxAgeMs: 999 })).value, "three");
  await cache.get(keyOf("b"), async () => ({ value: "private", keep: false }));
  await assert.rejects(cache.get(keyOf("b"), counted("x").load, { mode: "only" }), { code: "not_found" });
  await cache.get(keyOf("a"), async () => ({ value: "private", keep: false }), { mode: "refresh" });
  await assert.rejects(cache.get(keyOf("a"), counted("x").load, { mode: "only" }), { code: "not_found" });
  await cache.get(keyOf("c"), async () => ({ value: "short", ttlMs: 10 }));
  clock.advance(10);
  assert.equal((await cache.get(keyOf("c"), counted("next").load)).value, "next");
});

test("purging by tag, address, prefix or all removes that and nothing else, on disk too", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { disk: { directory } });
  const fill = async () => {
    for (const [path, tags] of [
      ["docs/a", ["x", "y"]],
      ["docs/b", ["y"]],
      ["docs", []],
      ["blog/a", ["x"]],
    ] as const)
      await cache.get(keyOf(path), async () => ({ value: path, tags: path === "docs" ? ["y"] : [] }), { tags });
    await cache.get(cacheKey({ url: "https://example.com.evil.test/docs/a" }), counted("other").load);
    await assert.rejects(
      cache.get(keyOf("docs/404"), failing(new MillraceError("not_found", "gone")), { tags: ["x"] }),
    );
    await cache.flush();
  };
  await fill();
  assert.equal(cache.purge({ tag: "x" }), 3);
  await fill();
  assert.equal(cache.purge({ tag: "y" }), 3);
  await fill();
  assert.equal(cache.purge({ url: "https://EXAMPLE.com:443/docs/a?utm_source=x#top" }), 1);
  await fill();
  assert.equal(cache.purge({ prefix: "https://Example.com/docs/" }), 3);
  await fill();
  assert.equal(cache.purge({ prefix: "https://example.com" }), 5);
  assert.equal(cache.stats().entries.disk, 1);
  await fill();
  assert.equal(cache.purge({ all: true }), 6);
  const { entries, bytes } = cache.stats();
  assert.deepEqual(
    [entries, bytes],
    [
      { memory: 0, disk: 0, failures: 0 },
      { memory: 0, disk: 0 },
    ],
  );
  assert.throws(() => cache.purge({} as never), { code: "invalid_argument" });
});

test("a purge reaches loads and writes under way: what is older than it does not come back", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { disk: { directory } });
  for (const selector of [
    { all: true },
    { tag: "late" },
    { tag: "asked" },
    { url: "https://example.com/a" },
  ] as const) {
    const landed = Promise.withResolvers<{ value: string; tags: string[] }>();
    const call = cache.get(keyOf("a"), () => landed.promise, { tags: ["asked"] });
    await turn();
    cache.purge(selector);
    landed.resolve({ value: "old", tags: ["late"] });
    assert.equal((await call).value, "old");
    await assert.rejects(
      cache.get(keyOf("a"), counted("x").load, { mode: "only" }),
      { code: "not_found" },
      JSON.stringify(selector),
    );
  }
  // Large enough to be compressed on another thread: still on its way when it is purged.
  await cache.get(keyOf("b"), counted(noise(300_000, 1)).load);
  assert.equal(cache.purge({ all: true }), 1);
  await cache.flush();
  assert.equal(cache.stats().entries.disk, 0);
});

test("after a purge nobody joins the load it meant, and a read from disk under way is a miss", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { disk: { directory }, memoryBytesMax: 64 * 1_024 });
  const landed = Promise.withResolvers<{ value: string }>();
  const before = cache.get(keyOf("a"), () => landed.promise);
  await turn();
  cache.purge({ prefix: "https://example.com/" });
  assert.equal((await cache.get(keyOf("a"), counted("new").load)).value, "new");
  landed.resolve({ value: "old" });
  assert.equal((await before).value, "old");
  assert.equal((await cache.get(keyOf("a"), counted("x").load)).value, "new");
  // Above 1 MB, so that it is unpacked on another thread; too large for memory.
  await cache.get(keyOf("b"), counted("ab".repeat(1_000_000)).load);
  await cache.flush();
  const reading = cache.get(keyOf("b"), counted("loaded after the purge").load);
  cache.purge({ all: true });
  assert.equal((await reading).value, "loaded after the purge");
});

test("values above the size limit and values that cannot be encoded are passed on and not kept", async (context) => {
  const { cache, warnings } = openCache<unknown>(context, {
    entryBytesMax: 10_000,
    disk: { directory: temporaryDirectory(context) },
  });
  await cache.get(keyOf("a"), counted<unknown>("small").load);
  await cache.get(keyOf("a"), counted<unknown>(noise(20_000, 1)).load, { mode: "refresh" });
  await assert.rejects(cache.get(keyOf("a"), counted<unknown>("x").load, { mode: "only" }), { code: "not_found" });
  assert.equal(cache.stats().bypassed, 1);
  const odd = { call: () => {} };
  assert.equal((await cache.get(keyOf("b"), counted<unknown>(odd).load)).value, odd);
  await assert.rejects(cache.get(keyOf("b"), counted<unknown>("x").load, { mode: "only" }), { code: "not_found" });
  assert.equal(warnings.length, 1);
});

test("warming loads what is missing, a few at a time, and counts", async (context) => {
  const { cache } = openCache(context);
  await cache.get(keyOf("1"), counted("there").load);
  let running = 0;
  let most = 0;
  const items = Array.from({ length: 12 }, (_, n) => ({
    key: keyOf(String(n)),
    load: async () => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      if (n === 5) throw new MillraceError("fetch_unreachable", "down");
      return { value: String(n) };
    },
  }));
  assert.deepEqual(await cache.warm(items, { concurrency: 3 }), { loaded: 10, present: 1, failed: 1 });
  assert.equal(most, 3);
  assert.equal((await cache.get(keyOf("7"), counted("x").load)).value, "7");
});

test("closing ends loads, writes what is on its way, and refuses what comes later", async (context) => {
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { disk: { directory } });
  const waiting = cache.get(keyOf("a"), () => new Promise(() => {}));
  await cache.get(keyOf("b"), counted("page").load);
  const rejected = assert.rejects(waiting, { code: "unavailable" });
  await cache[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(cache.get(keyOf("b"), counted("x").load), { code: "unavailable" });
  assert.throws(() => cache.purge({ all: true }), { code: "unavailable" });
  const { cache: next } = openCache(context, { disk: { directory } });
  assert.equal((await next.get(keyOf("b"), counted("x").load)).value, "page");
});

test("a value written under a clock far ahead is not served", async (context) => {
  const ahead = new ManualClock(2_000_000_000_000);
  const directory = temporaryDirectory(context);
  const { cache } = openCache(context, { clock: ahead, disk: { directory } });
  await cache.get(keyOf("a"), counted("future").load);
  await cache[Symbol.asyncDispose]();
  const { cache: now } = openCache(context, { disk: { directory } });
  assert.equal((await now.get(keyOf("a"), counted("now").load)).value, "now");
});

test("options outside their limits are refused", () => {
  const wrong = [
    { memoryBytesMax: 1 },
    { ttlMs: -1 },
    { staleMs: 0.5 },
    { refreshesMax: 1_001 },
    { disk: { directory: "x", name: "../x" } },
    { disk: { directory: "x", bytesMax: 1 } },
  ];
  for (const options of wrong) assert.throws(() => createPageCache(options), { code: "invalid_argument" });
});
