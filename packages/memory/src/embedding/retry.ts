import { type Clock, MillraceError } from "@millrace/core";
import { BACKOFF_MS, BACKOFF_MS_MAX, TRIES_MAX } from "./limits.ts";

export type RetryOptions = {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** In [0, 1): how far into its half the wait falls; default at random, so that many callers do not return at once. */
  readonly jitter?: () => number;
};

/**
 * Runs `work` until it succeeds, fails with what a retry cannot mend, or has been tried four times. Between tries it waits 250 ms,
 * 500 ms, 1 s with jitter, or as long as the error's `retryAfterMs` says, at most 20 s.
 */
export async function retry<T>(
  work: () => Promise<T>,
  { clock, signal, jitter = Math.random }: RetryOptions,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isWorthIt = error instanceof MillraceError && error.retryable && error.code !== "cancelled";
      if (!isWorthIt || tries === TRIES_MAX) throw error;
      const backoffMs = BACKOFF_MS * 2 ** (tries - 1) * (0.5 + jitter() / 2);
      await wait(clock, Math.min(BACKOFF_MS_MAX, Math.max(backoffMs, error.retryAfterMs ?? 0)), signal);
    }
  }
}

function wait(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = () => {
      cancel();
      reject(new MillraceError("cancelled", "embedding was cancelled", { cause: signal?.reason }));
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
