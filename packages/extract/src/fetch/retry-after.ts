import type { Clock, Rng } from "@millrace/core";
import { RETRY_AFTER_MS_MAX, RETRY_DELAY_MS } from "../limits.ts";

/** What a Retry-After header asks for: seconds or an HTTP date, 0 … `RETRY_AFTER_MS_MAX`; undefined when it is absent or malformed. */
export function retryAfterMsOf(header: string | undefined, clock: Clock): number | undefined {
  const text = header?.trim() ?? "";
  const atMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : dateMs(text) - clock.now();
  return Number.isNaN(atMs) ? undefined : Math.min(RETRY_AFTER_MS_MAX, Math.max(0, atMs));
}

/** `Date.parse` takes nearly anything; all three HTTP dates (RFC 9110, 5.6.7) begin with the name of a day. */
function dateMs(text: string): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)
    ? Date.parse(/GMT/i.test(text) ? text : `${text} GMT`)
    : Number.NaN;
}

/** The wait before try `tries` + 1: doubled each time, the upper half of it by chance. */
export function backoffMs(tries: number, rng: Rng): number {
  return RETRY_DELAY_MS * 2 ** (tries - 1) * (0.5 + rng() / 2);
}
