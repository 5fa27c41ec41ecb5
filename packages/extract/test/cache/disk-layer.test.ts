import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ManualClock, type MillraceError } from "@millrace/core";
import fc from "fast-check";
import { DiskLayer, type StoredEntry } from "../../src/cache/disk-layer.ts";
import { packValue, unpackValue } from "../../src/cache/packed-value.ts";
import { CACHE_ENTRY_OVERHEAD_BYTES } from "../../src/limits.ts";
import { counted, keyOf, noise, openCache, temporaryDirectory } from "./fixture.ts";
import type { OpenAtOnce } from "./open-at-once.ts";

function openLayer(
  context: TestContext,
  limits: { bytesMax?: number; fileBytesMax?: number; directory?: string } = {},
) {
  const { bytesMax = 1_000_000, fileBytesMax = 10_000_000, directory = temporaryDirectory(context) } = limits;
  const warnings: MillraceError[] = [];
  const clock = new ManualClock();
  const path = join(directory, "cache.db");
  const layer = new DiskLayer({ path, bytesMax, fileBytesMax, clock, warn: (warning) => warnings.push(warning) });
  context.after(() => layer.close());
  return { layer, clock, warnings, path };
}

function entryOf(bytes: number, tags: readonly string[] = []): StoredEntry {
  const data = new Uint8Array(bytes).fill(bytes % 251);
  return {
    times: { storedAtMs: 1, freshUntilMs: 2, staleUntilMs: 3 },
    facts: { tags },
    packed: { data, isPacked: false, rawBytes: bytes },
  };
}

const chargeOf = (key: string, bytes: number) => bytes + key.length - 33 + CACHE_ENTRY_OVERHEAD_BYTES;

test("after each write exactly those used longest ago are gone, and no more than needed", (context) => {
  const step = fc.record({
    key: fc.nat(12),
    op: fc.constantFrom("put", "put", "get", "delete"),
    bytes: fc.integer({ min: 1, max: 9_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const bytesMax = 30_000;
      const { layer } = openLayer(context, { bytesMax });
      const model = new Map<string, number>();
      const sum = () => [...model].reduce((total, [key, bytes]) => total + chargeOf(key, bytes), 0);
      for (const { key: n, op, bytes } of steps) {
        const key = keyOf(String(n));
        if (op === "put") {
          assert.ok(layer.put(key, entryOf(bytes)));
          model.delete(key);
          model.set(key, bytes);
          for (const [oldest] of model) {
            if (sum() <= bytesMax) break;
            model.delete(oldest);
          }
        } else if (op === "delete") {
          layer.delete(key);
          model.delete(key);
        } else {
          const bytesHeld = model.get(key);
          assert.equal(layer.get(key)?.packed.data.length, bytesHeld);
          if (bytesHeld !== undefined) {
            model.delete(key);
            model.set(key, bytesHeld);
          }
        }
        assert.deepEqual({ ...layer.totals() }, { bytes: sum(), entries: model.size });
      }
      assert.equal(layer.faults, 0);
      layer.close();
    }),
    { numRuns: 25 },
  );
});

test("values, facts, tags and order of use outlive the process", (context) => {
  const directory = temporaryDirectory(context);
  const first = openLayer(context, { directory, bytesMax: 30_000 });
  for (const name of ["a", "b", "c"])
    first.layer.put(keyOf(name), { ...entryOf(8_000), facts: { tags: ["t"], status: 200, etag: name } });
  first.layer.touch(keyOf("a"));
  first.layer.close();
  const { layer } = openLayer(context, { directory, bytesMax: 30_000 });
  layer.put(keyOf("d"), entryOf(8_000));
  assert.deepEqual(layer.get(keyOf("a"))?.facts, { tags: ["t"], status: 200, etag: "a" });
  assert.equal(layer.get(keyOf("b"))?.facts, undefined);
  assert.deepEqual(layer.purge({ tag: "t" }).sort(), [keyOf("a"), keyOf("c")].sort());
  assert.equal(layer.totals().entries, 1);
});

test("values that fill the limit to the last byte all stay; a value is renewed only as the one it is", (context) => {
  const key = keyOf("a");
  const { layer } = openLayer(context, { bytesMax: 2 * chargeOf(key, 30_000) });
  layer.put(key, entryOf(30_000));
  layer.put(keyOf("b"), entryOf(30_000));
  assert.equal(layer.totals().entries, 2);
  const { packed: _, ...newer } = {
    ...entryOf(1, ["t"]),
    times: { storedAtMs: 10, freshUntilMs: 20, staleUntilMs: 30 },
  };
  assert.equal(layer.renew(key, 5, newer), false);
  assert.deepEqual(layer.get(key)?.times.storedAtMs, 1);
  assert.equal(layer.renew(key, 1, newer), true);
  assert.deepEqual(layer.get(key)?.times, newer.times);
  assert.deepEqual(layer.purge({ tag: "t" }), [key]);
  layer.put(key, entryOf(30_000));
  layer.get(keyOf("b"));
  layer.put(keyOf("c"), entryOf(30_000));
  assert.equal(layer.get(key), undefined);
  assert.ok(layer.get(keyOf("b")));
});

test("a file that is no database starts empty, and says so", (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "cache.db"), "this is not a database, and long enough to be read as one. ".repeat(40));
  const { layer, warnings } = openLayer(context, { directory });
  assert.match(warnings[0]?.message ?? "", /damaged; it starts empty/);
  assert.ok(layer.put(keyOf("a"), entryOf(100)));
  assert.ok(layer.get(keyOf("a")));
});

