import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@millrace/core";
import { type LoadRobots, type RobotsAnswer, type RobotsRecord, robotsOf } from "../../src/fetch/robots-cache.ts";
import { parseRobots } from "../../src/fetch/robots-rules.ts";
import { until } from "./site.ts";

const never = new AbortController().signal;
const rules = (path: string): RobotsAnswer => ({
  rules: parseRobots(new TextEncoder().encode(`user-agent: *\ndisallow: ${path}`), "x"),
});

function open() {
  const clock = new ManualClock();
  const record: RobotsRecord = {};
  let loads = 0;
  const ask = (load: LoadRobots, signal = never) =>
    robotsOf({ record, clock, signal }, (own) => {
      loads++;
      return load(own);
    });
  const forbids = async (path: string, load: LoadRobots) =>
    !(await ask(load)).rules.allows(new URL(path, "http://foo.bar"));
  return { clock, ask, forbids, loads: () => loads };
}

test("it is asked for once an hour, however many wait", async () => {
  const { clock, ask, loads } = open();
  const load: LoadRobots = async () => rules("/a");
  await Promise.all([ask(load), ask(load), ask(load)]);
  clock.advance(3_599_999);
  await ask(load);
  assert.equal(loads(), 1);
  clock.advance(1);
  await ask(load);
  assert.equal(loads(), 2);
});

test("a server that fails forbids all for a minute, then is asked again", async () => {
  const { clock, ask, forbids, loads } = open();
  assert.equal(await forbids("/x", async () => ({ status: 503 })), true);
  const again = await ask(async () => rules("/a"));
  assert.deepEqual([again.isFromFailure, again.leftMs, loads()], [true, 60_000, 1]);
  clock.advance(60_000);
  assert.equal(await forbids("/x", async () => rules("/a")), false);
});

test("old rules stay in force when they cannot be renewed", async () => {
  const { clock, forbids } = open();
  await forbids("/", async () => rules("/a"));
  clock.advance(3_600_000);
  const broken: LoadRobots = () => Promise.reject(new Error("reset"));
  assert.deepEqual([await forbids("/a", broken), await forbids("/b", broken)], [true, false]);
  assert.deepEqual([await forbids("/a", async () => ({ status: 500 })), await forbids("/b", broken)], [true, false]);
});

test("without rules a broken connection is the caller's error, and nothing is remembered of it", async () => {
  const { forbids, ask } = open();
  await assert.rejects(
    ask(() => Promise.reject(new Error("reset"))),
    /reset/,
  );
  assert.equal(await forbids("/a", async () => rules("/a")), true);
});

test("one who gives up leaves the others waiting; when the last one leaves it is given up", async () => {
  const { ask, loads } = open();
  let own: AbortSignal | undefined;
  const load: LoadRobots = (signal) =>
    new Promise((_, reject) => {
      own = signal;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = [ask(load, first.signal), ask(load, second.signal)].map((asked) => assert.rejects(asked, /left/));
  await until(() => own !== undefined);
  first.abort(new Error("left"));
  await waiting[0];
  assert.equal(own?.aborted, false);
  second.abort(new Error("left"));
  await waiting[1];
  assert.equal(own?.aborted, true);
  await ask(async () => rules("/a"));
  assert.equal(loads(), 2);
});
