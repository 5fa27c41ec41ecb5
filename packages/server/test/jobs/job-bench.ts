import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@millrace/core";
import { type Frame, jobStream, toSpaceId } from "@millrace/protocol";
import { LogReader, openStorage, Sequencer } from "@millrace/stream";
import { JobRunner, type JobRunnerOptions } from "../../src/jobs/job-runner.ts";
import { JobStore } from "../../src/jobs/job-store.ts";
import type { SourceInput } from "../../src/jobs/jobs-module.ts";
import { jobsModuleUrl } from "../../src/worker-url.ts";

export const SPACE = toSpaceId("s");
export const STORED = { document: "d", title: "T", chunks: 2, bytes: 10, chars: 10, unchanged: false };

export function sources(count: number, state: "queued" | "waiting" = "queued"): SourceInput[] {
  return Array.from({ length: count }, (_, n) => {
    const body = state === "queued" ? new TextEncoder().encode(`text ${n}`) : null;
    return { kind: "upload", source: `f${n}.txt`, contentType: "text/plain", state, body };
  });
}

/** A sequencer over the real one, with a look at what is handed over, before it is. */
class WatchedSequencer extends Sequencer {
  before: (types: readonly string[]) => void | Promise<void> = () => {};

  override async append(...[stream, events, options]: Parameters<Sequencer["append"]>) {
    await this.before(events.map(({ type }) => type));
    return super.append(stream, events, options);
  }
}

type BenchOptions = { directory?: string; bytesMax?: number; ingest?: JobRunnerOptions["ingest"]["run"] };

/** The job runner over a real store and log; what a source becomes is said by `ingest`. The clock moves only when told. */
export async function openBench({ directory, bytesMax, ingest = async () => STORED }: BenchOptions = {}) {
  const path = directory ?? mkdtempSync(join(tmpdir(), "millrace-jobs-"));
  const limit = bytesMax === undefined ? {} : { bytesMax };
  const storage = await openStorage({ directory: path, modules: [jobsModuleUrl], ...limit });
  const clock = new ManualClock();
  const sequencer = new WatchedSequencer({ storage, clock });
  const store = new JobStore(storage);
  const run: JobRunnerOptions["ingest"] = { run: ingest, documentId: (_, { source }) => source };
  const runner = new JobRunner({ sequencer, store, ingest: run, clock });
  const reader = new LogReader(storage);
  return {
    directory: path,
    storage,
    clock,
    sequencer,
    store,
    runner,
    ended: (job: string) => runner.ended(job, new AbortController().signal),
    job: (job: string) => store.job(job, clock.now()),
    async frames(job: string): Promise<Frame[]> {
      const { frames } = await reader.frames(jobStream(job), undefined, 1_000);
      return frames.map(({ json }) => JSON.parse(json) as Frame);
    },
    async [Symbol.asyncDispose]() {
      runner.abortAll();
      await runner.drain();
      await storage.close();
      if (directory === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Settles once `isTrue`, asked again each turn of the event loop. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise<void>((resolve) => setImmediate(resolve));
}
