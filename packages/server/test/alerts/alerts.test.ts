import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { resolveAlerts } from "../../src/alerts/rules.ts";
import { type Given, type Watched, watch } from "./figures.ts";

type Case = {
  readonly rule: string;
  readonly id?: string;
  /** One second of what is just within the limit, of what is just beyond it, and of what is within but not well. */
  readonly within: (given: Given) => void;
  readonly beyond: (given: Given) => void;
  readonly near?: (given: Given) => void;
  /** Seconds that are enough for the window. */
  readonly windowS: number;
};

const searchable = (count: number) => (given: Given) => {
  given.accepted += count;
  given.searchable += count;
};
const refusing = (count: number) => (given: Given) => {
  given.accepted += 10_000 - count;
  given.refused += count;
};
const taking = (ms: number) => (given: Given) => {
  for (let batch = 0; batch < 20; batch++) given.searchableMicros.record(ms * 1_000);
};
const busy =
  (...ms: number[]) =>
  (given: Given) => {
    ms.forEach((more, at) => {
      const worker = given.workers[at];
      if (worker) worker.busyMs += more;
    });
  };
const level = (name: "depth" | "rssBytes", value: number) => (given: Given) => {
  given[name] = value;
};
const GIB = 1024 ** 3;

const CASES: readonly Case[] = [
  { rule: "throughput", within: searchable(80_000), beyond: searchable(79_999), near: searchable(87_000), windowS: 10 },
  { rule: "searchable_p99", within: taking(85), beyond: taking(105), near: taking(97), windowS: 10 },
  {
    rule: "depth",
    within: level("depth", 36_000),
    beyond: level("depth", 40_001),
    near: level("depth", 36_001),
    windowS: 5,
  },
  {
    rule: "memory",
    within: level("rssBytes", 5.4 * GIB),
    beyond: level("rssBytes", 6 * GIB + 1),
    near: level("rssBytes", 5.5 * GIB),
    windowS: 5,
  },
  {
    rule: "utilisation",
    id: "utilisation/worker-0",
    within: busy(810, 700),
    beyond: busy(901, 700),
    near: busy(820, 700),
    windowS: 10,
  },
  { rule: "imbalance", within: busy(600, 240), beyond: busy(600, 199), near: busy(600, 230), windowS: 10 },
  { rule: "rejections", within: refusing(90), beyond: refusing(101), near: refusing(95), windowS: 10 },
  {
    rule: "batch_failures",
    id: "batch_failures/log",
    within: () => {},
    beyond: (given) => {
      given.logFailures++;
    },
    windowS: 30,
  },
  {
    rule: "batch_failures",
    id: "batch_failures/dead-letters",
    within: () => {},
    beyond: (given) => {
      given.deadLetters++;
    },
    windowS: 30,
  },
  {
    rule: "worker_down",
    id: "worker_down/worker-1",
    within: () => {},
    beyond: (given) => {
      const [, worker] = given.workers;
      if (worker) worker.deaths++;
    },
    windowS: 30,
  },
];

/** With a target only where it matters: else the other cases, in which nothing is ingested, would be below it. */
function watchOf(rule: string): Watched {
  return watch(rule === "throughput" ? { throughputTarget: 100_000 } : {});
}

for (const { rule, id = rule, within, beyond, near, windowS } of CASES) {
  test(`${id} is raised once beyond its limit, holds while it is near it, and is cleared once`, () => {
    const { pass, told, alerts, events } = watchOf(rule);
    const start = rule === "throughput" ? searchable(80_000) : within;
    pass(2 * windowS, start);
    assert.deepEqual(told(), [], "at the limit nothing is wrong");
    pass(3 * windowS, beyond);
    assert.deepEqual(told(), [`raised ${id}`]);
    const [active] = alerts.active;
    assert.deepEqual([active?.rule, alerts.active.length], [rule, 1]);
    if (near) {
      pass(3 * windowS, near);
      assert.deepEqual(told(), [], "it must not flap");
    }
    pass(2 * windowS, rule === "throughput" ? searchable(88_000) : within);
    assert.deepEqual(told(), [`cleared ${id}`]);
    assert.deepEqual(alerts.active, []);
    const [raised, cleared] = events.map(({ alert }) => alert);
    assert.equal(raised?.sinceMs, cleared?.sinceMs);
    assert.equal(alerts.raised[rule as "depth"], 1);
  });
}

test("an alert says what is wrong, how much, and what to look at", () => {
  const { pass, events } = watch();
  pass(6, level("depth", 45_000));
  const { kind, alert } = events[0] ?? assert.fail("nothing was raised");
  assert.equal(kind, "raised");
  assert.deepEqual(
    { ...alert, hint: "" },
    {
      ...{ rule: "depth", value: 45_000, limit: 40_000, unit: "observations" },
      ...{ sinceMs: 1_700_000_001_000, hint: "" },
    },
  );
  assert.match(alert.hint, /send less/);
});

