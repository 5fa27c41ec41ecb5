/** What both model formats share: reading foreign JSON, and the events that an answer is made of. Offsets are left to the engine. */
import type { StreamEvent } from "@millrace/protocol";

/** Parts one answer may have open: tool calls and blocks. More is no answer of a model. */
export const PARTS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/** The value as an object; its fields are still unknown. Throws when it is none, which keeps the event as a log frame. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new TypeError(`${what} is no object`);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The place of a part, as the provider counts them. */
export function indexOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < PARTS_MAX) return value;
  throw new RangeError(`the index ${String(value)} is not a whole number from 0 to ${PARTS_MAX - 1}`);
}

/** A delta event; none for an empty text. */
export function pushDelta(out: StreamEvent[], type: string, id: string, append: string): void {
  if (append !== "") out.push({ type, id, data: { append } });
}

/** What a failed answer leaves behind: its own `error`, and `interrupted` for the parts that were still being written. */
export function failAnswer(id: string | undefined, error: unknown, parts: Iterable<string>): StreamEvent[] {
  const { type, code, message } = fieldsOf(error, "the error");
  const data = { code: textOf(code) || textOf(type) || "provider_failed", message: textOf(message) };
  const out: StreamEvent[] = [id === undefined ? { type: "error", data } : { type: "error", id, data }];
  for (const part of parts)
    out.push({ type: "interrupted", id: part, data: { reason: "the answer ended with an error" } });
  return out;
}
