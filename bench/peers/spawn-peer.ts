/** Peers that are programs of their own: started on a free port with their data in a directory that goes with them. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError } from "@millrace/core";
import { stopChild } from "../load/spawn-server.ts";

const START_MS = 10_000;

export type Peer = AsyncDisposable & { readonly port: number };

/** Undefined when the program is not installed. */
export async function spawnPeer(
  program: string,
  argumentsOf: (port: number, directory: string) => readonly string[],
): Promise<Peer | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "millrace-peer-"));
  const port = await freePort();
  const child = spawn(program, argumentsOf(port, directory), { stdio: "ignore" });
  const removeData = () => rmSync(directory, { recursive: true, force: true });
  const isMissing = await new Promise<boolean>((resolve) => {
    child.once("spawn", () => resolve(false));
    child.once("error", () => resolve(true));
  });
  if (isMissing) {
    removeData();
    return undefined;
  }
  const stop = () => stopChild(child).finally(removeData);
  const deadlineMs = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (performance.now() > deadlineMs || child.exitCode !== null) {
      await stop();
      throw new MillraceError("unavailable", `${program} does not listen on port ${port}`);
    }
    await sleep(20);
  }
  return { port, [Symbol.asyncDispose]: stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
