import { checkText, MillraceError } from "@millrace/core";

/** An entry id of a Redis stream: milliseconds and a number within them, both decimal. */
const ENTRY_ID = {
  pattern: /^(?:0|[1-9][0-9]{0,15})-(?:0|[1-9][0-9]{0,19})$/,
  rule: "an entry id of a Redis stream is <milliseconds>-<number>, for example 1790000000000-0",
};
const NUMBERS_PER_MS = 1_000_000n;

/**
 * The place of a Redis stream entry as a producer position: `ms * 1e6 + n`, in decimal. It is above 2^53 (today's are near 2^60.6), so it is a string
 * everywhere and never becomes a number; compare two with `compareProducerSeqs`. Positions grow with the entries and leave numbers out, so
 * the next position is any greater one. `invalid_argument` for anything else, and for n ≥ 1,000,000, which would run into the next millisecond.
 */
export function redisProducerSeq(id: string): string {
  const [ms = "", number = ""] = checkText("the entry id", id, ENTRY_ID).split("-");
  const within = BigInt(number);
  if (within >= NUMBERS_PER_MS) {
    const message = `the entry id ${id} has number ${number}; at most ${NUMBERS_PER_MS - 1n} entries of one millisecond can be told apart`;
    throw new MillraceError("invalid_argument", message);
  }
  return String(BigInt(ms) * NUMBERS_PER_MS + within);
}

/** Below 0, 0 or above 0 as position `a` is before, at or after `b`. Both are decimal without leading zeros; no number is made of them. */
export function compareProducerSeqs(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