test("within a cool-down an alert of the same rule and subject is not raised again; what is still wrong at its end is", () => {
  const { pass, told } = watch({ rules: { depth: { windowMs: 1_000 } } });
  pass(2, level("depth", 50_000));
  pass(1, level("depth", 0));
  assert.deepEqual(told(), ["raised depth", "cleared depth"]);
  for (let n = 0; n < 10; n++) {
    pass(2, level("depth", 50_000));
    pass(2, level("depth", 0));
  }
  assert.deepEqual(told(), [], "43 of 60 s are over");
  pass(17, level("depth", 50_000));
  assert.deepEqual(told(), []);
  pass(1);
  assert.deepEqual(told(), ["raised depth"]);
});

test("subjects cool down apart", () => {
  const { pass, told } = watch({ rules: { imbalance: false } });
  pass(12, busy(950, 100));
  assert.deepEqual(told(), ["raised utilisation/worker-0"]);
  pass(12, busy(100, 950));
  assert.deepEqual(told().sort(), ["cleared utilisation/worker-0", "raised utilisation/worker-1"]);
});

test("percentiles are of the window: hours of fast batches do not hide slow ones, and slow ones are forgotten with it", () => {
  const { given, pass, told, alerts } = watch();
  for (let batch = 0; batch < 1_000_000; batch++) given.searchableMicros.record(1_000);
  pass(11);
  pass(1, taking(400));
  assert.deepEqual(told(), ["raised searchable_p99"]);
  const [{ value } = { value: 0 }] = alerts.active;
  assert.ok(value > 380 && value <= 400, `${value} ms`);
  pass(11, taking(2));
  assert.deepEqual(told(), ["cleared searchable_p99"]);
});

test("too few batches or observations say nothing of a percentile or a share", () => {
  const { given, pass, told } = watch();
  pass(20, (now, second) => {
    if (second % 2 === 0) now.searchableMicros.record(5_000_000);
    now.refused += 9;
  });
  assert.deepEqual(told(), []);
  assert.equal(given.refused, 180);
});

test("throughput is looked at only with a target, and not before a whole window", () => {
  const without = watch();
  without.pass(60);
  assert.deepEqual(without.told(), []);
  const { pass, told } = watch({ throughputTarget: 1_000 });
  pass(9);
  assert.deepEqual(told(), []);
  pass(1);
  assert.deepEqual(told(), ["raised throughput"]);
});

test("whatever the figures do: raised and cleared take turns, and raised ones are a cool-down apart", () => {
  const depths = fc.array(fc.constantFrom(0, 36_000, 38_000, 40_000, 40_001, 90_000), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(depths, fc.integer({ min: 0, max: 90 }), (values, cooldownS) => {
      const { pass, events } = watch({ rules: { depth: { windowMs: 1_000, cooldownMs: cooldownS * 1_000 } } });
      for (const value of values) pass(1, level("depth", value));
      const raised = events.filter(({ kind }) => kind === "raised").map(({ alert }) => alert.sinceMs);
      for (const [at, { kind, alert }] of events.entries()) {
        assert.equal(kind, at % 2 === 0 ? "raised" : "cleared");
        assert.ok(kind === "raised" ? alert.value > 40_000 : alert.value <= 36_000);
      }
      for (let at = 1; at < raised.length; at++) {
        assert.ok((raised[at] ?? 0) - (raised[at - 1] ?? 0) >= cooldownS * 1_000);
      }
      if (values.includes(90_000)) assert.ok(raised.length > 0);
    }),
    { numRuns: 200 },
  );
});

test("a rule that is turned off is not looked at", () => {
  const { pass, told } = watch({ rules: { depth: false } });
  pass(10, level("depth", 1e6));
  assert.deepEqual(told(), []);
});

test("options that are unknown or out of range are refused by name", () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(() => resolveAlerts(options), { code: "invalid_argument", message });
  refused({ rules: { dept: {} } }, /unknown option "alerts\.rules\.dept"; known are .*alerts\.rules\.depth/);
  refused({ rules: { depth: { max: 1 } } }, /"alerts\.rules\.depth\.max"; known are alerts\.rules\.depth\.limit/);
  refused({ target: 1 }, /unknown option "alerts\.target"/);
  refused({ throughputTarget: -1 }, /alerts\.throughputTarget is -1; it must be a number from 0/);
  refused({ rules: { depth: { limit: Number.NaN } } }, /alerts\.rules\.depth\.limit is null/);
  refused({ rules: { depth: { windowMs: 999 } } }, /windowMs is 999; it must be a whole number from 1000 to 300000/);
  refused({ everyMs: 0 }, /alerts\.everyMs is 0; it must be a whole number from 10 to 60000/);
  refused({ cooldownMs: 1e9 }, /cooldownMs is 1000000000/);
});
