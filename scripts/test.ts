/**
 * Runs every test file with node:test, each file in a process of its own. Arguments are parts of paths: `npm test -- stream`
 * runs the files whose path holds "stream".
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
if (files.length === 0) {
  console.error(`no test file has ${wanted.join(" or ")} in its path`);
  process.exit(1);
}
if (files.some((file) => file.includes("dashboard"))) ensureChromium();
const options = [
  "--conditions=source",
  "--disable-warning=ExperimentalWarning",
  "--test",
  "--test-concurrency=2",
  "--test-timeout=180000",
];
const child = spawn(process.execPath, [...options, ...files], { cwd: root, stdio: "inherit" });
const limit = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
child.on("exit", (code, signal) => {
  clearTimeout(limit);
  process.exit(signal ? 1 : (code ?? 1));
});
