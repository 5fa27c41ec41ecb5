import type { FilterScalar } from "@millrace/protocol/schemas";
import type { FieldName } from "./attributes.ts";
import type { NumberRange } from "./field-column.ts";

export type { ObservationFilter } from "@millrace/protocol/schemas";

/** A filter as it is worked out: what was checked, one condition each. */
export type Condition =
  | { readonly kind: "and" | "or"; readonly of: readonly Condition[] }
  | { readonly kind: "not"; readonly of: Condition }
  /** whenMs from `fromMs` (included) to `untilMs` (not included). */
  | { readonly kind: "when"; readonly fromMs: number; readonly untilMs: number }
  | { readonly kind: "confidence" | "importance"; readonly minSteps: number }
  | { readonly kind: "hasText" }
  | { readonly kind: "exists"; readonly field: FieldName }
  | { readonly kind: "among"; readonly field: FieldName; readonly values: readonly FilterScalar[] }
  | { readonly kind: "within"; readonly field: FieldName; readonly range: NumberRange };
