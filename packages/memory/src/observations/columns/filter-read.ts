/** Reads a filter (`ObservationFilter`, docs/recall-scores.md) into conditions, checking every part of it. */
import { MillraceError } from "@millrace/core";
import type { FilterScalar } from "@millrace/protocol/schemas";
import { type FieldName, LABELS, type Label } from "./attributes.ts";
import type { Condition } from "./filter.ts";
import { FIELD_CHARS_MAX, FILTER_DEPTH_MAX, FILTER_TERMS_MAX, IN_VALUES_MAX, VALUE_CHARS_MAX } from "./limits.ts";
import { toSteps } from "./row-page.ts";

/** Characters of a wrong value that a message shows. */
const SHOWN_MAX = 80;
const PAYLOAD_PREFIX = "payload.";

type Place = { readonly path: string; readonly depth: number };

/** The conditions of `filter`; `invalid_argument` names the part that is wrong. `nowMs` is what `recentMs` counts back from. */
export function readFilter(filter: unknown, nowMs: number): Condition {
  return new FilterReader(nowMs).filter(filter, { path: "filter", depth: 0 });
}

class FilterReader {
  readonly #nowMs: number;
  #terms = 0;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  filter(value: unknown, place: Place): Condition {
    checkDepth(place);
    const parts = entriesOf(value, place.path).map(([key, part]) => this.#part(key, part, place));
    const [only] = parts;
    return parts.length === 1 && only ? only : { kind: "and", of: parts };
  }

  #part(key: string, value: unknown, { path, depth }: Place): Condition {
    const place = { path: `${path}.${key.slice(0, SHOWN_MAX)}`, depth: depth + 1 };
    this.#count(place.path);
    if (key === "and" || key === "or") return { kind: key, of: this.#list(value, place) };
    if (key === "not") return { kind: "not", of: this.filter(value, place) };
    if (key === "when") return this.#when(value, place.path);
    if (key === "confidenceMin") return { kind: "confidence", minSteps: toSteps(shareOf(value, place.path)) };
    if (key === "importanceMin") return { kind: "importance", minSteps: toSteps(shareOf(value, place.path)) };
    if (key === "hasText") return unless(booleanOf(value, place.path), { kind: "hasText" });
    return this.#field(toFieldName(key, place.path), value, place);
  }

  #list(value: unknown, place: Place): Condition[] {
    if (!Array.isArray(value)) throw wrong(place.path, value, "must be a list of filters");
    checkLength(place.path, value, FILTER_TERMS_MAX);
    return value.map((item, at) => this.filter(item, { path: `${place.path}.${at}`, depth: place.depth }));
  }

  #when(value: unknown, path: string): Condition {
    let fromMs = Number.NEGATIVE_INFINITY;
    let untilMs = Number.POSITIVE_INFINITY;
    for (const [key, part] of entriesOf(value, path)) {
      const at = `${path}.${key.slice(0, SHOWN_MAX)}`;
      if (key === "after") fromMs = Math.max(fromMs, numberOf(part, at));
      else if (key === "before") untilMs = Math.min(untilMs, numberOf(part, at));
      else if (key === "recentMs") fromMs = Math.max(fromMs, this.#nowMs - numberOf(part, at));
      else if (key === "between") {
        if (!Array.isArray(part) || part.length !== 2) throw wrong(at, part, "must be two times, [from, until]");
        fromMs = Math.max(fromMs, numberOf(part[0], `${at}.0`));
        untilMs = Math.min(untilMs, numberOf(part[1], `${at}.1`));
      } else throw wrong(at, part, "is not known; use after, before, between or recentMs");
    }
    return { kind: "when", fromMs, untilMs };
  }

  #field(field: FieldName, value: unknown, place: Place): Condition {
    checkDepth(place);
    if (typeof value !== "object" || value === null) {
      return { kind: "among", field, values: [scalarOf(value, place.path)] };
    }
    const parts = entriesOf(value, place.path).map(([key, part]) => {
      const path = `${place.path}.${key.slice(0, SHOWN_MAX)}`;
      this.#count(path);
      return this.#fieldPart(field, key, { value: part, place: { path, depth: place.depth + 1 } });
    });
    if (parts.length === 0)
      throw wrong(place.path, value, "is empty; give a value, in, gt, gte, lt, lte, exists or not");
    const [only] = parts;
    return parts.length === 1 && only ? only : { kind: "and", of: parts };
  }

  #fieldPart(field: FieldName, key: string, { value, place }: { value: unknown; place: Place }): Condition {
    const { path } = place;
    switch (key) {
      case "in":
        return { kind: "among", field, values: scalarsOf(value, path) };
      case "not":
        return { kind: "not", of: this.#field(field, value, place) };
      case "exists":
        return unless(booleanOf(value, path), { kind: "exists", field });
      case "gt":
        return within(field, nextAbove(numberOf(value, path)), Number.POSITIVE_INFINITY);
      case "gte":
        return within(field, numberOf(value, path), Number.POSITIVE_INFINITY);
      case "lt":
        return within(field, Number.NEGATIVE_INFINITY, -nextAbove(-numberOf(value, path)));
      case "lte":
        return within(field, Number.NEGATIVE_INFINITY, numberOf(value, path));
      default:
        throw wrong(path, value, "is not known; use in, gt, gte, lt, lte, exists or not");
    }
  }

  #count(path: string): void {
    if (++this.#terms <= FILTER_TERMS_MAX) return;
    throw new MillraceError(
      "invalid_argument",
      `${path} is condition ${this.#terms} of the filter; at most ${FILTER_TERMS_MAX} are taken, a list of values goes into one in`,
    );
  }
}

