import type { Client, Frame, Job } from "@millrace/client";
import { MillraceError, systemClock } from "@millrace/core";
import { formatDuration } from "../format.ts";
import { CONTACT_LOST_MS } from "../limits.ts";
import type { Tally } from "./tally.ts";

type Stored = { source: string; chunks: number; bytes: number; unchanged: boolean };
type Failed = { index: number; source: string; error: Pick<MillraceError, "code" | "message"> };

/** One job under way: counts what its stream says into the tally, to its end. */
export class FollowedJob {
  readonly #client: Client;
  readonly #job: Job;
  readonly #tally: Tally;
  /** Why the files that were withdrawn could not be sent, by their numbers in the job. */
  readonly #unsent = new Map<number, MillraceError>();
  /** Ended from elsewhere, by a cancel or a restart, with sources left open. */
  wasInterrupted = false;

  constructor(client: Client, job: Job, tally: Tally) {
    this.#client = client;
    this.#job = job;
    this.#tally = tally;
    tally.jobs.push(job.job);
  }

  /** A file of this job that could not be sent is withdrawn, so that the job does not wait for it; it counts as failed for `error`. */
  async unsent(index: number, error: MillraceError): Promise<void> {
    this.#unsent.set(index, error);
    // Refused only when it does not wait for its bytes any more: then the stream says what became of it.
    await this.#client
      .job(this.#job.job)
      .withdrawSource(index)
      .catch(() => {});
  }

  /** Settles at the job's end; rejects with `cancelled`, or with `unavailable` when the engine stays away. */
  async follow(signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    let cancelTimer: (() => void) | undefined;
    const stream = this.#client.stream(this.#job.stream).subscribe({
      signal: AbortSignal.any([signal, lost.signal]),
      onStatus: ({ state }) => {
        if (state === "waiting") cancelTimer ??= systemClock.after(CONTACT_LOST_MS, () => lost.abort());
        if (state !== "live" && state !== "closed") return;
        cancelTimer?.();
        cancelTimer = undefined;
      },
    });
    for await (const frame of stream) {
      if (this.#take(frame)) return;
    }
    if (lost.signal.aborted) {
      const text = `the engine at ${this.#client.url} has not answered for ${formatDuration(CONTACT_LOST_MS)}; start it again, then: millrace add --resume ${this.#job.job}`;
      throw new MillraceError("unavailable", text);
    }
    throw new MillraceError("cancelled", "stopped by the user");
  }

  /** Whether the frame is the job's last. */
  #take({ type, data }: Frame): boolean {
    switch (type) {
      case "document.stored":
        this.#tally.storedOne(data as Stored);
        return false;
      case "document.failed": {
        const { index, source, error } = data as Failed;
        const reason = error.code === "cancelled" ? this.#unsent.get(index) : undefined;
        this.#tally.failedOne(source, reason ?? error);
        return false;
      }
      case "job.done":
      case "job.error":
        return true;
      case "job.interrupted":
        this.wasInterrupted = true;
        return true;
      default:
        return false;
    }
  }
}
