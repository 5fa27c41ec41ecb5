/** What a frame says, in a line. */
import type { Frame } from "@millrace/client";
import { formatCount } from "./format.ts";
import { ABOUT_CHARS } from "./limits.ts";

type Fields = Readonly<Record<string, unknown>>;
export type Tone = "good" | "bad" | "warn" | "calm";

/** How a frame's type is coloured: what ended well, what went wrong, what was cut off. */
export function toneOf({ type, data }: Pick<Frame, "type" | "data">): Tone {
  if (/(failed|error|removed)$/.test(type) || fieldsOf(data).isError === true) return "bad";
  if (/interrupted$/.test(type)) return "warn";
  if (/(stored|done|final|completed)$/.test(type)) return "good";
  return "calm";
}

/** The most telling part of a frame. */
export function aboutOf({ type, id, data }: Pick<Frame, "type" | "id" | "data">): string {
  const fields = fieldsOf(data);
  const text = byType(type, id, fields) ?? byFields(fields) ?? id;
  return text.replaceAll("\n", " ↵ ").slice(0, ABOUT_CHARS);
}

function byType(type: string, id: string, fields: Fields): string | undefined {
  const { append, name, reason, code, message, finishReason, kind, mode } = fields;
  if (typeof append === "string") return `${id} + ${append}`;
  if (type === "interrupted") return `${id} was cut off: ${words(reason)}`;
  if (type === "error") return [words(code), words(message)].filter(Boolean).join(": ");
  if (type === "tool.start") return `${id} calls ${words(name)}`;
  if (type === "tool.result") return `${id} answers ${JSON.stringify(fields.result) ?? ""}`;
  if (type === "llm.final") return finishReason === undefined ? `${id} ended` : `${id} ended: ${words(finishReason)}`;
  if (type === "timeline.upsert") return `${words(kind)} ${id}`;
  if (type === "log") return logText(fields);
  return typeof mode === "string" ? mode : undefined;
}

function byFields({ source, phase, text, content, stored, total }: Fields): string | undefined {
  if (typeof source === "string") return typeof phase === "string" ? `${source} · ${phase}` : source;
  if (typeof stored === "number" && typeof total === "number")
    return `${formatCount(stored)} of ${formatCount(total)} stored`;
  return [text, content].find((value) => typeof value === "string");
}

/** A log frame may hold an event of a type that nobody knows. */
function logText({ level, type, message, data }: Fields): string | undefined {
  const what = words(message) || (data === undefined ? "" : (JSON.stringify(data) ?? ""));
  return [words(level), words(type), what].filter(Boolean).join(" · ") || undefined;
}

function fieldsOf(data: unknown): Fields {
  return typeof data === "object" && data !== null ? (data as Fields) : {};
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}
