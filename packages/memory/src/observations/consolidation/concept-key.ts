/** A concept is known by its kind and its lowest member: as a number, by which concepts are in order, and as the id that clients see. */
import { MillraceError } from "@millrace/core";
import type { Concept } from "../recall/consolidate.ts";

/** Keys of patterns begin after those of all rows. */
const PATTERNS_AT = 2 ** 32;
/** Above every key. */
export const KEY_END = 2 * PATTERNS_AT;

export function keyOf(kind: Concept["kind"], lowestRow: number): number {
  return kind === "duplicate" ? lowestRow : PATTERNS_AT + lowestRow;
}

export function kindOf(key: number): Concept["kind"] {
  return key < PATTERNS_AT ? "duplicate" : "pattern";
}

/** For example `pattern-1z`. */
export function conceptId(key: number): string {
  return `${kindOf(key)}-${(key % PATTERNS_AT).toString(36)}`;
}

/** The key of an id; `invalid_argument` for what is none. */
export function parseConceptId(id: string): number {
  const [, kind, digits = ""] = /^(duplicate|pattern)-([0-9a-z]{1,7})$/.exec(id) ?? [];
  const row = Number.parseInt(digits, 36);
  if (kind !== undefined && row < PATTERNS_AT) return keyOf(kind as Concept["kind"], row);
  const shown = JSON.stringify(id.slice(0, 40));
  throw new MillraceError(
    "invalid_argument",
    `after is ${shown}; give the next of the page before, such as pattern-1z`,
  );
}