test("pages damaged under an open cache fail no request; it begins anew and works", async (context) => {
  const directory = temporaryDirectory(context);
  const seed = openCache(context, { disk: { directory } });
  for (let n = 0; n < 200; n++) await seed.cache.get(keyOf(`${n}`), counted(noise(3_000, n)).load);
  await seed.cache[Symbol.asyncDispose]();
  const path = join(directory, "cache.db");
  const file = openSync(path, "r+");
  for (let at = 4_096; at < statSync(path).size; at += 512) writeSync(file, Buffer.alloc(512, 0xa5), 0, 512, at);
  closeSync(file);
  const { cache, warnings } = openCache(context, { disk: { directory } });
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 200; n++)
      assert.equal((await cache.get(keyOf(`${n}`), counted(noise(3_000, n)).load)).value, noise(3_000, n));
    await cache.flush();
  }
  assert.ok(warnings.some(({ message }) => /damaged/.test(message)));
  assert.ok(cache.stats().faults > 0);
  await cache[Symbol.asyncDispose]();
  const again = openCache(context, { disk: { directory } });
  assert.equal((await again.cache.get(keyOf("7"), counted("other").load)).cache.layer, "disk");
});

test("a flipped bit in a value is a miss, not a wrong answer", async (context) => {
  const directory = temporaryDirectory(context);
  const seed = openCache(context, { disk: { directory } });
  await seed.cache.get(keyOf("a"), counted("a page of text ".repeat(100)).load);
  await seed.cache[Symbol.asyncDispose]();
  const db = new DatabaseSync(join(directory, "cache.db"));
  const { data } = db.prepare("SELECT data FROM blobs").get() as { data: Uint8Array };
  data[data.length >> 1] = (data[data.length >> 1] ?? 0) ^ 1;
  db.prepare("UPDATE blobs SET data = ?").run(data);
  db.close();
  const { cache, warnings } = openCache(context, { disk: { directory } });
  const got = await cache.get(keyOf("a"), counted("loaded again").load);
  assert.equal(got.value, "loaded again");
  assert.equal(warnings.length, 1);
});

test("a value found under another's key, and totals that cannot be true, count as damage", async (context) => {
  // The numbers of both values are swapped by way of free ones.
  for (const harm of [
    "UPDATE blobs SET id = id + 10; UPDATE blobs SET id = 13 - id",
    "UPDATE totals SET bytes = 9000000000000",
  ]) {
    const directory = temporaryDirectory(context);
    const seed = openCache(context, { disk: { directory } });
    for (const name of ["a", "b"]) await seed.cache.get(keyOf(name), counted(name).load);
    await seed.cache[Symbol.asyncDispose]();
    const db = new DatabaseSync(join(directory, "cache.db"));
    db.exec(harm);
    db.close();
    const { cache, warnings } = openCache(context, { disk: { directory } });
    assert.equal((await cache.get(keyOf("a"), counted("a").load)).value, "a");
    await cache.get(keyOf("c"), counted("c").load);
    await cache.flush();
    assert.match(warnings[0]?.message ?? "", /damaged; it starts empty/);
    assert.ok(cache.stats().entries.disk <= 2);
  }
});

test("another schema version starts empty, another program's database is left alone", (context) => {
  const directory = temporaryDirectory(context);
  const first = openLayer(context, { directory });
  first.layer.put(keyOf("a"), entryOf(100));
  first.layer.close();
  const db = new DatabaseSync(first.path);
  db.exec("PRAGMA user_version = 999");
  db.close();
  const second = openLayer(context, { directory });
  assert.match(second.warnings[0]?.message ?? "", /version 999.*starts empty/);
  assert.equal(second.layer.get(keyOf("a")), undefined);
  assert.ok(second.layer.put(keyOf("a"), entryOf(100)));

  const foreign = temporaryDirectory(context);
  const other = new DatabaseSync(join(foreign, "cache.db"));
  other.exec("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
  other.close();
  const before = readFileSync(join(foreign, "cache.db"));
  const third = openLayer(context, { directory: foreign });
  assert.match(third.warnings[0]?.message ?? "", /no Millrace cache/);
  assert.equal(third.layer.put(keyOf("a"), entryOf(100)), false);
  assert.equal(third.layer.get(keyOf("a")), undefined);
  assert.throws(() => third.layer.purge({ all: true }), { code: "storage_failed" });
  third.layer.close();
  assert.deepEqual(readFileSync(join(foreign, "cache.db")), before);
});

test("a folder that cannot be made leaves a cache in memory", async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, "file"), "");
  const { cache, warnings } = openCache(context, { disk: { directory: join(directory, "file", "below") } });
  const page = counted("page");
  await cache.get(keyOf("a"), page.load);
  assert.equal((await cache.get(keyOf("a"), page.load)).cache.layer, "memory");
  assert.equal(warnings[0]?.code, "storage_failed");
});

