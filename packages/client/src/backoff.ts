import { BACKOFF_BASE_MS, BACKOFF_CAP_MS } from "./limits.ts";

/**
 * How long to wait before try number `attempt` (from 1): uniform in 0 … min(cap, base · 2^(attempt − 1)). This is "full jitter"
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): of the usual forms it makes the fewest calls collide.
 */
export function fullJitterMs(attempt: number, rng: () => number): number {
  return rng() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt - 1, 16));
}
