/** The cache against a plain map, under random calls, time, purges and restarts. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ManualClock, MillraceError } from "@millrace/core";
import fc from "fast-check";
import type { Loaded, Previous } from "../../src/cache/load.ts";
import { keyOf, openCache, temporaryDirectory, turn } from "./fixture.ts";

const TTL = 1_000;
const STALE = 2_000;
const NEGATIVE = 500;
const PAUSE = 30_000;

type Kept = { readonly value: string; storedAt: number; readonly tags: Set<string> };
type Outcome = "value" | "confirm" | "lasting" | "passing";
type Step =
  | {
      readonly op: "get";
      readonly path: string;
      readonly mode: "use" | "refresh" | "only" | "none";
      readonly maxAgeMs?: number;
      readonly outcome: Outcome;
      readonly tag: string;
    }
  | { readonly op: "advance"; readonly ms: number }
  | { readonly op: "purge"; readonly by: "tag" | "url" | "prefix" | "all"; readonly path: string; readonly tag: string }
  | { readonly op: "restart" };

const path = fc.constantFrom("a", "a/b", "a/c", "b", "b/c");
const tag = fc.constantFrom("red", "blue", "green");
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        op: fc.constant("get" as const),
        path,
        mode: fc.constantFrom("use", "use", "use", "use", "refresh", "only", "none"),
        outcome: fc.constantFrom<Outcome[]>("value", "value", "confirm", "lasting", "passing"),
        tag,
        maxAgeMs: fc.option(fc.nat(4_000), { nil: undefined, freq: 4 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant("advance" as const), ms: fc.oneof(fc.nat(2_500), fc.constant(PAUSE)) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant("purge" as const),
        by: fc.constantFrom("tag", "url", "prefix", "all"),
        path,
        tag,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ op: "restart" as const }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 60 },
);

/** What the cache promises, in the plainest form. */
class Model {
  readonly kept = new Map<string, Kept>();
  readonly failed = new Map<string, { readonly at: number; readonly tag: string }>();
  readonly paused = new Map<string, number>();
  versions = 0;

  /** What one load does to the model; the value it gives, or its error. */
  load(key: string, outcome: Outcome, step: { tag: string; now: number; isKept: boolean }): string {
    const before = this.kept.get(key);
    const effective = outcome === "confirm" && !(before && step.isKept) ? "value" : outcome;
    if (effective === "passing") throw new MillraceError("fetch_unreachable", "passing");
    if (effective === "lasting") {
      if (step.isKept) {
        this.kept.delete(key);
        this.failed.set(key, { at: step.now, tag: step.tag });
      }
      throw new MillraceError("no_text", "lasting");
    }
    const value = effective === "confirm" ? (before?.value ?? "") : `${key} ${++this.versions}`;
    const tags = new Set([...(effective === "confirm" ? (before?.tags ?? []) : []), step.tag]);
    if (step.isKept) {
      this.kept.set(key, { value, storedAt: step.now, tags });
      this.failed.delete(key);
      this.paused.delete(key);
    }
    return value;
  }

  purge({ by, path: place, tag: name }: Extract<Step, { op: "purge" }>): number {
    const isMeant = (key: string, tags: ReadonlySet<string>) =>
      by === "all" ||
      (by === "tag" && tags.has(name)) ||
      (by === "url" && key === place) ||
      (by === "prefix" && key.startsWith(place));
    const removed = new Set<string>();
    for (const [key, { tags }] of this.kept) if (isMeant(key, tags)) removed.add(key);
    for (const [key, failure] of this.failed) if (isMeant(key, new Set([failure.tag]))) removed.add(key);
    for (const key of removed) {
      this.kept.delete(key);
      this.failed.delete(key);
    }
    return removed.size;
  }
}

