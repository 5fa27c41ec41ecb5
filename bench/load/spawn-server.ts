import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Deadline, MillraceError } from "@millrace/core";
import { START_MS } from "./limits.ts";
import type { TargetName } from "./targets/choose-target.ts";
import { millracePath, peerPath } from "./worker-url.ts";

/** Time to end by itself after SIGTERM. */
const STOP_MS = 10_000;
const STDERR_CHARS_MAX = 4_096;

export type SpawnedServer = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  /** Its data. */
  readonly directory: string;
};

export type SpawnServerOptions = {
  readonly target: TargetName;
  /** Millrace only: further arguments of `serve`. */
  readonly serveArgs?: readonly string[];
  /** For its data, which is left there; default: one for temporary files, which is removed. */
  readonly directory?: string;
};

/** A server in a process of its own on a free port, with its data in a directory that goes with it unless one is given. */
export async function spawnServer({ target, serveArgs = [], ...kept }: SpawnServerOptions): Promise<SpawnedServer> {
  const directory = kept.directory ?? mkdtempSync(join(tmpdir(), "millrace-load-"));
  const script =
    target === "millrace"
      ? [millracePath, "serve", "--port", "0", "--data", directory, "--json", ...serveArgs]
      : peerScript(target, directory);
  const child = spawn(process.execPath, ["--conditions=source", "--disable-warning=ExperimentalWarning", ...script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async () => {
    await stopChild(child);
    if (kept.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    const url = await Deadline.after(START_MS).race(`starting ${target}`, readUrl(child, target));
    return { url, pid: child.pid ?? 0, directory, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function peerScript(target: Exclude<TargetName, "millrace">, directory: string): string[] {
  return target === "durable-streams-memory" ? [peerPath("durable-streams")] : [peerPath(target), directory];
}

/** The first line a server prints is JSON with its `url`. What it prints after that is let go. */
function readUrl(child: ChildProcess, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let stderr = "";
    child.stderr?.on("data", (text: Buffer) => {
      stderr = (stderr + text.toString()).slice(-STDERR_CHARS_MAX);
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new MillraceError("unavailable", `${target} ended with ${signal ?? code}: ${stderr.trim()}`));
    });
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = urlIn(line);
      if (url !== undefined) resolve(url);
    });
  });
}

function urlIn(line: string): string | undefined {
  try {
    const { url }: { url?: unknown } = JSON.parse(line);
    return typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Ends a child that was spawned here: asked first, then made to. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}
