/**
 * Runs every test file with node:test, each file in a process of its own, then the suites written for vitest (conformance.ts). Arguments
 * are parts of paths: `npm test -- stream` runs the files whose path holds "stream", and the suites when one of theirs does.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { ensureChromium } from "./chromium.ts";

/** Longest a whole run may take: far above what it needs, so that a hang ends as a failure. */
const RUN_MS_MAX = 30 * 60_000;

const root = join(import.meta.dirname, "..");
const wanted = process.argv.slice(2);
const files = globSync("{packages/*,bench,.}/test/**/*.test.ts", { cwd: root })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
const suites = globSync("test/conformance/**/*.suite.ts", { cwd: root }).filter(
  (file) => wanted.length === 0 || wanted.some((part) => file.includes(part)),
);
if (files.length + suites.length === 0) {
  console.error(`no test file has ${wanted.join(" or ")} in its path`);
  process.exit(1);
}
if (files.some((file) => file.includes("dashboard") || file.includes("browser"))) ensureChromium();
const node = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
const unit = ["--test", "--test-concurrency=2", "--test-timeout=600000", ...files];
const stepsFailed = [
  files.length > 0 && !(await succeeds([...node, ...unit])) ? "node:test" : undefined,
  suites.length > 0 && !(await succeeds([...node, join("scripts", "conformance.ts")])) ? "conformance" : undefined,
].filter((name) => name !== undefined);
const ran = `${files.length} test files, ${suites.length} conformance suites`;
console.log(stepsFailed.length === 0 ? `passed: ${ran}` : `FAILED: ${stepsFailed.join(" and ")} (${ran})`);
process.exit(stepsFailed.length === 0 ? 0 : 1);

/** Runs a step to its end, or to the limit. */
function succeeds(args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const limit = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  return new Promise((resolve) => {
    child.on("exit", (code) => {
      clearTimeout(limit);
      resolve(code === 0);
    });
  });
}
