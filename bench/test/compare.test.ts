import assert from "node:assert/strict";
import { test } from "node:test";
import { compareResults } from "../src/compare.ts";
import { summarise } from "../src/result.ts";
import { resultOf } from "./results.ts";

function verdict(kind: "throughput" | "latency" | "plain", old: number, fresh: number) {
  return compareResults([resultOf("a/b", kind, old)], [resultOf("a/b", kind, fresh)]).figures[0]?.verdict;
}

test("a throughput below 0.90 of the old one is a regression", () => {
  assert.equal(verdict("throughput", 100, 90), "same");
  assert.equal(verdict("throughput", 100, 89.9), "regression");
  assert.equal(verdict("throughput", 100, 112), "improvement");
});

test("a latency above 1.15 of the old one is a regression", () => {
  assert.equal(verdict("latency", 100, 115), "same");
  assert.equal(verdict("latency", 100, 115.1), "regression");
  assert.equal(verdict("latency", 100, 80), "improvement");
  assert.equal(verdict("latency", 0, 0), "same");
  assert.equal(verdict("latency", 0, 1), "regression");
});

test("a plain figure is never a regression", () => {
  assert.equal(verdict("plain", 100, 1), "same");
  assert.equal(verdict("plain", 1, 100), "same");
});

test("a case or figure that is gone is reported as missing, a new one is not compared", () => {
  const old = [resultOf("a/b", "latency", 1), resultOf("a/c", "latency", 1)];
  const fresh = [resultOf("a/b", "latency", 1, "renamed"), resultOf("a/d", "latency", 1)];
  const { figures, missing, regressions } = compareResults(old, fresh);
  assert.deepEqual(
    figures.map(({ case: name, verdict: said }) => [name, said]),
    [
      ["a/b", "missing"],
      ["a/c", "missing"],
    ],
  );
  assert.deepEqual([missing, regressions], [2, 0]);
});

test("another machine and other options are warned about once", () => {
  const old = [resultOf("a/b", "latency", 1), resultOf("a/c", "latency", 1)];
  const fresh = old.map((result) => ({
    ...result,
    options: { dims: 4 },
    machine: { ...result.machine, cpu: "other" },
  }));
  const { warnings } = compareResults(old, fresh);
  assert.deepEqual(warnings, [
    "cpu: A & B <CPU> before, other now",
    "a/b was run with other options",
    "a/c was run with other options",
  ]);
});

test("a summary is median, least and greatest, with the samples in their order", () => {
  const runs = [5, 1, 4, 2].map((time) => ({ time }));
  assert.deepEqual(summarise(runs, "time"), { median: 3, min: 1, max: 5, samples: [5, 1, 4, 2] });
  assert.equal(summarise(runs.slice(0, 3), "time").median, 4);
});
