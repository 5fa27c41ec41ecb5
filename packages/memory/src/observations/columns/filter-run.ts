import { unreachable } from "@millrace/core";
import type { Attributes, FieldName } from "./attributes.ts";
import { emptyBitmap, intersect, invert, setRange, unite } from "./bitmap.ts";
import type { FieldColumn } from "./field-column.ts";
import type { Condition } from "./filter.ts";
import type { RowPages } from "./row-pages.ts";

export type FilteredRows = {
  readonly pages: RowPages;
  readonly attributes: Attributes;
  /** Rows are looked at below this one. */
  readonly beforeRow: number;
};

/**
 * The rows of which a condition holds, removed ones and gaps among them: whoever asks takes what is visible of it. A condition looks once
 * at every row that has its field; one bitmap is held for each level of `and`, `or` and `not`.
 */
export function runCondition(condition: Condition, on: FilteredRows): Uint8Array {
  switch (condition.kind) {
    case "and":
    case "or":
      return combine(condition.kind, condition.of, on);
    case "not":
      return inverted(runCondition(condition.of, on));
    case "when":
      return marked(on, (bitmap) => on.pages.markWhen(bitmap, on.beforeRow, condition));
    case "confidence":
    case "importance":
      return marked(on, (bitmap) =>
        on.pages.markShare(bitmap, on.beforeRow, { of: condition.kind, minSteps: condition.minSteps }),
      );
    case "hasText":
      return marked(on, (bitmap) => on.pages.markHasText(bitmap, on.beforeRow));
    case "exists":
      return ofField(condition.field, on, (column, bitmap) => column.markAll(bitmap, on.beforeRow));
    case "among":
      return ofField(condition.field, on, (column, bitmap) => column.markAmong(bitmap, on.beforeRow, condition.values));
    case "within":
      return ofField(condition.field, on, (column, bitmap) => column.markWithin(bitmap, on.beforeRow, condition.range));
    default:
      return unreachable(condition);
  }
}

function combine(kind: "and" | "or", conditions: readonly Condition[], on: FilteredRows): Uint8Array {
  const [first, ...others] = conditions;
  if (!first) return kind === "and" ? marked(on, (bitmap) => setRange(bitmap, 0, on.beforeRow)) : marked(on, () => {});
  const bitmap = runCondition(first, on);
  for (const other of others) {
    if (kind === "and") intersect(bitmap, runCondition(other, on));
    else unite(bitmap, runCondition(other, on));
  }
  return bitmap;
}

function inverted(bitmap: Uint8Array): Uint8Array {
  invert(bitmap);
  return bitmap;
}

function ofField(
  field: FieldName,
  on: FilteredRows,
  mark: (column: FieldColumn, bitmap: Uint8Array) => void,
): Uint8Array {
  const column = on.attributes.column(field);
  return marked(on, (bitmap) => {
    if (column) mark(column, bitmap);
  });
}

function marked(on: FilteredRows, mark: (bitmap: Uint8Array) => void): Uint8Array {
  const bitmap = emptyBitmap(on.beforeRow);
  mark(bitmap);
  return bitmap;
}