function toFieldName(key: string, path: string): FieldName {
  const label = LABELS.find((name): name is Label => name === key);
  if (label) return { of: "label", name: label };
  const name = key.startsWith(PAYLOAD_PREFIX) ? key.slice(PAYLOAD_PREFIX.length) : key;
  if (name.length <= FIELD_CHARS_MAX) return { of: "payload", name };
  throw new MillraceError(
    "invalid_argument",
    `${path} names a field of ${name.length} characters; fields of at most ${FIELD_CHARS_MAX} can be filtered by`,
  );
}

function within(field: FieldName, min: number, max: number): Condition {
  return { kind: "within", field, range: { min, max } };
}

function unless(is: boolean, condition: Condition): Condition {
  return is ? condition : { kind: "not", of: condition };
}

/** The least double above `value`, so that every range has its ends included. */
function nextAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n);
  return new Float64Array(bits.buffer)[0] ?? value;
}

function checkDepth({ path, depth }: Place): void {
  if (depth <= FILTER_DEPTH_MAX) return;
  throw new MillraceError(
    "invalid_argument",
    `${path.slice(0, SHOWN_MAX)} lies ${depth} levels deep in the filter; at most ${FILTER_DEPTH_MAX} are taken`,
  );
}

function checkLength(path: string, list: readonly unknown[], max: number): void {
  if (list.length <= max) return;
  throw new MillraceError("invalid_argument", `${path} has ${list.length} items; at most ${max} are taken`);
}

function entriesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(path, value, "must be an object");
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  checkLength(path, entries, FILTER_TERMS_MAX);
  return entries;
}

function scalarsOf(value: unknown, path: string): FilterScalar[] {
  if (!Array.isArray(value)) throw wrong(path, value, "must be a list of strings, numbers or booleans");
  checkLength(path, value, IN_VALUES_MAX);
  return value.map((item, at) => scalarOf(item, `${path}.${at}`));
}

function scalarOf(value: unknown, path: string): FilterScalar {
  if (value === null)
    throw wrong(path, value, 'must be a string, number or boolean; use {"exists": false} for what is missing');
  if (typeof value === "number") return numberOf(value, path);
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") throw wrong(path, value, "must be a string, number or boolean");
  if (value.length <= VALUE_CHARS_MAX) return value;
  throw new MillraceError(
    "invalid_argument",
    `${path} has ${value.length} characters; strings of at most ${VALUE_CHARS_MAX} can be compared with`,
  );
}

function numberOf(value: unknown, path: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw wrong(path, value, "must be a number");
}

function shareOf(value: unknown, path: string): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw wrong(path, value, "must be a number from 0 to 1");
}

function booleanOf(value: unknown, path: string): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(path, value, "must be true or false");
}

function wrong(path: string, value: unknown, rule: string): MillraceError {
  const shown = typeof value === "object" && value !== null ? kindOf(value) : String(JSON.stringify(value));
  return new MillraceError("invalid_argument", `${path} is ${shown.slice(0, SHOWN_MAX)}; it ${rule}`);
}

/** A wrong object is named, not shown: showing it would walk all of it. */
function kindOf(value: object): string {
  return Array.isArray(value) ? `a list of ${value.length}` : "an object";
}
