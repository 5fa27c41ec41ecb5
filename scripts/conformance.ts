/**
 * Runs the suites of test/conformance, which are written for vitest, and says how many of their tests passed. Arguments are parts of test
 * names. Ends with 1 when any failed or none ran, and without arguments also when one was skipped or there were fewer than there should be.
 */
import { join } from "node:path";
import { startVitest, type TestCase } from "vitest/node";

/** What the suites are known to hold: a run of fewer has not run them. */
const TESTS_MIN = 338;

function report(test: TestCase): void {
  const { state, errors } = test.result();
  if (state === "passed") return;
  console.log(`${state}: ${test.fullName}`);
  for (const { message, stack } of errors ?? []) console.log(`${message}\n${stack ?? ""}`);
}

const wanted = process.argv.slice(2);
const vitest = await startVitest("test", [], {
  root: join(import.meta.dirname, ".."),
  config: false,
  watch: false,
  include: ["test/conformance/**/*.suite.ts"],
  reporters: [{ onTestCaseResult: report }],
  testTimeout: 30_000,
  ...(wanted.length > 0 ? { testNamePattern: wanted.join("|") } : {}),
});
const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
const modules = vitest.state.getTestModules();
for (const module of modules) {
  for (const test of module.children.allTests()) counts[test.result().state]++;
}
const errors = [...vitest.state.getUnhandledErrors(), ...modules.flatMap((module) => module.errors())];
for (const error of errors) console.log(error);
await vitest.close();
const left = counts.skipped + counts.pending;
console.log(`conformance: ${counts.passed} passed, ${counts.failed} failed, ${left} not run, ${errors.length} errors`);
const isWhole = wanted.length > 0 ? counts.passed > 0 : counts.passed >= TESTS_MIN && left === 0;
process.exit(counts.failed === 0 && errors.length === 0 && isWhole ? 0 : 1);
