import type { FilterScalar } from "@millrace/protocol/schemas";
import { FIELD_VALUES_MAX, VALUE_CHARS_MAX } from "./limits.ts";
import { RowValues, type RowValuesState, type Values } from "./row-values.ts";
import type { HashKey } from "./text-hash.ts";
import { TextTable, type TextTableState } from "./text-table.ts";

/** Codes that no string of the dictionary has. A long string equals nothing that may be asked for, but it is there. */
const LONG_STRING = 0;
const FALSE = 1;
const TRUE = 2;
const FIRST_CODE = 3;

/** Of one moment; copied or moved as it is. */
export type FieldState = {
  readonly codes: RowValuesState<Uint32Array<ArrayBuffer>>;
  readonly numbers: RowValuesState<Float64Array<ArrayBuffer>>;
  readonly dictionary: TextTableState | undefined;
  readonly strings: number;
  readonly isOverfull: boolean;
};

/** Numbers from `min` to `max`, both included. */
export type NumberRange = { readonly min: number; readonly max: number };

/**
 * What one field says in the rows that have it: strings as codes of a dictionary (8 bytes a row and 23–46 a different string), booleans as
 * two more codes (8 bytes), numbers as they are (12 bytes). Past `FIELD_VALUES_MAX` strings it is overfull: it gives its memory
 * back and says so, since a filter that knew some of the strings would be wrong without a word.
 */
export class FieldColumn {
  readonly #key: HashKey;
  #codes: RowValues<Uint32Array<ArrayBuffer>>;
  #numbers: RowValues<Float64Array<ArrayBuffer>>;
  #dictionary: TextTable | undefined;
  /** Different strings. */
  #strings: number;
  #isOverfull: boolean;

  constructor(key: HashKey, state: FieldState = EMPTY) {
    this.#key = key;
    this.#codes = new RowValues(Uint32Array, state.codes);
    this.#numbers = new RowValues(Float64Array, state.numbers);
    this.#dictionary = state.dictionary && new TextTable(key, state.dictionary);
    this.#strings = state.strings;
    this.#isOverfull = state.isOverfull;
  }

  get state(): FieldState {
    return {
      codes: this.#codes.state,
      numbers: this.#numbers.state,
      dictionary: this.#dictionary?.state,
      strings: this.#strings,
      isOverfull: this.#isOverfull,
    };
  }

  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  /** Different strings. */
  get strings(): number {
    return this.#strings;
  }

  /** Rows that have it, removed ones included until they are left out. */
  get length(): number {
    return this.#codes.length + this.#numbers.length;
  }

  get bytes(): number {
    return this.#codes.bytes + this.#numbers.bytes + (this.#dictionary?.bytes ?? 0);
  }

  /** `row` is above those before. */
  push(row: number, value: FilterScalar): void {
    if (this.#isOverfull) return;
    if (typeof value === "number") this.#numbers.push(row, value);
    else if (typeof value === "boolean") this.#codes.push(row, value ? TRUE : FALSE);
    else this.#pushString(row, value);
  }

  markAll(bitmap: Uint8Array, beforeRow: number): void {
    this.#codes.markAll(bitmap, beforeRow);
    this.#numbers.markAll(bitmap, beforeRow);
  }

  /** Rows whose value is one of `values`; strings of more than VALUE_CHARS_MAX characters must not be among them. */
  markAmong(bitmap: Uint8Array, beforeRow: number, values: readonly FilterScalar[]): void {
    const numbers = new Set<number>();
    const codes = new Set<number>();
    for (const value of values) {
      if (typeof value === "number") numbers.add(value);
      else codes.add(this.#codeOf(value));
    }
    // LONG_STRING stands for a string that no row has.
    codes.delete(LONG_STRING);
    mark(this.#numbers, bitmap, { beforeRow, values: numbers });
    mark(this.#codes, bitmap, { beforeRow, values: codes });
  }

  markWithin(bitmap: Uint8Array, beforeRow: number, range: NumberRange): void {
    this.#numbers.markWithin(bitmap, beforeRow, range);
  }

  /** Leaves out rows; the dictionary keeps their strings. */
  keep(isKept: (row: number) => boolean): void {
    this.#codes.keep(isKept);
    this.#numbers.keep(isKept);
  }

  #codeOf(value: string | boolean): number {
    if (typeof value === "boolean") return value ? TRUE : FALSE;
    return this.#dictionary?.get(value) ?? LONG_STRING;
  }

  #pushString(row: number, value: string): void {
    if (value.length > VALUE_CHARS_MAX) {
      this.#codes.push(row, LONG_STRING);
      return;
    }
    this.#dictionary ??= new TextTable(this.#key);
    const known = this.#dictionary.get(value);
    if (known === undefined && this.#strings === FIELD_VALUES_MAX) {
      this.#giveUp();
      return;
    }
    const code = known ?? FIRST_CODE + this.#strings++;
    if (known === undefined) this.#dictionary.set(value, code);
    this.#codes.push(row, code);
  }

  #giveUp(): void {
    this.#isOverfull = true;
    this.#codes = new RowValues(Uint32Array);
    this.#numbers = new RowValues(Float64Array);
    this.#dictionary = undefined;
    this.#strings = 0;
  }
}

const EMPTY: FieldState = {
  codes: [],
  numbers: [],
  dictionary: undefined,
  strings: 0,
  isOverfull: false,
};

type Wanted = { readonly beforeRow: number; readonly values: ReadonlySet<number> };

function mark<V extends Values>(rows: RowValues<V>, bitmap: Uint8Array, { beforeRow, values }: Wanted): void {
  if (values.size === 0) return;
  const [only] = values;
  if (values.size === 1 && only !== undefined) rows.markEqual(bitmap, beforeRow, only);
  else rows.markAmong(bitmap, beforeRow, values);
}
