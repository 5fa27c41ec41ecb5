/** What of a stream is kept, in words and out of them. */
import { MillraceError, type RetentionPolicy } from "@millrace/client";
import { formatBytes, formatCount, formatDuration, plural } from "./format.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** "everything", or "7 d, 100 MB, 1,000 frames". */
export function formatPolicy({ maxAgeMs, maxBytes, maxFrames }: RetentionPolicy): string {
  const bounds = [
    maxAgeMs === undefined ? "" : formatAge(maxAgeMs),
    maxBytes === undefined ? "" : formatBytes(maxBytes),
    maxFrames === undefined ? "" : plural(maxFrames, "frame"),
  ].filter(Boolean);
  return bounds.length === 0 ? "everything" : bounds.join(", ");
}

/** The bounds of a policy as they are typed in: whole, so that saving them unchanged changes nothing. */
export function policyFields({ maxAgeMs, maxBytes, maxFrames }: RetentionPolicy): Readonly<Record<string, string>> {
  return {
    age: maxAgeMs === undefined ? "" : inUnits(maxAgeMs, { ms: 1, ...UNIT_MS }),
    bytes: maxBytes === undefined ? "" : inUnits(maxBytes, UNIT_BYTES),
    frames: maxFrames === undefined ? "" : String(maxFrames),
  };
}

/** What was typed in as a policy; an empty field is no bound. `invalid_argument` with an example otherwise. */
export function parsePolicy(age: string, bytes: string, frames: string): RetentionPolicy {
  const maxAgeMs = read(age, { ms: 1, ...UNIT_MS }, "the age", "7d, 12h or 90m");
  const maxBytes = read(bytes, UNIT_BYTES, "the size", "500MB or 20GB");
  const maxFrames = read(frames, { "": 1 }, "the number of frames", "10000");
  return {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxFrames === undefined ? {} : { maxFrames }),
  };
}

function read(
  text: string,
  units: Readonly<Record<string, number>>,
  what: string,
  example: string,
): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(trimmed.replaceAll(",", "")) ?? [];
  const known = Object.entries(units).find(([name]) => name.toLowerCase() === unit.toLowerCase());
  const value = known && digits !== "" ? Math.round(Number(digits) * known[1]) : 0;
  if (value >= 1 && Number.isSafeInteger(value)) return value;
  throw new MillraceError("invalid_argument", `${what} is ${JSON.stringify(trimmed)}; write for example ${example}`);
}

function formatAge(ms: number): string {
  const days = ms / 86_400_000;
  return Number.isInteger(days) ? `${formatCount(days)} d` : formatDuration(ms);
}

/** In the largest unit that leaves a whole number. */
function inUnits(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units)
    .filter(([, size]) => value % size === 0)
    .reduce((best, one) => (one[1] > best[1] ? one : best));
  return `${value / size}${unit}`;
}
