/**
 * A worker whose jobs misbehave on demand, by the name of their source. TRIAL_WORKER_DIES: it dies before it serves, if a file, only the
 * first that finds it missing. TRIAL_WORKER_HELD: it says on the channel of that name that it starts, and serves when it is answered.
 */
import { existsSync, writeFileSync } from "node:fs";
import { BroadcastChannel, threadId } from "node:worker_threads";
import { MillraceError } from "@millrace/core";
import { serveJobs } from "../../src/pool/job-port.ts";

export type TrialJob = { readonly source: string; readonly bytes: Uint8Array };
export type TrialResult = { readonly source: string; readonly length: number; readonly thread: number };

const dies = process.env.TRIAL_WORKER_DIES;
if (dies !== undefined && (dies === "always" || !existsSync(dies))) {
  if (dies !== "always") writeFileSync(dies, "");
  process.exit(3);
}

const gate = process.env.TRIAL_WORKER_HELD;
if (gate !== undefined) {
  const channel = new BroadcastChannel(gate);
  const opened = new Promise<void>((resolve) => {
    channel.onmessage = () => resolve();
  });
  channel.postMessage("starting");
  await opened;
  channel.close();
}

const held: unknown[] = [];

serveJobs(({ source, bytes }: TrialJob): TrialResult => {
  if (source.startsWith("spin")) for (;;) held.length = 0;
  if (source.startsWith("hog")) for (;;) held.push(Array.from({ length: 1_000 }, (_, at) => ({ at })));
  if (source.startsWith("exit")) process.exit(7);
  if (source.startsWith("refuse")) throw new MillraceError("no_text", `${source} holds no text`);
  if (source.startsWith("keep")) held.push(new Uint8Array(64 * 1024 * 1024).fill(1));
  if (source.startsWith("wasm")) held.push(new WebAssembly.Memory({ initial: 1_024 }));
  return { source, length: bytes.length, thread: threadId };
});