test("a full disk drops the oldest, fails no request and never outgrows its limit", async (context) => {
  const directory = temporaryDirectory(context);
  const disk = { directory, bytesMax: 10_000_000, fileBytesMax: 512 * 1_024 };
  const { cache, warnings } = openCache(context, { disk, memoryBytesMax: 64 * 1_024 });
  for (let n = 0; n < 100; n++) {
    const got = await cache.get(keyOf(`${n}`), counted(noise(20_000, n)).load);
    assert.equal(got.value, noise(20_000, n));
    await cache.flush();
  }
  assert.ok(warnings.length > 0);
  assert.ok(warnings.every(({ code }) => code === "storage_full"));
  assert.ok(statSync(join(directory, "cache.db")).size <= 512 * 1_024);
  const { entries, evictions } = cache.stats();
  assert.ok(entries.disk >= 10 && entries.disk < 100);
  assert.ok(evictions.disk > 50);
  assert.equal((await cache.get(keyOf("99"), counted("x").load)).cache.hit, true);
  assert.equal((await cache.get(keyOf("0"), counted("x").load)).cache.hit, false);
});

test("a disk too full for a single value keeps none and goes on", (context) => {
  const { layer, warnings } = openLayer(context, { fileBytesMax: 65_536 });
  assert.equal(layer.put(keyOf("big"), entryOf(500_000)), false);
  assert.equal(warnings[0]?.code, "storage_full");
  assert.ok(layer.put(keyOf("small"), entryOf(1_000)));
});

test("a file that is made by several at the same moment is open to all of them", async (context) => {
  const directory = temporaryDirectory(context);
  const threads = 4;
  const paths = Array.from({ length: 25 }, (_, at) => join(directory, `${at}.db`));
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const given: OpenAtOnce = { paths, threads, arrived };
  const failures = await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(new URL("./open-at-once.ts", import.meta.url), { workerData: given });
      const [found] = (await once(worker, "message")) as [string[]];
      return found;
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

/** What each process of the following test says at its end. */
type WriterResult = { found: number; isAloneFound: boolean; faults: number; entries: number };

test("two processes share one file", async (context) => {
  const directory = temporaryDirectory(context);
  const start = (name: string) => {
    const child = fork(fileURLToPath(new URL("./disk-writer.ts", import.meta.url)), [directory, name, "150"], {
      execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    context.after(() => child.kill());
    return child;
  };
  const children = [start("left"), start("right")] as const;
  // At the same time.
  await Promise.all(children.map((child) => once(child, "message")));
  // One after the other.
  for (const child of children) {
    child.send("alone");
    await once(child, "message");
  }
  const answers = children.map((child) => once(child, "message"));
  children[0].send("right");
  children[1].send("left");
  const results = (await Promise.all(answers)).map(([answer]) => answer as WriterResult);
  // A write that meets the other's lock for too long is dropped and counted, however often that is; none is lost in silence.
  const faults = results.reduce((sum, result) => sum + result.faults, 0);
  for (const { found, entries, isAloneFound } of results) {
    assert.ok(found >= 150 - faults && entries >= 302 - faults, JSON.stringify(results));
    assert.ok(isAloneFound, "what was written while nobody else wrote is there");
  }
  assert.deepEqual(
    readdirSync(directory).filter((name) => !name.startsWith("cache.db")),
    [],
  );
});

test("values are packed where it pays and come back as they were", async () => {
  const text = new TextEncoder().encode("the same words again and again ".repeat(1_000));
  const packed = await packValue(text);
  assert.ok(packed.isPacked && packed.data.length < text.length / 20);
  assert.deepEqual(new Uint8Array(await unpackValue(packed)), text);
  await assert.rejects(unpackValue({ ...packed, rawBytes: text.length + 1 }), { code: "storage_failed" });
  await assert.rejects(unpackValue({ ...packed, rawBytes: 100 }));
  const random = crypto.getRandomValues(new Uint8Array(20_000));
  assert.equal((await packValue(random)).isPacked, false);
  const large = new Uint8Array(3_000_000).map((_, at) => at & 7);
  assert.deepEqual(new Uint8Array(await unpackValue(await packValue(large))), large);
});
