/** The uploads an interrupted job never received, sent to the job that goes on with it. */
import { readFile, stat } from "node:fs/promises";
import type { Client, Job } from "@millrace/client";
import { MillraceError, systemClock } from "@millrace/core";
import { checkSize } from "../read-stdin.ts";
import type { FollowedJob } from "./follow-job.ts";

/** Files sent at once, as the SDK does. */
const CONCURRENCY = 6;
/** Tries of one file while the engine says to try later; waits double from a quarter of a second to 4 s. */
const TRIES_MAX = 8;
const PAGE_SOURCES = 1_000;

/** Opens each source as the path it is named by; one that cannot be opened is an error of its own. */
export async function putWaiting(client: Client, job: Job, followed: FollowedJob, signal: AbortSignal): Promise<void> {
  const handle = client.job(job.job);
  const sources = waitingSources(client, job, signal);
  const send = async () => {
    for await (const { index, source } of sources) {
      try {
        const bytes = await readSource(source);
        await withRetries(() => handle.putSource(index, bytes, { signal }), signal);
      } catch (error) {
        if (signal.aborted) return;
        await followed.unsent(index, MillraceError.from(error, "unreadable_document"));
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, send));
}

/** A generator runs one `next` at a time, so several senders can draw from it. */
async function* waitingSources(client: Client, job: Job, signal: AbortSignal) {
  let after: string | undefined;
  do {
    const page = await client.job(job.job).sources({ state: "waiting", limit: PAGE_SOURCES, after, signal });
    yield* page.sources;
    after = page.next;
  } while (after !== undefined);
}

async function readSource(source: string): Promise<Uint8Array> {
  const found = await stat(source).catch((cause: unknown) => {
    const text = `${source} is not here; run it in the directory it was added from`;
    throw new MillraceError("not_found", text, { cause });
  });
  checkSize(source, found.size);
  return readFile(source);
}

async function withRetries(call: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      const isWorthRetrying = error instanceof MillraceError && error.retryable && tries < TRIES_MAX && !signal.aborted;
      if (!isWorthRetrying) throw error;
      const waitMs = Math.max(250 * 2 ** Math.min(tries - 1, 4), error.retryAfterMs ?? 0);
      await new Promise<void>((resolve) => systemClock.after(waitMs, resolve));
    }
  }
}
