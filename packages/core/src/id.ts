import { type Clock, systemClock } from "./clock.ts";

/** Crockford's base 32: no I, L, O, U, so that an id read aloud is not misread; ordered as its value. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;

/**
 * A factory of ids in the shape of a ULID (github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, 26
 * characters in lower case. Within one factory ids increase strictly, also inside one millisecond and when the clock steps
 * back. 80 random bits a start keep ids apart across restarts and replicas.
 */
export function createIdFactory(clock: Clock = systemClock): () => string {
  let lastMs = -1;
  let tail = new Uint8Array(RANDOM_CHARS);
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      tail = crypto.getRandomValues(new Uint8Array(RANDOM_CHARS)).map((byte) => byte & 31);
    } else increment(tail);
    return encodeTime(lastMs) + Array.from(tail, (digit) => ALPHABET[digit]).join("");
  };
}

function increment(digits: Uint8Array): void {
  for (let at = digits.length - 1; at >= 0; at--) {
    const digit = digits[at] ?? 0;
    digits[at] = (digit + 1) & 31;
    if (digit < 31) return;
  }
}

function encodeTime(ms: number): string {
  let rest = ms;
  let text = "";
  for (let at = 0; at < TIME_CHARS; at++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
