import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MillraceError } from "@millrace/core";
import { runCasePath } from "../src/child-url.ts";
import { chooseCases, findCases } from "../src/find-cases.ts";
import { readResults } from "../src/result.ts";
import { runCases } from "../src/run-cases.ts";

const casesDirectory = join(import.meta.dirname, "fixtures/cases");
const out = mkdtempSync(join(tmpdir(), "millrace-bench-"));
after(() => rmSync(out, { recursive: true, force: true }));

const hasCode = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof MillraceError && error.code === code && pattern.test(error.message);

test("each repeat runs in a process of its own, after its warm-up", async () => {
  const [result] = await runCases({ pattern: "isolated", repeats: 3, warmup: 2, out, casesDirectory });
  assert.deepEqual(result?.figures.runs?.samples, [3, 3, 3]);
  const pids = result.figures.pid?.samples ?? [];
  assert.equal(new Set([...pids, process.pid]).size, 4);
  assert.deepEqual([result.options, result.repeats, result.warmup], [{ size: 3 }, 3, 2]);
  assert.equal(result.machine.node, process.version);
  assert.match(result.commit, /^([0-9a-f]{40}|unknown)$/);
  assert.deepEqual(readResults(out), [result]);
});

test("a baseline command runs in turn with the case and is kept beside it", async () => {
  const order: string[] = [];
  const baseline = `"${process.execPath}" --conditions=source "${runCasePath()}" --cases "${casesDirectory}"`;
  const [result] = await runCases({
    pattern: "isolated",
    repeats: 2,
    warmup: 0,
    baseline,
    casesDirectory,
    onRun: (name, repeat) => order.push(`${name} ${repeat}`),
  });
  assert.deepEqual(result?.baseline?.figures.runs?.samples, [1, 1]);
  const pids = [...(result.figures.pid?.samples ?? []), ...(result.baseline.figures.pid?.samples ?? [])];
  assert.equal(new Set(pids).size, 4);
  assert.deepEqual(order, ["sample/isolated 1", "sample/isolated 2"]);
});

test("a case that throws fails the run with its message", async () => {
  await assert.rejects(
    runCases({ pattern: "failing", repeats: 1, casesDirectory }),
    hasCode("internal", /disk is on fire/),
  );
});

test("a case that measures other figures than it declares is refused", async () => {
  const run = runCases({ pattern: "undeclared", repeats: 1, casesDirectory });
  await assert.rejects(run, hasCode("internal", /measured other; it declares time/));
});

test("a figure that could not be measured is left out, and the result says why", async () => {
  const [result] = await runCases({ pattern: "partial", repeats: 2, warmup: 3, casesDirectory });
  assert.deepEqual(Object.keys(result?.figures ?? {}), ["runs"]);
  assert.deepEqual(result?.notes, ["peer missing: sample"]);
  // It warms up by itself: no run before the measured one.
  assert.deepEqual(result?.figures.runs?.samples, [1, 1]);
});

test("a signal ends a case that hangs", async () => {
  const controller = new AbortController();
  const run = runCases({
    pattern: "endless",
    repeats: 1,
    casesDirectory,
    signal: controller.signal,
    onRun: () => controller.abort(),
  });
  await assert.rejects(run, hasCode("cancelled", /abort/));
});

test("a baseline that prints no figures is refused with what it printed", async () => {
  const run = runCases({ pattern: "isolated", repeats: 1, baseline: "echo", casesDirectory });
  await assert.rejects(run, hasCode("internal", /no figures as its last line but "sample\/isolated --warmup 1"/));
});

test("cases are chosen by regular expression over their names", async () => {
  const cases = await findCases();
  const names = (pattern: string) => chooseCases(cases, pattern).map(({ name }) => name);
  assert.deepEqual(names("^core/.*record$"), ["core/histogram-record"]);
  assert.equal(names("").length, cases.length);
  assert.throws(() => names("nothing-like-it"), hasCode("not_found", /core\/histogram-record/));
  assert.throws(() => names("("), hasCode("invalid_argument", /no regular expression/));
});

test("repeats and warm-up are bounded", async () => {
  await assert.rejects(runCases({ repeats: 0, casesDirectory }), hasCode("invalid_argument", /repeats is 0/));
  await assert.rejects(runCases({ warmup: 101, casesDirectory }), hasCode("invalid_argument", /warmup is 101/));
});
