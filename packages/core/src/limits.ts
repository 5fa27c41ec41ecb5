import { MillraceError } from "./error.ts";

export type IntegerRange = { readonly min: number; readonly max: number };

/** `value` when it is a whole number within the range; else `invalid_argument` naming value, range and option. */
export function checkInteger(name: string, value: unknown, range: IntegerRange): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
  throw new MillraceError(
    "invalid_argument",
    `${name} is ${JSON.stringify(value)}; it must be a whole number from ${range.min} to ${range.max}`,
  );
}

export type TextRule = { readonly pattern: RegExp; readonly rule: string };

/** `value` when it is a string that matches; else `invalid_argument` naming the value (cut at 80 characters) and the rule. */
export function checkText(name: string, value: unknown, { pattern, rule }: TextRule): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  const shown = (JSON.stringify(value) ?? "undefined").slice(0, 80);
  throw new MillraceError("invalid_argument", `${name} is ${shown}; ${rule}`);
}
