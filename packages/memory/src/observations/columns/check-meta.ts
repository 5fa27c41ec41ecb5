import { MillraceError } from "@millrace/core";
import type { ObservationMeta } from "@millrace/protocol";
import { LABELS } from "./attributes.ts";

/** Refuses, as `invalid_argument`, what columns cannot hold: so that a row is appended whole or not at all. */
export function checkMeta(meta: ObservationMeta): void {
  checkNumber("whenMs", meta.whenMs, { min: -8.64e15, max: 8.64e15 });
  checkNumber("confidence", meta.confidence, { min: 0, max: 1 });
  checkNumber("importance", meta.importance, { min: 0, max: 1 });
  checkNumber("ttlMs", meta.ttlMs, { min: 0, max: 8.64e15 });
  for (const label of LABELS) checkString(label, meta[label]);
  checkString("id", meta.id);
  const { payload } = meta;
  if (payload !== undefined && (typeof payload !== "object" || payload === null)) {
    throw new MillraceError("invalid_argument", `payload is ${JSON.stringify(payload)}; it must be a JSON object`);
  }
}

type Range = { readonly min: number; readonly max: number };

function checkNumber(name: string, value: unknown, { min, max }: Range): void {
  if (value === undefined || (typeof value === "number" && value >= min && value <= max)) return;
  throw new MillraceError(
    "invalid_argument",
    `${name} is ${JSON.stringify(value)}; it must be a number from ${min} to ${max}`,
  );
}

function checkString(name: string, value: unknown): void {
  if (value === undefined || typeof value === "string") return;
  throw new MillraceError("invalid_argument", `${name} is ${JSON.stringify(value)}; it must be a string`);
}
