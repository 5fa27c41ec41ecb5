#!/usr/bin/env node
// The `millrace` command on any Node: finds Node 24, and runs the sources where there are any.
// It becomes the engine (execve) where Node can, so that a signal to it is a signal to the engine.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const source = new URL("../src/main.ts", import.meta.url);
const built = new URL("../dist/main.js", import.meta.url);
const isSource = existsSync(source);
const isOld = Number(process.versions.node.split(".")[0]) < 24;

/** Node 24 of the workspace's own dependencies, when this Node is older. */
function findNode() {
  if (!isOld) return process.execPath;
  try {
    return createRequire(import.meta.url).resolve("node/bin/node");
  } catch {
    return process.execPath;
  }
}

const node = findNode();
const isStillOld = isOld && node === process.execPath;
const options = ["--disable-warning=ExperimentalWarning", ...(isSource ? ["--conditions=source"] : [])];
const main = fileURLToPath(isSource ? source : built);
const words = [...(isStillOld ? [] : options), main, ...process.argv.slice(2)];

if (!isSource && !isOld) await import(built.href);
else if (typeof process.execve === "function") process.execve(node, [node, ...words], process.env);
else {
  const child = spawn(node, words, { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; this process only waits for the other to end in its own way.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)));
}
