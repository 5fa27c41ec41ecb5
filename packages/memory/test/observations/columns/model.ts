import type { ObservationMeta } from "@millrace/protocol";

/** A row as a plain list has it. `removal`: its number, from 1. */
export type ModelRow = {
  readonly meta: ObservationMeta | null;
  readonly acceptedMs: number;
  readonly isGap: boolean;
  readonly removal?: number;
  readonly wasTold?: boolean;
};

export function isVisible(
  row: ModelRow,
  at: number,
  asOf: { readonly rows: number; readonly removals: number },
): boolean {
  return !row.isGap && at < asOf.rows && (row.removal === undefined || row.removal > asOf.removals);
}

export function rowsOf(rows: readonly ModelRow[], passes: (row: ModelRow, at: number) => boolean): number[] {
  return rows.flatMap((row, at) => (passes(row, at) ? [at] : []));
}

export function bitmapOf(rows: readonly number[], length: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(length / 8));
  for (const row of rows) bitmap[row >> 3] = (bitmap[row >> 3] ?? 0) | (1 << (row & 7));
  return bitmap;
}

const LABELS = ["what", "where", "who", "why"];

/** The filter language said again, a row at a time. */
export function matches(filter: object, row: ModelRow, nowMs: number): boolean {
  const { meta } = row;
  return Object.entries(filter).every(([key, part]) => {
    if (key === "and") return part.every((one: object) => matches(one, row, nowMs));
    if (key === "or") return part.some((one: object) => matches(one, row, nowMs));
    if (key === "not") return !matches(part, row, nowMs);
    if (key === "when") return isWhen(part, meta?.whenMs ?? row.acceptedMs, nowMs);
    if (key === "confidenceMin") return (meta?.confidence ?? 1) >= part;
    if (key === "importanceMin") return (meta?.importance ?? 0.5) >= part;
    if (key === "hasText") return (meta?.text !== undefined) === part;
    if (LABELS.includes(key)) return holds(part, meta?.[key as "what"]);
    return holds(part, meta?.payload?.[key.replace(/^payload\./, "")]);
  });
}

function isWhen(part: Record<string, unknown>, when: number, nowMs: number): boolean {
  const { after, before, between, recentMs } = part as Record<string, number>;
  if (after !== undefined && when < after) return false;
  if (before !== undefined && when >= before) return false;
  if (recentMs !== undefined && when < nowMs - recentMs) return false;
  if (between === undefined) return true;
  const [from, until] = between as unknown as [number, number];
  return when >= from && when < until;
}

function holds(condition: unknown, found: unknown): boolean {
  const value = ["string", "number", "boolean"].includes(typeof found) ? found : undefined;
  if (typeof condition !== "object") return value === condition;
  return Object.entries(condition as object).every(([key, part]) => {
    if (key === "in") return value !== undefined && part.includes(value);
    if (key === "not") return !holds(part, value);
    if (key === "exists") return (value !== undefined) === part;
    if (typeof value !== "number") return false;
    if (key === "gt") return value > part;
    if (key === "gte") return value >= part;
    if (key === "lt") return value < part;
    return value <= part;
  });
}
