import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./event-source-child.js", import.meta.url));

/** What an EventSource has said so far, in order. */
export type SpawnedEventSource = {
  readonly frames: readonly { readonly id: string; readonly data: string }[];
  readonly gaps: readonly string[];
  readonly opens: number;
  /** Whether it has given up: an EventSource that is closed does not come back. */
  readonly isClosed: boolean;
} & AsyncDisposable;

const CLOSED = 2;

/** Starts the `eventsource` package on the address, in a process that ends when this is disposed. */
export function spawnEventSource(url: string): SpawnedEventSource {
  const child = spawn(process.execPath, [program, url], { stdio: ["ignore", "pipe", "inherit"] });
  const seen = { frames: [] as { id: string; data: string }[], gaps: [] as string[], opens: 0, isClosed: false };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [type, first, second] = JSON.parse(line) as [string, unknown, unknown];
    if (type === "frame") seen.frames.push({ id: String(first), data: String(second) });
    else if (type === "gap") seen.gaps.push(String(second));
    else if (type === "open") seen.opens++;
    else if (first === CLOSED) seen.isClosed = true;
  });
  const exited = once(child, "exit");
  const dispose = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  return Object.assign(seen, { [Symbol.asyncDispose]: dispose });
}
