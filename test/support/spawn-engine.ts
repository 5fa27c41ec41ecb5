import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Mode } from "@millrace/stream";

const program = fileURLToPath(new URL("./engine-process.ts", import.meta.url));
const FLAGS = ["--conditions=source", "--disable-warning=ExperimentalWarning"];

/** An engine in a process of its own. Disposing it ends the process as `kill` does. */
export type SpawnedEngine = { readonly url: string; kill(signal?: NodeJS.Signals): Promise<void> } & AsyncDisposable;

/** Starts one over the data directory and waits until it serves. */
export async function spawnEngine(directory: string, mode: Mode = "relaxed"): Promise<SpawnedEngine> {
  const child = spawn(process.execPath, [...FLAGS, program, directory, mode], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await firstLine(child);
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return { url, kill, [Symbol.asyncDispose]: () => kill() };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the engine's output is not piped");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the engine ended before it served");
}
