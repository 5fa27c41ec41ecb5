import { MillraceError } from "@millrace/core";
import type { ObservationMeta } from "@millrace/protocol";
import type { FilterScalar } from "@millrace/protocol/schemas";
import { FieldColumn, type FieldState } from "./field-column.ts";
import { FIELD_CHARS_MAX, FIELD_VALUES_MAX, FIELDS_MAX } from "./limits.ts";
import type { HashKey } from "./text-hash.ts";

/** Labels: fields that every space has. */
export const LABELS = ["what", "where", "who", "why"] as const satisfies readonly (keyof ObservationMeta)[];
export type Label = (typeof LABELS)[number];

/** A label of that name, or a field of the payload. */
export type FieldName =
  | { readonly of: "label"; readonly name: Label }
  | { readonly of: "payload"; readonly name: string };

/** What one field takes, for metrics and the curious. */
export type FieldFigures = {
  /** As a filter names it. */
  readonly field: string;
  /** Rows that have it. */
  readonly rows: number;
  /** Different strings. */
  readonly strings: number;
  readonly bytes: number;
  /** Whether filters by it are refused, because it has more than 1,000,000 different strings. */
  readonly isOverfull: boolean;
};

/** Of one moment; copied or moved as it is. */
export type AttributesState = {
  readonly labels: readonly (readonly [Label, FieldState])[];
  readonly payload: readonly (readonly [string, FieldState])[];
  readonly hasLeftOut: boolean;
};

/** The labels and payload fields of a space's rows, a column each. What cannot be kept within the limits is refused when asked for. */
export class Attributes {
  readonly #key: HashKey;
  readonly #labels = new Map<Label, FieldColumn>();
  readonly #payload = new Map<string, FieldColumn>();
  /** Whether some payload had a field past `FIELDS_MAX`. */
  #hasLeftOut: boolean;

  constructor(key: HashKey, state?: AttributesState) {
    this.#key = key;
    this.#hasLeftOut = state?.hasLeftOut ?? false;
    for (const [label, field] of state?.labels ?? []) this.#labels.set(label, new FieldColumn(key, field));
    for (const [name, field] of state?.payload ?? []) this.#payload.set(name, new FieldColumn(key, field));
  }

  get state(): AttributesState {
    return {
      labels: Array.from(this.#labels, ([label, column]) => [label, column.state] as const),
      payload: Array.from(this.#payload, ([name, column]) => [name, column.state] as const),
      hasLeftOut: this.#hasLeftOut,
    };
  }

  get bytes(): number {
    let bytes = 0;
    for (const column of this.#columns()) bytes += column.bytes;
    return bytes;
  }

  get figures(): readonly FieldFigures[] {
    return [...named(this.#labels, ""), ...named(this.#payload, "payload.")];
  }

  /** Takes the labels and the payload's own strings, numbers and booleans. `row` is above those before. */
  append(row: number, meta: ObservationMeta): void {
    for (const label of LABELS) {
      const value = meta[label];
      if (value !== undefined) this.#labelColumn(label).push(row, value);
    }
    if (meta.payload === undefined) return;
    for (const name of Object.keys(meta.payload)) {
      const value = meta.payload[name];
      if (isScalar(value)) this.#payloadColumn(name)?.push(row, value);
    }
  }

  /**
   * The column of a field; undefined when no row has it. `too_large` when what is known of it is not all: the field has too many different
   * strings, or the space too many fields.
   */
  column(field: FieldName): FieldColumn | undefined {
    const column = field.of === "label" ? this.#labels.get(field.name) : this.#payload.get(field.name);
    if (column?.isOverfull) {
      throw new MillraceError(
        "too_large",
        `the field ${field.name} has more than ${FIELD_VALUES_MAX} different strings, so it cannot be filtered by; give each observation an id and ask for that, or filter by a field with fewer`,
      );
    }
    if (!column && field.of === "payload" && this.#hasLeftOut) {
      throw new MillraceError(
        "too_large",
        `payloads of this space have more than ${FIELDS_MAX} fields, and ${field.name} is not among the first, so it cannot be filtered by; use fewer fields, or a space of its own`,
      );
    }
    return column;
  }

  /** Leaves out rows that are gone for good from the first column in which they are more than half. True when there was one. */
  compact(isHeld: (row: number) => boolean, held: number): boolean {
    for (const column of this.#columns()) {
      if (column.length <= 2 * held + PAGE_OF_ENTRIES) continue;
      column.keep(isHeld);
      return true;
    }
    return false;
  }

  *#columns(): Iterable<FieldColumn> {
    yield* this.#labels.values();
    yield* this.#payload.values();
  }

  #labelColumn(label: Label): FieldColumn {
    const known = this.#labels.get(label);
    if (known) return known;
    const column = new FieldColumn(this.#key);
    this.#labels.set(label, column);
    return column;
  }

  #payloadColumn(name: string): FieldColumn | undefined {
    const known = this.#payload.get(name);
    if (known || name.length > FIELD_CHARS_MAX) return known;
    if (this.#payload.size === FIELDS_MAX) {
      this.#hasLeftOut = true;
      return undefined;
    }
    const column = new FieldColumn(this.#key);
    this.#payload.set(name, column);
    return column;
  }
}

/** Entries of rows that are gone which are not worth a pass over a column. */
const PAGE_OF_ENTRIES = 1_024;

/** JSON has no NaN and no infinity; a payload handed over in memory may, and they are as good as null. */
function isScalar(value: unknown): value is FilterScalar {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}

function named(columns: ReadonlyMap<string, FieldColumn>, prefix: string): FieldFigures[] {
  return Array.from(columns, ([name, { length, strings, bytes, isOverfull }]) => ({
    field: `${prefix}${name}`,
    rows: length,
    strings,
    bytes,
    isOverfull,
  }));
}
