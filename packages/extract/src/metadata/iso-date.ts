/** Dates as sites write them, to ISO 8601. */
import { monthOf } from "./months.ts";

export type DateReading = {
  /** How to read 03/11/2025: "mdy" as in en-US, else "dmy". A part above 12 settles it whatever this says. */
  readonly order?: "mdy" | "dmy";
};

/** Text around a date ("Published on … by …") is short; more is prose that only mentions one. */
const DATE_CHARS_MAX = 160;
/** Archives put old newspapers online with their dates; below this a year is a placeholder ("0001-01-01"). */
const YEAR_MIN = 1600;
const YEAR_MAX = 2100;

type Day = { readonly year: number; readonly month: number; readonly day: number };

const ISO =
  /(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?/i;
const COMPACT = /^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})Z?)?$/;
const EPOCH = /^\d{10}(?:\d{3})?$/;
const YEAR_FIRST = /(?<!\d)(\d{4})\s?[/.年년]\s?(\d{1,2})\s?[/.月월]\s?(\d{1,2})(?!\d)/;
const DAY_OR_MONTH_FIRST = /(?<![\d/.-])(\d{1,2})([/.-])\s?(\d{1,2})\2\s?(\d{4})(?!\d)/;
const DAY_NAME_YEAR =
  /(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?[\s-]*(?:of\s+|de\s+|d'|d’)?([\p{L}\p{M}]{3,14})\.?,?(?:\s+del?)?[\s-]+(\d{4})(?!\d)/u;
const NAME_DAY_YEAR =
  /([\p{L}\p{M}]{3,14})\.?\s+(\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(?:\d{1,2}:\d{2}(?::\d{2})?\s+)?(\d{4})(?!\d)/u;
const YEAR_NAME_DAY = /(?<!\d)(\d{4})[.,]?[\s-]+([\p{L}\p{M}]{3,14})\.?[\s-]+(\d{1,2})(?!\d)/u;
/** RFC 2822 (section 3.3) and what `Date.toString` and `toUTCString` write. */
const CLOCK =
  /(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(?:(Z|UT|UTC|GMT|EST|EDT|CST|CDT|MST|MDT|PST|PDT)?([+-]\d{2}:?\d{2})?)(?![\d:])/;

/** RFC 2822, section 4.3: the zone names that mean one offset. */
const ZONES: Readonly<Record<string, string>> = {
  EST: "-05:00",
  EDT: "-04:00",
  CST: "-06:00",
  CDT: "-05:00",
  MST: "-07:00",
  MDT: "-06:00",
  PST: "-08:00",
  PDT: "-07:00",
};

/**
 * The first date in `text` as YYYY-MM-DD, or as YYYY-MM-DDThh:mm:ss with `Z` or an offset where the text gives a time with its
 * zone; a time without a zone names no instant, so only the day is kept. Undefined when there is none, when it is impossible
 * (30 February, year 1) or lacks its day. Relative dates ("3 days ago") are not read: the page does not say when it was written.
 */
export function isoDate(text: string, reading: DateReading = {}): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length < 6 || trimmed.length > DATE_CHARS_MAX) return undefined;
  return fromIso(trimmed) ?? fromDigits(trimmed) ?? fromNumbers(trimmed, reading) ?? fromNames(trimmed);
}

/** The date in a URL's path, /2025/11/03/ or /2025-11-03-…; undefined when there is none. */
export function dateOfUrl(url: string | undefined): string | undefined {
  const path = url === undefined ? undefined : URL.parse(url)?.pathname;
  const found =
    path && /[/_-](20\d{2}|19[89]\d)[/_-](0[1-9]|1[0-2]|[1-9])[/_-](0[1-9]|[12]\d|3[01]|[1-9])(?!\d)/.exec(path);
  return found ? dayText(dayOf(found[1], found[2], found[3])) : undefined;
}

function fromIso(text: string): string | undefined {
  const found = ISO.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, zone] = found;
  return withClock(dayOf(year, month, day), { hour, minute, second, zone });
}

function fromDigits(text: string): string | undefined {
  if (EPOCH.test(text)) {
    const instant = new Date(Number(text) * (text.length === 10 ? 1_000 : 1));
    return `${instant.toISOString().slice(0, 19)}Z`;
  }
  const found = COMPACT.exec(text);
  return found ? dayText(dayOf(found[1], found[2], found[3])) : undefined;
}

function fromNumbers(text: string, reading: DateReading): string | undefined {
  const first = YEAR_FIRST.exec(text);
  if (first) return dayText(dayOf(first[1], first[2], first[3]));
  const found = DAY_OR_MONTH_FIRST.exec(text);
  if (!found) return undefined;
  const [, left, mark, right, year] = found;
  const isMonthFirst = Number(right) > 12 || (mark === "/" && reading.order === "mdy" && Number(left) <= 12);
  return dayText(isMonthFirst ? dayOf(year, left, right) : dayOf(year, right, left));
}

function fromNames(text: string): string | undefined {
  const byDay = DAY_NAME_YEAR.exec(text);
  const byName = NAME_DAY_YEAR.exec(text);
  const byYear = byDay || byName ? null : YEAR_NAME_DAY.exec(text);
  const candidates = [
    byDay && dayOf(byDay[3], monthOf(byDay[2] ?? ""), byDay[1]),
    byName && dayOf(byName[3], monthOf(byName[1] ?? ""), byName[2]),
    byYear && dayOf(byYear[1], monthOf(byYear[2] ?? ""), byYear[3]),
  ];
  const day = candidates.find((candidate) => candidate);
  if (!day) return undefined;
  const clock = CLOCK.exec(text);
  const zone = clock?.[5] ?? (clock?.[4] ? (ZONES[clock[4]] ?? "Z") : undefined);
  return withClock(day, { hour: clock?.[1], minute: clock?.[2], second: clock?.[3], zone });
}

function dayOf(year: string | undefined, month: string | number | undefined, day: string | undefined): Day | undefined {
  const parts = { year: Number(year), month: Number(month), day: Number(day) };
  if (!(parts.year >= YEAR_MIN && parts.year <= YEAR_MAX && parts.month >= 1 && parts.month <= 12 && parts.day >= 1)) {
    return undefined;
  }
  // The epoch's first day is what a missing date turns into.
  if (parts.year === 1970 && parts.month === 1 && parts.day === 1) return undefined;
  return parts.day <= new Date(Date.UTC(parts.year, parts.month, 0)).getUTCDate() ? parts : undefined;
}

function dayText(day: Day | undefined): string | undefined {
  if (!day) return undefined;
  return `${day.year}-${two(day.month)}-${two(day.day)}`;
}

type ClockTime = {
  readonly hour: string | undefined;
  readonly minute: string | undefined;
  readonly second: string | undefined;
  readonly zone: string | undefined;
};

function withClock(day: Day | undefined, clock: ClockTime): string | undefined {
  const date = dayText(day);
  const zone = clock.zone && zoneText(clock.zone);
  if (!date || !zone || Number(clock.hour) > 23 || Number(clock.minute) > 59) return date;
  return `${date}T${two(Number(clock.hour))}:${clock.minute}:${clock.second ?? "00"}${zone}`;
}

function zoneText(zone: string): string {
  if (/^[a-z]/i.test(zone) || /^[+-]00:?(00)?$/.test(zone)) return "Z";
  return `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