async function play(context: TestContext, list: readonly Step[], directory: string | undefined): Promise<void> {
  const clock = new ManualClock(1_700_000_000_000);
  const options = {
    clock,
    ttlMs: TTL,
    staleMs: STALE,
    negativeTtlMs: NEGATIVE,
    refreshesMax: 1_000,
    ...(directory ? { disk: { directory } } : {}),
  };
  let { cache, warnings } = openCache(context, options);
  const model = new Model();
  for (const step of list) {
    if (step.op === "advance") clock.advance(step.ms);
    else if (step.op === "purge") {
      for (const [key, { at }] of model.failed) if (clock.now() - at >= NEGATIVE) model.failed.delete(key);
      const selector = {
        tag: { tag: step.tag },
        url: { url: `https://example.com/${step.path}` },
        prefix: { prefix: `https://example.com/${step.path}` },
        all: { all: true },
      } as const;
      assert.equal(cache.purge(selector[step.by]), model.purge(step));
    } else if (step.op === "restart") {
      await cache[Symbol.asyncDispose]();
      ({ cache, warnings } = openCache(context, options));
      model.failed.clear();
      model.paused.clear();
      if (!directory) model.kept.clear();
    } else await get(step);
  }
  assert.deepEqual(warnings, []);
  await cache[Symbol.asyncDispose]();

  async function get({ path: name, mode, maxAgeMs, outcome, tag: label }: Extract<Step, { op: "get" }>) {
    const now = clock.now();
    const maxAge = maxAgeMs ?? Number.POSITIVE_INFINITY;
    let loads = 0;
    let loaded: { readonly value: string } | { readonly error: unknown } | undefined;
    const load = async (_: AbortSignal, previous?: Previous<string>): Promise<Loaded<string>> => {
      loads++;
      const before = model.kept.get(name);
      if (mode !== "none") assert.equal(previous?.value, before?.value);
      try {
        const value = model.load(name, outcome, { tag: label, now, isKept: mode !== "none" });
        loaded = { value };
        return outcome === "confirm" && before && mode !== "none" ? { notModified: true } : { value };
      } catch (error) {
        loaded = { error };
        throw error;
      }
    };
    const kept = model.kept.get(name);
    const ageMs = kept ? now - kept.storedAt : 0;
    const failure = model.failed.get(name);
    const options = { mode, tags: [label], ...(maxAgeMs === undefined ? {} : { maxAgeMs }) };
    const call = cache.get(keyOf(name), load, options).catch((error: unknown) => ({ error: error as MillraceError }));
    const got = await call;
    await turn();
    const isRepeated =
      failure && now - failure.at < NEGATIVE && now - failure.at <= maxAge && mode !== "refresh" && mode !== "none";
    if (isRepeated) {
      assert.ok("error" in got && got.error.code === "no_text");
      assert.equal(loads, 0);
      return;
    }
    const isServed = kept && mode !== "refresh" && mode !== "none" && ageMs < TTL + STALE && ageMs <= maxAge;
    if (isServed) {
      assert.ok(!("error" in got));
      assert.deepEqual(
        [got.value, got.cache.hit, got.cache.ageMs, got.cache.isStale],
        [kept.value, true, ageMs, ageMs >= TTL],
      );
      const isDue = ageMs >= TTL && mode === "use" && now >= (model.paused.get(name) ?? 0);
      assert.equal(loads, isDue ? 1 : 0);
      if (!isDue) return;
      if (loaded && "error" in loaded) model.paused.set(name, now + PAUSE);
      else model.paused.delete(name);
      return;
    }
    if (mode === "only") {
      assert.ok("error" in got && got.error.code === "not_found");
      assert.equal(loads, 0);
      return;
    }
    assert.equal(loads, 1);
    if (loaded && "error" in loaded) assert.ok("error" in got && got.error === loaded.error);
    else assert.ok(!("error" in got) && !got.cache.hit && loaded && got.value === loaded.value);
  }
}

test("in memory it does what the model does", async (context) => {
  await fc.assert(
    fc.asyncProperty(steps, (list) => play(context, list, undefined)),
    { numRuns: 150 },
  );
});

test("with a disk and restarts it does what the model does", async (context) => {
  await fc.assert(
    fc.asyncProperty(steps, (list) => play(context, list, temporaryDirectory(context))),
    { numRuns: 25 },
  );
});
